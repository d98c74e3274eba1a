"""Activation functions with their derivatives, and the softmax."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.recipe.architecture import LEAKY_SLOPE, slope_of

Array = NDArray[Any]
Rows = NDArray[Any]


def sigmoid(Z: Array) -> Array:
    """1 / (1 + exp(-Z)), without overflow."""
    e = np.exp(-np.abs(Z))
    return np.where(Z < 0, e, 1) / (1 + e)


@dataclass(frozen=True)
class Function:
    """An activation, its derivative from Z and A, and the largest value of its second derivative."""

    value: Callable[[Array], Array]
    derivative: Callable[[Array, Array], Array]
    curvature: float = 0.0
    kink: bool = False


def leaky(slope: float) -> Function:
    """Leaky ReLU."""
    return Function(lambda Z: np.where(Z > 0, Z, slope * Z), lambda Z, A: np.where(Z > 0, 1.0, slope), kink=True)


FUNCTIONS: dict[str, Function] = {
    "relu": Function(lambda Z: np.maximum(Z, 0), lambda Z, A: (Z > 0).astype(float), kink=True),
    "sigmoid": Function(sigmoid, lambda Z, A: A * (1 - A), curvature=0.1),
    "tanh": Function(np.tanh, lambda Z, A: 1 - A * A, curvature=0.77),
    "linear": Function(lambda Z: Z, lambda Z, A: np.ones_like(Z)),
    "leaky_relu": leaky(LEAKY_SLOPE),
}


@lru_cache(maxsize=64)
def function(name: str) -> Function:
    """Return the activation of this name, which may be a leaky ReLU with its own slope: "leaky_relu(0.01)"."""
    slope = slope_of(name)
    return FUNCTIONS[name] if slope is None else leaky(slope)


def softmax(Z: Array, axis: int = 1) -> Array:
    """Class probabilities."""
    e = np.exp(Z - Z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)
