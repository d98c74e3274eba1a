"""A model's variables, set and told quickly: Keras's own `assign` takes a millisecond, most of it for its checks."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]


def put(variables: Sequence[Any], values: Sequence[ArrayLike]) -> None:
    """Set Keras's variables to these values, each as its variable's dtype keeps it."""
    for variable, value in zip(variables, values, strict=True):
        variable.value.assign(np.asarray(value, variable.dtype), read_value=False)


def read(variables: Sequence[Any]) -> list[Array]:
    """Return the values of Keras's variables."""
    held = (variable.value for variable in variables)
    return [tf.raw_ops.ReadVariableOp(resource=each.handle, dtype=each.dtype).numpy() for each in held]


class Packed:
    """Variables as one row of numbers for each dtype, so that a graph needs few nodes for all of them.

    Parameters
    ----------
    variables : sequence of keras.Variable
    """

    def __init__(self, variables: Sequence[Any]) -> None:
        self.variables = list(variables)
        self.dtypes = list(dict.fromkeys(variable.dtype for variable in variables))
        self.places = [
            [place for place, variable in enumerate(variables) if variable.dtype == dtype] for dtype in self.dtypes
        ]
        self.sizes = [[int(np.prod(variables[place].shape)) for place in places] for places in self.places]

    @property
    def signature(self) -> list[tf.TensorSpec]:
        """Any number of rows of each dtype."""
        return [tf.TensorSpec((None, sum(sizes)), dtype) for sizes, dtype in zip(self.sizes, self.dtypes, strict=True)]

    def read(self) -> list[tf.Tensor]:
        """Return a row of each dtype, as part of a graph."""
        return [tf.concat([tf.reshape(self.variables[p], [-1]) for p in places], axis=0) for places in self.places]

    def write(self, rows: Sequence[tf.Tensor]) -> None:
        """Set the variables, as part of a graph."""
        for places, sizes, row in zip(self.places, self.sizes, rows, strict=True):
            for place, part in zip(places, tf.split(row, sizes), strict=True):
                variable = self.variables[place]
                variable.value.assign(tf.reshape(part, variable.shape), read_value=False)

    def pack(self, sets: Sequence[Sequence[ArrayLike]]) -> list[Array]:
        """Return rows of each dtype, one for each set of values."""
        return [
            np.stack([np.concatenate([np.ravel(values[place]) for place in places]) for values in sets]).astype(dtype)
            for places, dtype in zip(self.places, self.dtypes, strict=True)
        ]

    def unpack(self, rows: Sequence[Array]) -> list[Array]:
        """Return each variable's values, with a leading axis of rows."""
        found: dict[int, Array] = {}
        for places, sizes, each in zip(self.places, self.sizes, rows, strict=True):
            ends = np.cumsum([0, *sizes])
            for place, (begin, end) in zip(places, pairwise(ends), strict=True):
                found[place] = each[:, begin:end].reshape(len(each), *self.variables[place].shape)
        return [found[place] for place in range(len(self.variables))]
