"""One training step under way: every phase of it in view, where Keras shows a loss and new weights alone."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from compare.mathematics.functions import Array, Function
from compare.recipe.architecture import Architecture, Role
from compare.recipe.recipe import Recipe

Item = TypeVar("Item")


@dataclass
class Step:
    """A step under way; samples are rows. Lists have an entry a layer; A[l] is layer l's input, so A[0] is X.

    `weights`, `gradients` and `after` have an entry a tensor, in the architecture's order. `memory` is what faulty code
    keeps from step to step, `within` what it hands from one phase to a later one.
    """

    recipe: Recipe
    weights: list[Array]
    X: Array
    y: NDArray[np.integer]
    memory: dict[Any, Any]
    A: list[Array] = field(default_factory=list)
    Z: list[Array] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    P: Array = field(default_factory=lambda: np.empty(0))
    loss: float = np.nan
    dZ: list[Array] = field(default_factory=list)
    dW: list[Array] = field(default_factory=list)
    db: list[Array] = field(default_factory=list)
    gradients: list[Array] = field(default_factory=list)
    after: list[Array] = field(default_factory=list)
    within: dict[str, Any] = field(default_factory=dict)

    @property
    def architecture(self) -> Architecture:
        """What is trained."""
        return self.recipe.architecture

    @property
    def n(self) -> int:
        """Samples in the batch."""
        return len(self.X)

    @property
    def depth(self) -> int:
        """Number of layers."""
        return self.architecture.depth

    @property
    def learning_rate(self) -> float:
        """The step size."""
        return self.architecture.learning_rate

    @cached_property
    def Y(self) -> Array:
        """One-hot labels."""
        return np.eye(self.architecture.outputs)[self.y]

    @property
    def accuracy(self) -> float:
        """The share of samples whose likeliest class is theirs."""
        return float((self.P.argmax(axis=1) == self.y).mean())

    def kernel(self, layer: int) -> Array:
        """A layer's W, (inputs, units)."""
        return self.weights[self.architecture.places[layer, "kernel"]]

    def bias(self, layer: int) -> Array:
        """A layer's b, (units,)."""
        return self.weights[self.architecture.places[layer, "bias"]]

    def with_kernel(self, layer: int, W: Array) -> "Step":
        """Return the step with another kernel in one layer."""
        weights = list(self.weights)
        weights[self.architecture.places[layer, "kernel"]] = W
        return replace(self, weights=weights)

    def at(self, learning_rate: float) -> "Step":
        """Return the step with another learning rate."""
        return replace(self, recipe=self.recipe.at(learning_rate))

    def only(self, role: Role, values: Iterable[Item]) -> list[Item]:
        """Of values, one a tensor, those of the tensors of this role."""
        return [value for weight, value in zip(self.architecture.weights, values, strict=True) if weight.role == role]
