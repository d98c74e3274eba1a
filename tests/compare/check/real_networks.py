"""Networks as people write them, each with what went wrong in it: from bug reports, courses and the article."""

from itertools import pairwise
from typing import Any

import numpy as np

from tests.compare.check.right_networks import (
    Dense,
    PickedLoss,
    Sigmoid,
    Summed,
    adapted,
    normalised,
    sigmoid,
    step_of,
    varied,
)


def unshifted(self, Z):
    return normalised(np.exp(Z))


def shifted_by_the_batch(self, Z):
    return normalised(np.exp(Z - Z.max()))


def down_columns(self, Z):
    return np.exp(Z) / sum(np.exp(Z))


def masked(self, dA, Z, layer):
    dZ = dA.copy()
    dZ[Z <= 0] = 0
    return dZ


def clipped_logits(self, Z):
    return normalised(np.exp(np.clip(Z, -500, 500)))


def written_out(Z):
    return (np.exp(Z) - np.exp(-Z)) / (np.exp(Z) + np.exp(-Z))


SoftmaxDownColumns = adapted(varied(probabilities=down_columns), tells=False)
BatchMaxShift = varied(PickedLoss, probabilities=shifted_by_the_batch)
BatchMaxShiftStableLoss = varied(probabilities=shifted_by_the_batch)
MaskByAssignmentNaiveSoftmax = varied(PickedLoss, probabilities=unshifted, through=masked)
ClippedLogits = varied(PickedLoss, probabilities=clipped_logits)
ClippedLogitsStableLoss = varied(probabilities=clipped_logits)
TanhWrittenOut = varied(
    hidden=lambda self, Z: written_out(Z), through=lambda self, dA, Z, layer: dA * (1 - written_out(Z) ** 2)
)


class WrongAxes(BatchMaxShift):  # type: ignore[misc, valid-type]
    """dW of the output layer is transposed; each db is one number."""

    def kernel_gradient(self, A, dZ, layer):
        return dZ.T @ A if layer == len(self.W) - 1 else A.T @ dZ

    def bias_gradient(self, dZ):
        return dZ.sum()


class EachBiasOneNumber(BatchMaxShift):  # type: ignore[misc, valid-type]
    """One sample whose probabilities are not finite makes every update so: far out no update tells the shift."""

    def kernel_gradient(self, A, dZ, layer):
        return A.T @ dZ + 0 * dZ.sum()

    def bias_gradient(self, dZ):
        return dZ.sum()


class Columns:
    """Samples in columns, sums for means, and no derivative in the last hidden layer."""

    def __init__(self, layer_sizes, learning_rate):
        rng = np.random.default_rng(0)
        self.learning_rate = learning_rate
        self.W = [rng.normal(0, 0.3, (units, n)) for n, units in pairwise(layer_sizes)]
        self.b = [np.zeros((units, 1)) for units in layer_sizes[1:]]

    def train_on_batch(self, x, Y):
        A = [x]
        for W, b in zip(self.W[:-1], self.b[:-1], strict=True):
            A.append(sigmoid(W @ A[-1] + b))
        P = np.exp(self.W[-1] @ A[-1] + self.b[-1])
        P /= P.sum(axis=0)
        dZ, news = P - Y, list[Any]()
        for layer in reversed(range(len(self.W))):
            W, b, rate = self.W[layer], self.b[layer], self.learning_rate
            news.insert(0, (W - rate * dZ @ A[layer].T, b - rate * dZ.sum(axis=1, keepdims=True)))
            dZ = W.T @ dZ
            if layer < len(self.W) - 1:
                dZ *= A[layer] * (1 - A[layer])
        self.W, self.b = map(list, zip(*news, strict=True))
        return -np.sum(Y * np.log(P))


ThreeTogether = adapted(Columns, kernel="units_inputs", bias="column", samples="columns", labels="onehot")
ErrorTimesOutput = adapted(varied(Sigmoid, error=lambda self, P, y: Dense.error(self, P, y) * P))
FactorTwo = varied(error=lambda self, P, y: 2 * Dense.error(self, P, y))
BiasSumsEverything = varied(bias_gradient=lambda self, dZ: np.full(dZ.shape[1], dZ.sum()))
SummedAndUnknownLoss = varied(Summed, told=lambda self, P, y, Z: 1.7 * Dense.told(self, P, y, Z))


