"""A network's kernels and biases as views of one flat vector, so that an update is two calls at any depth."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating]
Shapes = Sequence[tuple[int, int]]


def parameter_count(shapes: Shapes) -> int:
    """Parameters of layers with these (inputs, units)."""
    return sum(units * (inputs + 1) for inputs, units in shapes)


class Parameters:
    """The parameters of one network or a stack, and room for their gradient.

    Parameters
    ----------
    theta : ndarray of shape (parameters,) or (replicates, parameters)
    shapes : sequence of (inputs, units), one for each layer
    """

    def __init__(self, theta: Array, shapes: Shapes) -> None:
        self.theta, self.gradient, self.shapes = theta, np.empty_like(theta), shapes

    # Made when asked for: views that were kept would not be views of a copy's vectors once pickled or copied.

    @property
    def W(self) -> list[Array]:
        """Each layer's kernel and, in the last column, bias, (..., units, inputs + 1): views of `theta`."""
        return _views(self.theta, self.shapes)

    @property
    def dW(self) -> list[Array]:
        """The gradient of `W`: views of `gradient`."""
        return _views(self.gradient, self.shapes)

    def part(self, rows: slice) -> "Parameters":
        """Some of a stack's replicates: the same parameters, a gradient of their own."""
        return Parameters(self.theta[rows], self.shapes)

    def set(self, weights: Sequence[ArrayLike]) -> None:
        """Set all from arrays in the order and shapes of `keras_arrays`, or those without the replicate axis.

        Raises
        ------
        ValueError
            If an array is missing or has another shape; then nothing is set.
        """
        arrays = [np.asarray(array) for array in weights]
        expected = [array.shape for array in keras_arrays(self.W)]
        if len(arrays) != len(expected):
            raise ValueError(f"`weights` must hold {len(expected)} arrays. Received: {len(arrays)}")
        for position, (array, shape) in enumerate(zip(arrays, expected, strict=True)):
            if array.shape not in (shape, shape[self.theta.ndim - 1 :]):
                raise ValueError(f"`weights[{position}]` must have shape {shape}. Received: {array.shape}")
        for W, kernel, bias in zip(self.W, arrays[::2], arrays[1::2], strict=True):
            W[..., :-1] = kernel.swapaxes(-1, -2)
            W[..., -1] = bias


def keras_arrays(views: Sequence[Array]) -> list[Array]:
    """Copy `W` or `dW` into Keras's order and shapes: kernel (..., inputs, units), bias (..., units), ..."""
    return [array for W in views for array in (W[..., :-1].swapaxes(-1, -2).copy(), W[..., -1].copy())]


def _views(flat: Array, shapes: Shapes) -> list[Array]:
    stops = np.cumsum([parameter_count([shape]) for shape in shapes])
    pieces = np.split(flat, stops[:-1], axis=-1)
    return [
        piece.reshape(*flat.shape[:-1], units, inputs + 1)
        for piece, (inputs, units) in zip(pieces, shapes, strict=True)
    ]
