"""Update rules."""

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray


class SGD:
    """Stochastic gradient descent, as in Keras without momentum: `theta = theta - learning_rate * gradient`.

    Parameters
    ----------
    learning_rate : float, or array of shape (replicates,)
        One step size for all, or one for each replicate of a stack.
    dtype : dtype
        The parameters' dtype; the rate is rounded to it once, so that no update is computed in a wider one.
    """

    def __init__(self, learning_rate: ArrayLike, dtype: DTypeLike) -> None:
        rate = np.asarray(learning_rate, dtype)
        self.learning_rate: NDArray[np.floating] = rate[:, np.newaxis] if rate.ndim else rate

    def part(self, rows: slice) -> "SGD":
        """The optimizer of some of a stack's replicates."""
        rate = self.learning_rate
        return SGD(rate[rows, 0] if rate.ndim else rate, rate.dtype)

    def update(self, theta: NDArray[np.floating], gradient: NDArray[np.floating]) -> None:
        """Update theta, (parameters,) or (replicates, parameters), in place; `gradient` is used up."""
        np.multiply(gradient, self.learning_rate, out=gradient)
        np.subtract(theta, gradient, out=theta)
