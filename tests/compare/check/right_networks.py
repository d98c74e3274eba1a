"""Right networks with hooks: the bases of `real_networks`, and those of another kind.

`Dense` is the plain one. Every method but `train_on_batch` is a hook.
"""

from itertools import pairwise
from typing import Any

import numpy as np

from keras_parity import adapt, lists, numbered


def normalised(e):
    return e / e.sum(axis=1, keepdims=True)


def sigmoid(Z):
    return 1 / (1 + np.exp(-Z))


class Dense:
    """ReLU layers, a softmax output, cross-entropy, SGD: samples are rows."""

    def __init__(self, layer_sizes, learning_rate):
        rng = np.random.default_rng(0)
        self.learning_rate = learning_rate
        self.W = [rng.normal(0, 0.4, shape) for shape in pairwise(layer_sizes)]
        self.b = [np.zeros(units) for units in layer_sizes[1:]]

    def get_weights(self):
        return [array.copy() for pair in zip(self.W, self.b, strict=True) for array in pair]

    def set_weights(self, weights):
        self.W, self.b = [np.array(W) for W in weights[::2]], [np.array(b) for b in weights[1::2]]

    def hidden(self, Z):
        return np.maximum(Z, 0)

    def through(self, dA, Z, layer):
        return dA * (Z > 0)

    def probabilities(self, Z):
        return normalised(np.exp(Z - Z.max(axis=1, keepdims=True)))

    def one_hot(self, y):
        return np.eye(len(self.b[-1]))[y]

    def told(self, P, y, Z):
        Z = Z - Z.max(axis=1, keepdims=True)
        return np.mean(np.log(np.exp(Z).sum(axis=1)) - Z[np.arange(len(y)), y])

    def error(self, P, y):
        return (P - self.one_hot(y)) / len(y)

    def bias_gradient(self, dZ):
        return dZ.sum(axis=0)

    def kernel_gradient(self, A, dZ, layer):
        return A.T @ dZ

    def penalty(self, n):
        return 0.0

    def pull(self, W, n):
        return 0.0

    def move(self, layer, dW, db):
        self.W[layer] = self.W[layer] - self.learning_rate * dW
        self.b[layer] = self.b[layer] - self.learning_rate * db

    def update(self, gradients):
        for layer, (dW, db) in enumerate(gradients):
            self.move(layer, dW, db)

    def forward(self, x):
        A, Z = [x], []
        for W, b in zip(self.W, self.b, strict=True):
            Z.append(A[-1] @ W + b)
            A.append(self.probabilities(Z[-1]) if len(Z) == len(self.W) else self.hidden(Z[-1]))
        return A, Z

    def gradients(self, A, Z, dZ):
        found: list[Any] = []
        for layer in reversed(range(len(self.W))):
            dW = self.kernel_gradient(A[layer], dZ, layer) + self.pull(self.W[layer], len(dZ))
            found.insert(0, (dW, self.bias_gradient(dZ)))
            if layer:
                dZ = self.through(dZ @ self.W[layer].T, Z[layer - 1], layer - 1)
        return found

    def train_on_batch(self, x, y):
        A, Z = self.forward(x)
        loss = self.told(A[-1], y, Z[-1]) + self.penalty(len(y))
        self.update(self.gradients(A, Z, self.error(A[-1], y)))
        return loss


class PickedLoss(Dense):
    """Right where no probability is 0."""

    def told(self, P, y, Z):
        return -np.log(P[np.arange(len(y)), y]).mean()


class Sigmoid(PickedLoss):
    """With sigmoids in its hidden layers."""

    def hidden(self, Z):
        return sigmoid(Z)

    def through(self, dA, Z, layer):
        return dA * sigmoid(Z) * (1 - sigmoid(Z))


class Summed(Dense):
    """The gradient is summed over the samples."""

    def error(self, P, y):
        return P - self.one_hot(y)


def varied(base=Dense, **hooks):
    """A subject with these methods instead of its base's."""
    return type("Varied", (base,), hooks)


def step_of(network):
    """The same as a function from weights to weights, which holds nothing between steps."""

    def step(weights, x, y, learning_rate):
        sizes = [len(weights[0]), *map(len, weights[1::2])]
        made = network(sizes, learning_rate)
        made.set_weights(weights)
        loss = made.train_on_batch(x, y)
        return made.get_weights(), loss

    return step


def adapted(network, tells=True, **options):
    """A network with its kernels and biases in two lists, adapted by hand; it need not tell its loss."""

    def step(made, x, y):
        loss = made.train_on_batch(x, y)
        return loss if tells else None

    return adapt(network, lists("W", "b"), step=step, **options)


class Adam(Dense):
    """In Keras's form."""

    steps = 0
    m: Any = 0.0
    v: Any = 0.0

    def update(self, gradients):
        flat = np.concatenate([array.ravel() for pair in gradients for array in pair])
        self.steps += 1
        self.m, self.v = 0.9 * self.m + 0.1 * flat, 0.999 * self.v + 0.001 * flat**2
        rate = np.sqrt(1 - 0.999**self.steps) / (1 - 0.9**self.steps)
        left, moves = rate * self.m / (np.sqrt(self.v) + 1e-7), list[Any]()
        for pair in gradients:
            moves.append([])
            for array in pair:
                moves[-1].append(left[: array.size].reshape(array.shape))
                left = left[array.size :]
        super().update(moves)


class NoBiases(Dense):
    def set_weights(self, weights):
        super().set_weights(weights)
        self.b = [np.zeros_like(b) for b in self.b]

    def bias_gradient(self, dZ):
        return np.zeros(dZ.shape[1])


class OneOutput(Dense):
    """A sigmoid on one output, with binary cross-entropy, for labels 0 and 1."""

    def probabilities(self, Z):
        return sigmoid(Z)

    def error(self, P, y):
        return (P - y.reshape(-1, 1)) / len(y)

    def told(self, P, y, Z):
        t = y.reshape(-1, 1)
        return -(t * np.log(P) + (1 - t) * np.log(1 - P)).mean()


class Aliasing(Dense):
    """Its layers hold the very arrays of `params`, which training changes in place."""

    def __init__(self, layer_sizes, learning_rate):
        super().__init__(layer_sizes, learning_rate)
        arrays = zip(self.W, self.b, strict=True)
        self.params = {
            f"{letter}{n}": a for n, pair in enumerate(arrays, 1) for letter, a in zip("Wb", pair, strict=True)
        }

    def move(self, layer, dW, db):
        self.W[layer] -= self.learning_rate * dW
        self.b[layer] -= self.learning_rate * db


Aliased = adapt(Aliasing, numbered("params"), step=lambda made, x, y: made.train_on_batch(x, y))
