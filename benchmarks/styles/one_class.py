"""One class, parameters and caches in dicts by name."""

import numpy as np


class NeuralNetwork:
    """W1, b1, ... in one dict; what the forward pass keeps in another."""

    def __init__(self, layer_sizes, learning_rate):
        self.depth = len(layer_sizes) - 1
        self.learning_rate = learning_rate
        self.params = {}
        for i in range(1, self.depth + 1):
            self.params[f"W{i}"] = np.random.randn(layer_sizes[i - 1], layer_sizes[i]) * 0.1
            self.params[f"b{i}"] = np.zeros(layer_sizes[i])

    def get_weights(self):
        return [self.params[f"{name}{i}"] for i in range(1, self.depth + 1) for name in "Wb"]

    def set_weights(self, weights):
        for i in range(1, self.depth + 1):
            self.params[f"W{i}"] = weights[2 * i - 2].copy()
            self.params[f"b{i}"] = weights[2 * i - 1].copy()

    def forward(self, X):
        self.cache = {"A0": X}
        for i in range(1, self.depth + 1):
            Z = np.dot(self.cache[f"A{i - 1}"], self.params[f"W{i}"]) + self.params[f"b{i}"]
            if i < self.depth:
                A = np.maximum(0, Z)
            else:
                shifted = Z - np.max(Z, axis=1, keepdims=True)
                exps = np.exp(shifted)
                A = exps / np.sum(exps, axis=1, keepdims=True)
            self.cache[f"Z{i}"] = Z
            self.cache[f"A{i}"] = A
        return A

    def compute_loss(self, P, y):
        picked = P[np.arange(len(y)), y]
        return -np.mean(np.log(picked))

    def backward(self, y):
        m = len(y)
        grads = {}
        dZ = self.cache[f"A{self.depth}"].copy()
        dZ[np.arange(m), y] -= 1
        dZ = dZ / m
        for i in range(self.depth, 0, -1):
            grads[f"W{i}"] = np.dot(self.cache[f"A{i - 1}"].T, dZ)
            grads[f"b{i}"] = np.sum(dZ, axis=0)
            if i > 1:
                dA = np.dot(dZ, self.params[f"W{i}"].T)
                dZ = dA * (self.cache[f"Z{i - 1}"] > 0)
        return grads

    def update(self, grads):
        for key, gradient in grads.items():
            self.params[key] = self.params[key] - self.learning_rate * gradient

    def train_on_batch(self, X, y):
        P = self.forward(X)
        loss = self.compute_loss(P, y)
        self.update(self.backward(y))
        return loss


subject = NeuralNetwork