class NoDerivativeInTheLastHiddenLayer(Sigmoid):
    def through(self, dA, Z, layer):
        return dA if layer == len(self.W) - 2 else super().through(dA, Z, layer)


class SummedPlusOddSaturation(Summed):
    """The squared probabilities cancel, except where they are clipped."""

    def error(self, P, y):
        Y, Q = self.one_hot(y), np.clip(P, 1e-15, 1 - 1e-15)
        return ((1 - Y) / (1 - Q) - Y / Q) * P * (1 - P)


class NeverCleared(Dense):
    """The sums of the gradients are their templates of zeros."""

    def __init__(self, layer_sizes, learning_rate):
        super().__init__(layer_sizes, learning_rate)
        self.zeros = [(np.zeros_like(W), np.zeros_like(b)) for W, b in zip(self.W, self.b, strict=True)]

    def update(self, gradients):
        sums = self.zeros
        for pair, more in zip(sums, gradients, strict=True):
            for array, gradient in zip(pair, more, strict=True):
                array += gradient
        super().update(sums)


class EarlyUpdate(PickedLoss):
    """Summed; biases averaged; each kernel is updated before it carries the error down."""

    def train_on_batch(self, x, y):
        A, Z = self.forward(x)
        dZ = A[-1] - self.one_hot(y)
        for layer in reversed(range(len(self.W))):
            self.move(layer, A[layer].T @ dZ, dZ.mean(axis=0))
            if layer:
                dZ = self.through(dZ @ self.W[layer].T, Z[layer - 1], layer - 1)
        return self.told(A[-1], y, Z[-1])


EarlyUpdateNaive = varied(EarlyUpdate, probabilities=unshifted)


class IgnoresTheRate(Dense):
    """Its own rate is the check's default."""

    def __init__(self, layer_sizes, learning_rate):
        super().__init__(layer_sizes, 0.01)


class DropsLastBatch(Dense):
    """Its `fit` has no option to shuffle."""

    def fit(self, x, y, epochs, batch_size=32):
        history = []
        for _ in range(epochs):
            starts = range(0, len(x) - batch_size + 1, batch_size)
            batches = [slice(start, start + batch_size) for start in starts]
            history.append(np.mean([self.train_on_batch(x[rows], y[rows]) for rows in batches]))
        return history


def penalised(base=Dense, *, l1=0.0, l2=0.0, per_batch=False, told_per_batch=False):
    """L1 and L2 as Keras has them, or divided by the batch size: both, or in the reported loss alone."""

    def pull(self, W, n):
        return (2 * l2 * W + l1 * np.sign(W)) / (n if per_batch else 1)

    def penalty(self, n):
        amount = sum(l2 * (W**2).sum() + l1 * np.abs(W).sum() for W in self.W)
        return amount / (n if per_batch or told_per_batch else 1)

    return varied(base, pull=pull, penalty=penalty)


L2ByBatch = penalised(l2=0.35, per_batch=True)
ElasticNet = penalised(l1=0.001, l2=0.001)
PenaltyDividedByN = penalised(Summed, l2=0.005, told_per_batch=True)


def loss_within(low, high):
    """The reported loss takes the logarithm of probabilities kept within these limits."""
    return step_of(varied(told=lambda self, P, y, Z: -np.log(np.clip(P[np.arange(len(y)), y], low, high)).mean()))


def narrow(y):
    return np.eye(y.max() + 1)[y]


NarrowError = varied(one_hot=lambda self, y: narrow(y))
NarrowErrorAndLoss = varied(NarrowError, told=lambda self, P, y, Z: -(narrow(y) * np.log(P)).sum() / len(y))


class Regression(Dense):
    """Linear outputs; the squared error is halved, and summed over the outputs, in its gradient alone."""

    def probabilities(self, Z):
        return Z

    def told(self, P, y, Z):
        return ((P - self.one_hot(y)) ** 2).mean()
