"""What large weights cost: a penalty on every kernel, which the reported loss includes, as it does in Keras."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Penalty:
    """For a kernel W: l1 * sum(|W|) + l2 * sum(W^2), neither halved nor divided by the number of samples.

    Parameters
    ----------
    l1, l2 : float
        Rounded to float32, as Keras rounds them even for float64 weights.
    """

    l1: float
    l2: float

    def __post_init__(self) -> None:
        for name in ("l1", "l2"):
            object.__setattr__(self, name, float(np.float32(getattr(self, name))))

    def value(self, kernels: Sequence[Array]) -> Array:
        """Return what kernels of shape (..., inputs, units) cost together, () or (replicates,)."""
        costs = [self.l1 * np.abs(W) + self.l2 * np.square(W) for W in kernels]
        return np.sum([np.add.reduce(np.add.reduce(cost, axis=-1), axis=-1) for cost in costs], axis=0)

    def add_gradient(self, kernels: Sequence[Array], gradients: Sequence[Array]) -> None:
        """Add the penalty's gradient, l1 * sign(W) + 2 * l2 * W, to each kernel's."""
        for W, dW in zip(kernels, gradients, strict=True):
            dW += self.l1 * np.sign(W) + 2 * self.l2 * W
