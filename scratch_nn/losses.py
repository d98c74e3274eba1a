"""Softmax and categorical cross-entropy together: from logits, none of which can overflow or reach log(0)."""

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[np.floating]
Labels = NDArray[np.integer]


def softmax(Z: Array) -> Array:
    """Class probabilities exp(Z - m) / sum exp(Z - m), m = max Z, of logits (..., classes, samples)."""
    P = np.subtract(Z, Z.max(axis=-2, keepdims=True))
    np.exp(P, out=P)
    return np.divide(P, P.sum(axis=-2, keepdims=True), out=P)


class CategoricalCrossentropy:
    """A batch's mean loss, correct predictions and gradient, in buffers that are allocated once.

    For a sample with logits Z and label y, with m = max Z::

        loss = log(sum(exp(Z - m))) - (Z[y] - m)
        dloss/dZ = softmax(Z) - onehot(y)

    which is Keras's `categorical_crossentropy` behind a softmax on the TensorFlow backend: no epsilon.

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
        self.Y = np.empty_like(self.P)
        self.below_top = np.empty(self.P.shape, bool)
        self.row = np.empty((*leading, 1, samples), dtype)
        self.top = np.empty_like(self.row)
        self.picked = np.empty((*leading, samples), dtype)
        self.wrong = np.empty((*leading, samples), bool)
        self.y = np.empty((*leading, samples), np.intp)
        self.per_sample = np.asarray(1 / samples, dtype)
        # Where a sample's class 0 and its label lie in P, flattened.
        stack = np.arange(int(np.prod(leading)), dtype=np.intp).reshape(*leading, 1)
        self.first_class = stack * (classes * samples) + np.arange(samples)
        self.index = np.empty_like(self.first_class)

    def set_labels(self, y: Labels) -> None:
        """Take the batch's labels: integers of shape (samples,) or (replicates, samples)."""
        np.copyto(self.y, y)
        np.multiply(self.y, self.P.shape[-1], out=self.index)
        np.add(self.index, self.first_class, out=self.index)
        self.Y.fill(0)
        self.Y.put(self.index, 1)

    def value(self, Z: Array) -> Array:
        """Return the mean loss over the batch, of shape `leading`; leaves the probabilities in `P`."""
        P, row, picked = self.P, self.row, self.picked
        np.maximum.reduce(Z, axis=-2, keepdims=True, out=row)
        np.subtract(Z, row, out=P)
        P.take(self.index, out=picked, mode="clip")
        np.exp(P, out=P)
        np.add.reduce(P, axis=-2, keepdims=True, out=row)
        np.divide(P, row, out=P)
        np.reciprocal(row, out=self.top)  # the largest probability: its logit is m, so its exponential is 1
        np.log(row, out=row)
        np.subtract(row[..., 0, :], picked, out=picked)
        return np.add.reduce(picked, axis=-1) * self.per_sample

    def correct(self) -> Labels:
        """Return how many samples' most probable class (the first one, if several tie) is their label."""
        np.less(self.P, self.top, out=self.below_top)
        if np.count_nonzero(self.below_top) == self.below_top.size - self.top.size:
            self.below_top.take(self.index, out=self.wrong, mode="clip")
        else:  # ties, or NaN: argmax knows what to do, but takes as long as a fifth of the whole step
            np.not_equal(self.P.argmax(axis=-2), self.y, out=self.wrong)
        return self.y.shape[-1] - np.add.reduce(self.wrong, axis=-1, dtype=np.intp)

    def gradient(self) -> Array:
        """Return dZ of the mean loss, (..., classes, samples), in place of the probabilities."""
        np.subtract(self.P, self.Y, out=self.P)
        return np.multiply(self.P, self.per_sample, out=self.P)
