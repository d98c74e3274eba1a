"""Activation functions of hidden layers, each with its derivative, in one registry.

A function writes f(Z) into `out`. A derivative writes f'(Z) into `out` and may use A = f(Z) where that is
cheaper. All arrays have one shape, (..., units, samples), and one dtype; only the `out` of a derivative that
is only ever 0 or 1 may be bool.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

# To compare with a zero of its own dtype takes an array half of the time that a Python number takes.
ZERO = {np.dtype(name): np.zeros((), name) for name in ("float32", "float64")}
LEAKY_SLOPE = 0.2  # Keras's `negative_slope` of the "leaky_relu" activation


def linear(Z: Array, out: Array) -> None:
    """A = Z."""
    np.copyto(out, Z)


def linear_derivative(Z: Array, A: Array, out: NDArray[Any]) -> None:
    """dA/dZ = 1."""
    out.fill(1)


def relu(Z: Array, out: Array) -> None:
    """A = max(Z, 0)."""
    out.fill(0)
    np.maximum(Z, out, out=out)  # of two arrays: less than half the time that a scalar zero takes


def relu_derivative(Z: Array, A: Array, out: NDArray[Any]) -> None:
    """dA/dZ = 1 where Z > 0, else 0: at exactly zero it is 0, as in Keras."""
    np.greater(Z, ZERO[Z.dtype], out=out)


def leaky_relu(Z: Array, out: Array) -> None:
    """A = max(Z, slope * Z), which is Z above zero and slope * Z below."""
    np.multiply(Z, LEAKY_SLOPE, out=out)
    np.maximum(Z, out, out=out)


def leaky_relu_derivative(Z: Array, A: Array, out: Array) -> None:
    """dA/dZ = 1 where Z > 0, else the slope."""
    np.greater(Z, ZERO[Z.dtype], out=out)
    np.maximum(out, LEAKY_SLOPE, out=out)


def sigmoid(Z: Array, out: Array) -> None:
    """A = 1 / (1 + exp(-Z)); where exp(-Z) overflows, A = 0 is the right answer."""
    np.negative(Z, out=out)
    with np.errstate(over="ignore"):
        np.exp(out, out=out)
    np.add(out, 1, out=out)
    np.reciprocal(out, out=out)


def sigmoid_derivative(Z: Array, A: Array, out: Array) -> None:
    """dA/dZ = A (1 - A)."""
    np.subtract(1, A, out=out)
    np.multiply(out, A, out=out)


def tanh(Z: Array, out: Array) -> None:
    """A = tanh(Z)."""
    np.tanh(Z, out=out)


def tanh_derivative(Z: Array, A: Array, out: Array) -> None:
    """dA/dZ = 1 - A^2."""
    np.multiply(A, A, out=out)
    np.subtract(1, out, out=out)


class Activation(NamedTuple):
    """A function and its derivative; `is_mask`: whether the derivative is only ever 0 or 1."""

    function: Callable[[Array, Array], None]
    derivative: Callable[[Array, Array, NDArray[Any]], None]
    is_mask: bool = False


ACTIVATIONS: dict[str, Activation] = {
    "linear": Activation(linear, linear_derivative, is_mask=True),
    "relu": Activation(relu, relu_derivative, is_mask=True),
    "leaky_relu": Activation(leaky_relu, leaky_relu_derivative),
    "sigmoid": Activation(sigmoid, sigmoid_derivative),
    "tanh": Activation(tanh, tanh_derivative),
}
