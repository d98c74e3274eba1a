"""Update rules, over flat vectors of all parameters."""

import copy
from collections.abc import Sequence
from typing import Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

Array = NDArray[np.floating]


class Optimizer(Protocol):
    """What a model asks of an update rule.

    Attributes
    ----------
    learning_rate : ndarray of shape () or (replicates, 1)
    slots : int
        How many vectors like theta the rule keeps from step to step. The model holds them; they start as zero.
    """

    learning_rate: Array
    slots: int

    def update(self, theta: Array, gradient: Array, slots: Sequence[Array] = ()) -> None:
        """Update theta, (parameters,) or (replicates, parameters), and the slots in place; use up `gradient`."""

    def part(self, rows: slice) -> Self:
        """The optimizer of some of a stack's replicates."""


class SGD:
    """Stochastic gradient descent, as in Keras without momentum: `theta = theta - learning_rate * gradient`.

    Parameters
    ----------
    learning_rate : float, or array of shape (replicates,)
        One step size for all, or one for each replicate of a stack.
    dtype : dtype
        The parameters' dtype; the rate is rounded to it once, so that no update is computed in a wider one.
    """

    slots = 0

    def __init__(self, learning_rate: ArrayLike, dtype: DTypeLike) -> None:
        rate = np.asarray(learning_rate, dtype)
        self.learning_rate: Array = rate[:, np.newaxis] if rate.ndim else rate

    def update(self, theta: Array, gradient: Array, slots: Sequence[Array] = ()) -> None:
        """Update theta in place; see `Optimizer`."""
        np.multiply(gradient, self.learning_rate, out=gradient)
        np.subtract(theta, gradient, out=theta)

    def part(self, rows: slice) -> Self:
        """The optimizer of some of a stack's replicates."""
        some = copy.copy(self)
        some.learning_rate = self.learning_rate[rows] if self.learning_rate.ndim else self.learning_rate
        return some
