"""Losses, each with its gradient; a cross-entropy starts from logits, none of which can overflow or reach log(0)."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from scratch_nn import activations

Array = NDArray[np.floating]
Labels = NDArray[np.integer]
Targets = NDArray[np.number]


class Loss(Protocol):
    """A loss in the arrays of one batch.

    Attributes
    ----------
    heads : tuple of str
        The output layer's activations that it goes with, the usual one first.
    from_logits : bool
        Whether it reads the output layer's Z, applies the activation itself and writes dZ; else it reads A and writes
        dA.
    """

    heads: tuple[str, ...]
    from_logits: bool

    def __init__(self, output: Array, error: Array, /) -> None: ...

    def room(self, batch: tuple[int, ...]) -> Targets:
        """Return an array for a batch's targets, of which `batch` are the leading axes, the last one the samples."""

    def set_targets(self, y: Targets) -> None:
        """Take the batch's targets, an array as of `room`."""

    def value(self) -> Array:
        """Return the loss over the batch, () or (replicates,)."""

    def correct(self) -> Labels:
        """Return, after `value`, how many samples are predicted right."""

    def gradient(self) -> None:
        """Write, after `value` and `correct`, the gradient of the loss."""

    def predictions(self) -> Array:
        """Return what comes out of the output layer's activation, (..., outputs, samples)."""


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

    heads: tuple[str, ...] = ("softmax",)
    from_logits = True

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
        self.share = self.per_sample[()]  # for one loss: two numbers are sooner multiplied than an array and a number
        # Where a sample's class 0 and its label lie in P, flattened.
        stack = np.arange(int(np.prod(leading)), dtype=np.intp).reshape(*leading, 1)
        self.first_class = stack * (classes * samples) + np.arange(samples)
        self.index = np.empty_like(self.first_class)

    def room(self, batch: tuple[int, ...]) -> Labels:
        """Return an array for labels, of shape (samples,) or (replicates, samples)."""
        return np.empty(batch, np.intp)

    def set_targets(self, y: Targets) -> None:
        """Take the batch's labels, an array as of `room`."""
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
        return np.add.reduce(picked, axis=-1) * self.share

    def correct(self) -> Labels:
        """Return, after `value`, how many samples' most probable class (of ties the first) is their label."""
        P = self.dZ
        np.less(P, self.top, out=self.below_top)
        if np.count_nonzero(self.below_top) == self.below_top.size - self.top.size:
            self.below_top.take(self.index, out=self.wrong, mode="clip")
        else:  # ties, or NaN: argmax knows what to do, but takes as long as a fifth of the whole step
            np.not_equal(P.argmax(axis=-2), self.y, out=self.wrong)
        if self.wrong.ndim == 1:  # a sixth of the time
            return np.intp(self.y.size - np.count_nonzero(self.wrong))  # type: ignore[return-value]  # as of a reduction
        return self.y.shape[-1] - np.add.reduce(self.wrong, axis=-1, dtype=np.intp)

    def gradient(self) -> None:
        """Turn the probabilities that `value` left in `dZ` into dZ of the mean loss."""
        np.subtract(self.dZ, self.Y, out=self.dZ)
        np.multiply(self.dZ, self.per_sample, out=self.dZ)

    def predictions(self) -> Array:
        """Return the probabilities."""
        return softmax(self.Z)


class _OfValues:
    """What losses share whose targets Y are numbers, and which are means over samples and outputs, as Keras's are.

    Parameters
    ----------
    output, error : ndarray of shape (..., outputs, samples)
        Read here, and written here.
    """

    def __init__(self, output: Array, error: Array) -> None:
        self.output, self.error = output, error
        self.Y = np.empty_like(error)
        self.share = 1 / (error.shape[-1] * error.shape[-2])

    def room(self, batch: tuple[int, ...]) -> Array:
        """Return an array for targets, of shape (..., samples, outputs)."""
        return np.empty((*batch, self.Y.shape[-2]), self.Y.dtype)

    def set_targets(self, y: Targets) -> None:
        """Take the batch's targets, an array as of `room`."""
        np.copyto(self.Y, y.swapaxes(-1, -2))

    def mean(self, losses: Array) -> Array:
        """Return the mean over outputs and samples, () or (replicates,)."""
        return np.add.reduce(np.add.reduce(losses, axis=-1), axis=-1) * self.share

    def right(self, A: Array) -> Labels:
        """Count the samples predicted right, as Keras's "accuracy" does: one output at 1/2, several by the largest."""
        if A.shape[-2] == 1:
            return np.add.reduce((A > 0.5) == self.Y, axis=(-1, -2), dtype=np.intp)
        return np.add.reduce(A.argmax(axis=-2) == self.Y.argmax(axis=-2), axis=-1, dtype=np.intp)


class BinaryCrossentropy(_OfValues):
    """Keras's `binary_crossentropy` behind a sigmoid, on the TensorFlow backend: no epsilon.

    For one output of one sample, with logit Z and target Y::

        loss = max(Z, 0) - Z Y + log(1 + exp(-|Z|))
        dloss/dZ = sigmoid(Z) - Y

    where the sigmoid stands in the error's room until `gradient`.
    """

    heads: tuple[str, ...] = ("sigmoid",)
    from_logits = True

    def value(self) -> Array:
        """Return the loss; leave the sigmoid in the error's room."""
        Z = self.output
        activations.sigmoid(Z, self.error)
        return self.mean(np.maximum(Z, 0) - Z * self.Y + np.log1p(np.exp(-np.abs(Z))))

    def correct(self) -> Labels:
        """Return, after `value`, how many samples are predicted right."""
        return self.right(self.error)

    def gradient(self) -> None:
        """Turn the sigmoid that `value` left into dZ."""
        np.subtract(self.error, self.Y, out=self.error)
        np.multiply(self.error, self.share, out=self.error)

    def predictions(self) -> Array:
        """Return the probabilities."""
        A = np.empty_like(self.output)
        activations.sigmoid(self.output, A)
        return A


class MeanSquaredError(_OfValues):
    """Keras's `mean_squared_error` behind any activation: loss = (A - Y)^2, dloss/dA = 2 (A - Y)."""

    heads: tuple[str, ...] = ("linear", *(name for name in activations.ACTIVATIONS if name != "linear"))
    from_logits = False

    def value(self) -> Array:
        """Return the loss; leave A - Y in the error's room."""
        np.subtract(self.output, self.Y, out=self.error)
        return self.mean(np.square(self.error))

    def correct(self) -> Labels:
        """Return how many samples are predicted right: it means something where the targets are classes."""
        return self.right(self.output)

    def gradient(self) -> None:
        """Turn A - Y into dA."""
        np.multiply(self.error, 2 * self.share, out=self.error)

    def predictions(self) -> Array:
        """Return A."""
        return self.output


LOSSES: dict[str, type[Loss]] = {
    "categorical_crossentropy": CategoricalCrossentropy,
    "binary_crossentropy": BinaryCrossentropy,
    "mean_squared_error": MeanSquaredError,
}
