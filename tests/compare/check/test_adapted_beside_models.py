"""Networks that keep Keras's tensors otherwise, beside a model: an adapter says where each of them lies, and how."""

import inspect
from functools import cache

import keras
import numpy as np
import pytest

from compare import adapt, check_parity, joined, tensor
from compare.check.report.verdict import PARITY, WRONG
from compare.check.subject.tensors import Joined, Tensor

RATE = 0.125
LABELS = np.arange(12) % 3


class Head:
    """A softmax behind a kernel kept as (units, inputs), with a column of biases."""

    def __init__(self, inputs):
        rng = np.random.default_rng(1)
        self.V, self.d = rng.normal(0, 0.5, (3, inputs)), np.zeros((3, 1))

    def back(self, A, y):
        """Take a step; return the loss, and its gradient with respect to A."""
        logits = A @ self.V.T + self.d.T
        P = np.exp(logits - logits.max(axis=1, keepdims=True))
        P /= P.sum(axis=1, keepdims=True)
        Y = np.eye(3)[y]
        error = (P - Y) / len(y)
        dA = error @ self.V
        self.V -= RATE * error.T @ A
        self.d -= RATE * error.sum(axis=0)[:, None]
        return -np.log((P * Y).sum(axis=1)).mean(), dA


class ChannelsFirst:
    """A convolution of images (samples, channels, height, width), its kernels (filters, channels, height, width)."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.conv = {"kernel": rng.normal(0, 0.5, (3, 2, 2, 2)), "bias": np.zeros(3)}
        self.head = Head(12)

    def fit_once(self, x, y):
        K = self.conv["kernel"]
        patches = np.lib.stride_tricks.sliding_window_view(x, (2, 2), axis=(2, 3))  # (n, channels, 2, 2, 2, 2)
        Z = np.einsum("ncijab,kcab->nijk", patches, K) + self.conv["bias"]
        loss, dA = self.head.back(np.maximum(Z, 0).reshape(len(x), -1), y)
        dZ = dA.reshape(Z.shape) * (Z > 0)
        self.conv["kernel"] -= RATE * self.gradient(patches, dZ)
        self.conv["bias"] -= RATE * dZ.sum(axis=(0, 1, 2))
        return loss

    def gradient(self, patches, dZ):
        return np.einsum("ncijab,nijk->kcab", patches, dZ)


class Flipped(ChannelsFirst):
    def gradient(self, patches, dZ):
        return np.einsum("ncijab,nijk->kcab", patches[..., ::-1], dZ)  # the line


class Gates:
    """An LSTM whose gates each have a kernel of their own, which takes the state and the input side by side."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.W = {gate: rng.normal(0, 0.5, (3 + 2, 3)) for gate in "fico"}
        self.b = {gate: np.zeros((1, 3)) for gate in "fico"}
        self.head = Head(3)

    def fit_once(self, x, y):
        steps, h, c = [], np.zeros((len(x), 3)), np.zeros((len(x), 3))
        for time in range(x.shape[1]):
            both = np.hstack([h, x[:, time]])
            Z = {gate: both @ self.W[gate] + self.b[gate] for gate in "fico"}
            A = {gate: np.tanh(z) if gate == "c" else 1 / (1 + np.exp(-z)) for gate, z in Z.items()}
            before, c = c, A["f"] * c + A["i"] * A["c"]
            h = A["o"] * np.tanh(c)
            steps.append((both, A, before, c))
        loss, dh = self.head.back(h, y)
        dc = np.zeros_like(c)
        grads = {gate: [np.zeros_like(self.W[gate]), np.zeros_like(self.b[gate])] for gate in "fico"}
        for both, A, before, c in reversed(steps):
            dc = dc + dh * A["o"] * (1 - np.tanh(c) ** 2)
            dA = {"o": dh * np.tanh(c), "f": dc * before, "i": dc * A["c"], "c": dc * A["i"]}
            dZ = {gate: d * (1 - A["c"] ** 2 if gate == "c" else A[gate] * (1 - A[gate])) for gate, d in dA.items()}
            for gate in "fico":
                grads[gate][0] += both.T @ dZ[gate]
                grads[gate][1] += dZ[gate].sum(axis=0, keepdims=True)
            dh = sum(dZ[gate] @ self.W[gate].T for gate in "fico")[:, :3]
            dc = dc * A["f"]
        for gate in "fico":
            self.W[gate] -= RATE * grads[gate][0]
            self.b[gate] -= RATE * grads[gate][1]
        return loss


def step(net, x, y):
    return net.fit_once(np.moveaxis(x, -1, 1) if x.ndim == 4 else x, y)


HEAD = [tensor("head.V", axes=(1, 0)), tensor("head.d", shape=(-1, 1))]
CONVOLVED: list[Tensor | Joined | str] = [tensor("conv.kernel", axes=(2, 3, 1, 0)), "conv.bias", *HEAD]
GATED: list[Tensor | Joined | str] = [
    joined([tensor(f"W.{gate}", part=np.s_[3:]) for gate in "ifco"]),
    joined([tensor(f"W.{gate}", part=np.s_[:3]) for gate in "ifco"]),
    joined([tensor(f"b.{gate}", shape=(1, -1)) for gate in "ifco"]),
    *HEAD,
]


@cache
def reference(kind):
    layers = keras.layers
    body = [layers.Conv2D(3, 2, activation="relu"), layers.Flatten()] if kind == "conv" else [layers.LSTM(3)]
    start = keras.Input((3, 3, 2) if kind == "conv" else (2, 2))
    model = keras.Sequential([start, *body, layers.Dense(3, "softmax")])
    model.compile(keras.optimizers.SGD(RATE), "sparse_categorical_crossentropy")
    return model


def beside(kind, subject):
    X = np.random.default_rng(0).normal(size=(12, 3, 3, 2) if kind == "conv" else (12, 2, 2))
    adapted = adapt(subject, CONVOLVED if kind == "conv" else GATED, step=step)
    return check_parity(adapted, (X, LABELS), reference=reference(kind), steps=2, batch_size=5)


@pytest.mark.parametrize(("kind", "subject"), [("conv", ChannelsFirst), ("lstm", Gates)])
def test_a_right_network_has_parity(kind, subject):
    report = beside(kind, subject)
    assert report.verdict == PARITY, str(report)
    assert report.guilty == ()


def test_a_wrong_one_does_not_and_its_line_is_told():
    report = beside("conv", Flipped)
    assert report.verdict == WRONG
    lines, start = inspect.getsourcelines(Flipped)
    marked = next(number for number, line in enumerate(lines, start) if "# the line" in line)
    told = [(each.first, each.last) for each in report.guilty if each.file == __file__]
    assert any(first <= marked <= last for first, last in told), [each.source for each in report.guilty]
