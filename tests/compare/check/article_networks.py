"""The article's network as published, and mended."""

from typing import Any

import numpy as np

from keras_parity import adapt, each
from tests.compare.check.right_networks import normalised


class Published:
    """`memory` is never cleared, so gradients use the first activations for ever; the softmax is not shifted."""

    def __init__(self, lr):
        self.lr = lr
        self.sizes: list[int] = []
        self.params: list[dict[str, Any]] = []
        self.memory: list[dict[str, Any]] = []
        self.loss: list[float] = []

    def add(self, units):
        self.sizes.append(units)

    def init_weights(self, inputs):
        for units in self.sizes:
            W = np.random.default_rng(0).uniform(-1, 1, (units, inputs))
            self.params.append({"W": W, "b": np.zeros((1, units))})
            inputs = units

    def probabilities(self, Z):
        return normalised(np.exp(Z))

    def told(self, P, y, Z):
        return -np.log(P[np.arange(len(y)), y]).mean()

    def forwardprop(self, X):
        A = X
        for param in self.params:
            Z = A @ param["W"].T + param["b"]
            self.memory.append({"inputs": A, "Z": Z})
            A = np.maximum(Z, 0)
        return self.probabilities(Z)

    def backprop(self, P, y):
        dZ, gradients = (P - np.eye(P.shape[1])[y]) / len(y), list[Any]()
        for number in reversed(range(len(self.params))):
            gradients.insert(0, {"W": dZ.T @ self.memory[number]["inputs"], "b": dZ.sum(axis=0, keepdims=True)})
            if number:
                dZ = dZ @ self.params[number]["W"]
                dZ[self.memory[number - 1]["Z"] <= 0] = 0
        return gradients

    def train(self, X, y, epochs):
        for _ in range(epochs):
            P = self.forwardprop(X)
            self.loss.append(self.told(P, y, self.memory[-1]["Z"]))
            for param, gradient in zip(self.params, self.backprop(P, y), strict=True):
                for key in param:
                    param[key] = param[key] - self.lr * gradient[key]


class Mended(Published):
    """It forgets the step before, and takes softmax and loss from shifted logits."""

    def forwardprop(self, X):
        self.memory.clear()
        return super().forwardprop(X)

    def probabilities(self, Z):
        return super().probabilities(Z - Z.max(axis=1, keepdims=True))

    def told(self, P, y, Z):
        Z = Z - Z.max(axis=1, keepdims=True)
        return np.mean(np.log(np.exp(Z).sum(axis=1)) - Z[np.arange(len(y)), y])


def article(network):
    """One of them, adapted: a step is an epoch of the batch alone."""

    def make(layer_sizes, learning_rate):
        made = network(lr=learning_rate)
        for units in layer_sizes[1:]:
            made.add(units)
        made.init_weights(layer_sizes[0])
        return made

    def one_epoch(made, x, y):
        made.train(x, y, epochs=1)
        return made.loss[-1]

    return adapt(make, each("params"), kernel="units_inputs", bias="row", step=one_epoch)


ArticleAsPublished = article(Published)
ArticleMended = article(Mended)
