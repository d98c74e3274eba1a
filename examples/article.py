"""A network in the article's style, with its bug, and the adapter: keras-parity check examples/article.py:subject.

Kernels are (units, inputs), biases rows. Each forward pass appends to `memory`, which nothing ever clears, and the
backward pass reads it from the start: from the second step on, gradients use the first step's activations.
"""

import numpy as np
from keras_parity import adapt, each


class Network:
    """Layers are added by their size; the first data make the parameters."""

    def __init__(self, lr):
        self.lr = lr
        self.layers, self.params, self.memory = [], [], []
        self.loss, self.accuracy = [], []

    def add(self, units):
        self.layers.append(units)

    def init_weights(self, inputs):
        for units in self.layers:
            W = np.random.uniform(-1, 1, size=(units, inputs))
            self.params.append({"W": W, "b": np.zeros((1, units))})
            inputs = units

    def forwardprop(self, X):
        A = X
        for number, param in enumerate(self.params):
            Z = A @ param["W"].T + param["b"]
            self.memory.append({"inputs": A, "Z": Z})
            last = number == len(self.params) - 1
            A = np.exp(Z - Z.max(axis=1, keepdims=True)) if last else np.maximum(Z, 0)
        return A / A.sum(axis=1, keepdims=True)

    def backprop(self, P, y):
        dZ = P.copy()
        dZ[np.arange(len(y)), y] -= 1
        dZ /= len(y)
        gradients = []
        for number in reversed(range(len(self.params))):
            memory = self.memory[number]
            gradients.append({"W": dZ.T @ memory["inputs"], "b": dZ.sum(axis=0, keepdims=True)})
            if number:
                dA = dZ @ self.params[number]["W"]
                dZ = dA * (self.memory[number - 1]["Z"] > 0)
        return gradients[::-1]

    def train(self, X, y, epochs):
        for _ in range(epochs):
            P = self.forwardprop(X)
            self.loss.append(-np.log(P[np.arange(len(y)), y]).mean())
            self.accuracy.append((P.argmax(axis=1) == y).mean())
            for param, gradient in zip(self.params, self.backprop(P, y)):
                for key in param:
                    param[key] = param[key] - self.lr * gradient[key]


def make(layer_sizes, learning_rate):
    network = Network(lr=learning_rate)
    for units in layer_sizes[1:]:
        network.add(units)
    network.init_weights(layer_sizes[0])
    return network


def one_epoch(network, x, y):
    network.train(x, y, epochs=1)
    return network.loss[-1]


subject = adapt(make, each("params"), kernel="units_inputs", bias="row", step=one_epoch)
