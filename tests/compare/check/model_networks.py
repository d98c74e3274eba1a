"""Networks for checks beside a Keras model: two dense layers in NumPy, right but for what is varied.

`Two` is the base: its head says what comes out, how far off it is and what is lost, its rule what an update does.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

RATE = 0.05


class Two:
    """A tanh layer and an output, trained by plain descent at a rate of its own."""

    sizes = (4, 5, 1)
    rate = RATE

    def __init__(self):
        rng = np.random.default_rng(0)
        pairs = zip(self.sizes, self.sizes[1:], strict=False)
        self.params = [array for a, b in pairs for array in (rng.normal(0, 0.5, (a, b)), np.zeros(b))]
        self.steps = 0

    def get_weights(self):
        return [array.copy() for array in self.params]

    def set_weights(self, weights):
        self.params = [np.array(each) for each in weights]

    def output(self, Z):
        return 1 / (1 + np.exp(-Z))

    def lost(self, P, y, Z):
        return (np.maximum(Z, 0) - Z * y + np.log1p(np.exp(-np.abs(Z)))).mean()

    def error(self, P, y):
        """The loss's gradient with respect to the output layer's Z."""
        return (P - y) / P.size

    def pull(self, W):
        """The penalty's gradient."""
        return np.zeros_like(W)

    def penalty(self):
        return 0.0

    def train_on_batch(self, x, y):
        W1, b1, W2, b2 = self.params
        y = np.reshape(y, (len(x), -1))
        A = np.tanh(x @ W1 + b1)
        Z = A @ W2 + b2
        P = self.output(Z)
        loss = self.lost(P, y, Z) + self.penalty()
        dZ = self.error(P, y)
        dA = dZ @ W2.T * (1 - A**2)
        grads = [x.T @ dA + self.pull(W1), dA.sum(axis=0), A.T @ dZ + self.pull(W2), dZ.sum(axis=0)]
        self.steps += 1
        self.update(grads)
        return loss

    def update(self, grads):
        for param, grad in zip(self.params, grads, strict=True):
            param -= self.rate * grad


class Squared(Two):
    """A linear output, the mean squared error, and an L2 penalty of each kernel."""

    l2 = 0.01

    def output(self, Z):
        return Z

    def lost(self, P, y, Z):
        return ((P - y) ** 2).mean()

    def error(self, P, y):
        return 2 * (P - y) / P.size

    def pull(self, W):
        return 2 * self.l2 * W

    def penalty(self):
        return self.l2 * sum((W**2).sum() for W in self.params[::2])


class Remembers(Two):
    """With two slots for each parameter."""

    def __init__(self):
        super().__init__()
        self.m, self.v = ([np.zeros_like(each) for each in self.params] for _ in range(2))

    def update(self, grads):
        for i, grad in enumerate(grads):
            self.params[i] = self.params[i] + self.change(i, grad)

    def change(self, i, grad):
        raise NotImplementedError


class Adam(Remembers):
    """Adam, its betas as they are."""

    rate, one, two, epsilon = 0.01, 0.9, 0.999, 1e-7

    def corrected(self):
        return np.sqrt(1 - self.two**self.steps) / (1 - self.one**self.steps)

    def change(self, i, grad):
        self.m[i] = self.one * self.m[i] + (1 - self.one) * grad
        self.v[i] = self.two * self.v[i] + (1 - self.two) * grad**2
        return -self.rate * self.corrected() * self.m[i] / (np.sqrt(self.v[i]) + self.epsilon)


class RMSprop(Remembers):
    """The epsilon stands below the root."""

    rate, rho, epsilon = 0.01, 0.9, 1e-7

    def change(self, i, grad):
        self.v[i] = self.rho * self.v[i] + (1 - self.rho) * grad**2
        return -self.rate * grad / np.sqrt(self.v[i] + self.epsilon)


class Nesterov(Remembers):
    """Momentum that looks ahead, at a rate that it is told."""

    momentum = 0.75  # a float32 too

    def __init__(self, learning_rate=RATE):
        super().__init__()
        self.rate = learning_rate

    def change(self, i, grad):
        self.m[i] = self.momentum * self.m[i] - self.rate * grad
        return self.momentum * self.m[i] - self.rate * grad


class Softmax(Two):
    """Three classes."""

    sizes = (4, 5, 3)

    def output(self, Z):
        E = np.exp(Z - Z.max(axis=1, keepdims=True))
        return E / E.sum(axis=1, keepdims=True)

    def lost(self, P, y, Z):
        return -(y * np.log(P)).sum() / len(P)

    def error(self, P, y):
        return (P - y) / len(P)

    def train_on_batch(self, x, y):
        return super().train_on_batch(x, np.eye(3)[y] if np.ndim(y) == 1 else y)


class Drops(Softmax):
    """Dropout of half of the hidden layer."""

    kept = 0.5

    def __init__(self):
        super().__init__()
        self.rng, self.mask = np.random.default_rng(0), np.empty(0)

    def train_on_batch(self, x, y):
        W1, b1, W2, b2 = self.params
        y = np.eye(3)[y] if np.ndim(y) == 1 else y
        A = np.tanh(x @ W1 + b1)
        self.mask = self.drawn(A.shape)
        D = A * self.mask
        Z = D @ W2 + b2
        P = self.output(Z)
        dZ = self.error(P, y)
        dA = dZ @ W2.T * self.mask * (1 - A**2)
        self.update([x.T @ dA, dA.sum(axis=0), D.T @ dZ, dZ.sum(axis=0)])
        return self.lost(P, y, Z)

    def drawn(self, shape):
        return (self.rng.random(shape) < self.kept) / self.kept


def varied(base: type, **methods: Callable[..., Any]) -> type:
    """The same network with some of its methods otherwise."""
    return type(f"Varied{base.__name__}", (base,), methods)
