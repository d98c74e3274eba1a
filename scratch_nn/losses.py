"""Softmax and categorical cross-entropy together, from logits, so that no finite logit can overflow or reach log(0)."""

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[np.floating]
Labels = NDArray[np.integer]


def softmax(Z: Array, out: Array | None = None) -> Array:
    """Class probabilities P = exp(Z - m) / sum exp(Z - m), m the largest logit; Z of shape (..., classes, samples)."""
    P = np.subtract(Z, Z.max(axis=-2, keepdims=True), out=out)
    np.exp(P, out=P)
    return np.divide(P, P.sum(axis=-2, keepdims=True), out=P)


class CategoricalCrossentropy:
    """The mean loss of a batch of one size, its correct predictions and its gradient, in buffers that are allocated once.

    For a sample with logits Z and label y, with m = max Z::

        loss = log(sum(exp(Z - m))) - (Z[y] - m)
        dloss/dZ = softmax(Z) - onehot(y)

    which is Keras's `categorical_crossentropy` behind a softmax on the TensorFlow backend: without an epsilon.

    Parameters
    ----------
    leading : tuple of int
        `()` for one network, `(replicates,)` for a stack.
    classes, samples : int
        The batch's logits have shape (*leading, classes, samples).
    dtype : dtype
    """

    def __init__(self, leading: tuple[int, ...], classes: int, samples: int, dtype: DTypeLike) -> None:
        self.P = np.empty((*leading, classes, samples), dtype)
        self.row = np.empty((*leading, 1, samples), dtype)
        self.picked = np.empty((*leading, samples), dtype)
        self.right = np.empty((*leading, samples), bool)
        self.per_sample = np.asarray(1 / samples, dtype)
        # Where class 0 of each sample lies in P, flattened: adding y * samples finds the label's entry.
        stack = np.arange(int(np.prod(leading)), dtype=np.intp).reshape(*leading, 1)
        self.first_class = stack * (classes * samples) + np.arange(samples)
        self.flat = self.P.reshape(-1)

    def set_labels(self, y: Labels) -> None:
        """Take the batch's labels: integers of shape (samples,) or (replicates, samples)."""
        self.y = y
        self.index = self.first_class + y * self.P.shape[-1]

    def value(self, Z: Array) -> Array:
        """Return the mean loss over the batch, of shape `leading`; leaves the probabilities in `P`."""
        P, row, picked = self.P, self.row, self.picked
        np.maximum.reduce(Z, axis=-2, keepdims=True, out=row)
        np.subtract(Z, row, out=P)
        self.flat.take(self.index, out=picked, mode="clip")
        np.exp(P, out=P)
        np.add.reduce(P, axis=-2, keepdims=True, out=row)
        np.divide(P, row, out=P)
        np.log(row, out=row)
        np.subtract(row[..., 0, :], picked, out=picked)
        return np.add.reduce(picked, axis=-1) * self.per_sample

    def correct(self) -> NDArray[np.integer]:
        """Return how many samples' most probable class (the first one, if several tie) is their label."""
        np.equal(self.P.argmax(axis=-2), self.y, out=self.right)
        return np.add.reduce(self.right, axis=-1, dtype=np.intp)

    def gradient(self) -> Array:
        """Return dZ of the mean loss, (..., classes, samples), in place of the probabilities."""
        dZ = self.P
        self.flat.take(self.index, out=self.picked, mode="clip")
        np.subtract(self.picked, 1, out=self.picked)
        self.flat.put(self.index, self.picked, mode="clip")
        return np.multiply(dZ, self.per_sample, out=dZ)
