"""All parameters of a network in one flat vector, so that an update is a few calls at any depth."""

import copy
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scratch_nn.layers import DenseLayer

Array = NDArray[np.floating]


class Parameters:
    """The parameters of one network or a stack, zero at first, and room for their gradient.

    Each layer has a piece of the flat vectors, and says itself what arrays lie in it.

    Parameters
    ----------
    layers : list of DenseLayer
    inputs : int
        Features that the first layer takes.
    replicates : int or None
    dtype : dtype

    Attributes
    ----------
    weights : list of Weight
        What arrays there are, in Keras's order: layer after layer.
    theta, gradient : ndarray of shape (parameters,) or (replicates, parameters)
    """

    def __init__(
        self, layers: list[DenseLayer], inputs: int, replicates: int | None, dtype: np.dtype[np.floating]
    ) -> None:
        fan_in = [inputs, *(layer.units for layer in layers[:-1])]
        own = [layer.weights(n, number) for number, (layer, n) in enumerate(zip(layers, fan_in, strict=True))]
        stops = np.cumsum([sum(weight.size for weight in weights) for weights in own])
        shape = (stops[-1],) if replicates is None else (replicates, stops[-1])
        self.layers, self.inputs, self.starts = layers, inputs, stops[:-1]
        self.weights = [weight for weights in own for weight in weights]
        self.theta, self.gradient = np.zeros(shape, dtype), np.empty(shape, dtype)

    # Views are made when asked for: kept ones would not be views of a copy's vectors once pickled or copied.

    def pieces(self, flat: Array) -> list[Array]:
        """View the part of each layer in `theta` or `gradient`, (..., size)."""
        return np.split(flat, self.starts, axis=-1)

    def views(self, flat: Array) -> list[Array]:
        """View `theta` or `gradient` as arrays in the order and shapes of `weights`, (..., *shape)."""
        pieces = zip(self.layers, self.pieces(flat), strict=True)
        return [view for layer, piece in pieces for view in layer.views(piece)]

    def kernels(self, flat: Array) -> list[Array]:
        """View the kernels in `theta` or `gradient`, as `views` does."""
        return [view for weight, view in zip(self.weights, self.views(flat), strict=True) if weight.role == "kernel"]

    def copies(self, flat: Array) -> list[Array]:
        """Copy what `views` shows."""
        return [view.copy() for view in self.views(flat)]

    def set(self, weights: Sequence[ArrayLike]) -> None:
        """Set all from arrays in the order and shapes of `views`, or those without the replicate axis.

        Raises
        ------
        ValueError
            If an array is missing or has another shape; then nothing is set.
        """
        arrays, views = [np.asarray(array) for array in weights], self.views(self.theta)
        if len(arrays) != len(views):
            raise ValueError(f"`weights` must hold {len(views)} arrays. Received: {len(arrays)}")
        for position, (array, view, weight) in enumerate(zip(arrays, views, self.weights, strict=True)):
            if array.shape not in (view.shape, weight.shape):
                raise ValueError(f"`weights[{position}]` must have shape {view.shape}. Received: {array.shape}")
        for view, array in zip(views, arrays, strict=True):
            view[...] = array

    def part(self, rows: slice) -> "Parameters":
        """Some of a stack's replicates: the same parameters, a gradient of their own."""
        some = copy.copy(self)
        some.theta, some.gradient = self.theta[rows], np.empty_like(self.theta[rows])
        return some
