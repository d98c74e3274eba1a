"""Softmax and categorical cross-entropy together: from logits, none of which can overflow or reach log(0)."""

import numpy as np
from numpy.typing import NDArray

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
    Z : ndarray of shape (..., classes, samples)
        The output layer's logits, read here. Leading axes: none for one network, (replicates,) for a stack.
    dZ : ndarray of the same shape
        The output layer's error, written here. Until `gradient` it holds the probabilities P, which are all but
        their label's one the error already: dZ = P - Y needs no room of its own.
    """

    head = "softmax"  # the activation that this loss applies itself

    def __init__(self, Z: Array, dZ: Array) -> None:
        *leading, classes, samples = Z.shape
        self.Z, self.dZ = Z, dZ
        self.Y = np.empty_like(dZ)
        self.below_top = np.empty(Z.shape, bool)
        self.row = np.empty((*leading, 1, samples), Z.dtype)
        self.top = np.empty_like(self.row)
        self.picked = np.empty((*leading, samples), Z.dtype)
        self.wrong = np.empty((*leading, samples), bool)
        self.y = np.empty((*leading, samples), np.intp)
        self.per_sample = np.asarray(1 / samples, Z.dtype)
        # Where a sample's class 0 and its label lie in P, flattened.
        stack = np.arange(int(np.prod(leading)), dtype=np.intp).reshape(*leading, 1)
        self.first_class = stack * (classes * samples) + np.arange(samples)
        self.index = np.empty_like(self.first_class)

    def set_labels(self, y: Labels) -> None:
        """Take the batch's labels: integers of shape (samples,) or (replicates, samples)."""
        np.copyto(self.y, y)
        np.multiply(self.y, self.Z.shape[-1], out=self.index)
        np.add(self.index, self.first_class, out=self.index)
        self.Y.fill(0)
        self.Y.put(self.index, 1)

    def value(self) -> Array:
        """Return the mean loss over the batch, () or (replicates,); leave the probabilities P in `dZ`."""
        P, row, picked = self.dZ, self.row, self.picked
        np.maximum.reduce(self.Z, axis=-2, keepdims=True, out=row)
        np.subtract(self.Z, row, out=P)
        P.take(self.index, out=picked, mode="clip")
        np.exp(P, out=P)
        np.add.reduce(P, axis=-2, keepdims=True, out=row)
        np.divide(P, row, out=P)
        np.reciprocal(row, out=self.top)  # the largest probability: its logit is m, so its exponential is 1
        np.log(row, out=row)
        np.subtract(row[..., 0, :], picked, out=picked)
        return np.add.reduce(picked, axis=-1) * self.per_sample

    def correct(self) -> Labels:
        """Return, after `value`, how many samples' most probable class (of ties the first) is their label."""
        P = self.dZ
        np.less(P, self.top, out=self.below_top)
        if np.count_nonzero(self.below_top) == self.below_top.size - self.top.size:
            self.below_top.take(self.index, out=self.wrong, mode="clip")
        else:  # ties, or NaN: argmax knows what to do, but takes as long as a fifth of the whole step
            np.not_equal(P.argmax(axis=-2), self.y, out=self.wrong)
        return self.y.shape[-1] - np.add.reduce(self.wrong, axis=-1, dtype=np.intp)

    def gradient(self) -> None:
        """Turn the probabilities that `value` left in `dZ` into dZ of the mean loss."""
        np.subtract(self.dZ, self.Y, out=self.dZ)
        np.multiply(self.dZ, self.per_sample, out=self.dZ)
