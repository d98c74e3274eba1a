"""Networks beside models whose layers branch: right ones have parity, wrong ones do not, and their lines are told."""

import inspect
from functools import cache

import keras
import numpy as np
import pytest

from compare import check_parity
from compare.check.report.verdict import PARITY, WRONG

RATE = 0.125
X, CLASSES = np.random.default_rng(0).normal(size=(15, 4)), np.arange(15) % 3


class Branching:
    """What its weights are, its softmax, and its update."""

    shapes: tuple[tuple[int, ...], ...]

    def __init__(self):
        rng = np.random.default_rng(1)
        self.weights = [rng.normal(0, 0.5, shape) for shape in self.shapes]

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = [np.array(each) for each in weights]

    def head(self, A, V, c, y):
        """The loss, and its gradient with respect to the logits."""
        logits = A @ V + c
        P = np.exp(logits - logits.max(axis=1, keepdims=True))
        P /= P.sum(axis=1, keepdims=True)
        Y = np.eye(3)[y]
        return -np.log((P * Y).sum(axis=1)).mean(), (P - Y) / len(y)

    def update(self, grads):
        self.weights = [weight - RATE * grad for weight, grad in zip(self.weights, grads, strict=True)]


class Gated(Branching):
    """A tanh and a ReLU branch side by side, times a gate."""

    shapes = ((4, 2), (2,), (4, 3), (3,), (4, 5), (5,), (5, 3), (3,))

    def train_on_batch(self, x, y):
        W, b, U, c, G, g, V, d = self.weights
        A, B = np.tanh(x @ W + b), np.maximum(x @ U + c, 0)
        C, S = self.joined(A, B), 1 / (1 + np.exp(-(x @ G + g)))
        M = C * S
        loss, dlogits = self.head(M, V, d, y)
        dM = dlogits @ V.T
        dC = self.of_values(dM, C, S)
        dA, dB = dC[:, :2] * (1 - A**2), dC[:, 2:] * (B > 0)
        dS = dM * C * S * (1 - S)
        below = [gradient for dZ in (dA, dB, dS) for gradient in (x.T @ dZ, dZ.sum(axis=0))]
        self.update([*below, M.T @ dlogits, dlogits.sum(axis=0)])
        return loss

    def joined(self, A, B):
        return np.hstack([A, B])

    def of_values(self, dM, C, S):
        return dM * S


class JoinedTheOtherWay(Gated):
    def joined(self, A, B):
        return np.hstack([B, A])  # the line


class Shared(Branching):
    """One layer used twice, one after the other."""

    shapes = ((4, 4), (4,), (4, 3), (3,))

    def train_on_batch(self, x, y):
        W, b, V, d = self.weights
        A = np.tanh(x @ W + b)
        B = np.tanh(A @ W + b)
        loss, dlogits = self.head(B, V, d, y)
        dB = dlogits @ V.T * (1 - B**2)
        dA = dB @ W.T * (1 - A**2)
        dW = self.kernel(x, A, dA, dB)
        self.update([dW, dA.sum(axis=0) + dB.sum(axis=0), B.T @ dlogits, dlogits.sum(axis=0)])
        return loss

    def kernel(self, x, A, dA, dB):
        return x.T @ dA + A.T @ dB


class Overwritten(Shared):
    def kernel(self, x, A, dA, dB):
        dW = x.T @ dA
        dW = A.T @ dB  # the line
        return dW


def gated(start):
    layers = keras.layers
    joined = layers.Concatenate()([layers.Dense(2, "tanh")(start), layers.Dense(3, "relu")(start)])
    return layers.Multiply()([joined, layers.Dense(5, "sigmoid")(start)])


def shared(start):
    twice = keras.layers.Dense(4, "tanh")
    return twice(twice(start))


@cache
def reference(joined):
    start = keras.Input((4,))
    model = keras.Model(start, keras.layers.Dense(3, "softmax")(joined(start)))
    model.compile(keras.optimizers.SGD(RATE), "sparse_categorical_crossentropy")
    return model


def beside(subject, joined):
    return check_parity(subject, (X, CLASSES), reference=reference(joined), steps=2, batch_size=6)


@pytest.mark.parametrize(
    ("subject", "joined", "made"),
    [
        (Gated, gated, {"A of layer 3", "dA of layer 5", "dZ of layer 2"}),
        (Shared, shared, {"A of layer 1 at call 1", "dZ of layer 1 at call 2", "dW of layer 1"}),
    ],
)
def test_a_right_network_has_parity_and_its_lines_are_known(subject, joined, made):
    report = beside(subject, joined)
    assert report.verdict == PARITY, str(report)
    assert report.guilty == ()
    assert made <= {each.quantity for each in report.code_map}


@pytest.mark.parametrize(("subject", "joined"), [(JoinedTheOtherWay, gated), (Overwritten, shared)])
def test_a_wrong_one_does_not_and_its_line_is_told(subject, joined):
    report = beside(subject, joined)
    assert report.verdict == WRONG
    lines, start = inspect.getsourcelines(subject)
    marked = next(number for number, line in enumerate(lines, start) if "# the line" in line)
    told = [(each.first, each.last) for each in report.guilty if each.file == __file__]
    assert any(first <= marked <= last for first, last in told), [each.source for each in report.guilty]
