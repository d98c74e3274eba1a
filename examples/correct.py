"""A correct network, written by hand: keras-parity check examples/correct.py:Network."""

import numpy as np


class Network:
    """Dense layers with ReLU, a softmax output, cross-entropy and SGD. Samples are rows."""

    def __init__(self, layer_sizes, learning_rate, seed=0):
        rng = np.random.default_rng(seed)
        self.learning_rate = learning_rate
        self.W = [rng.normal(0, np.sqrt(2 / a), (a, b)) for a, b in zip(layer_sizes, layer_sizes[1:])]
        self.b = [np.zeros(units) for units in layer_sizes[1:]]

    def get_weights(self):
        return [array.copy() for pair in zip(self.W, self.b) for array in pair]

    def set_weights(self, weights):
        self.W = [np.array(W) for W in weights[::2]]
        self.b = [np.array(b) for b in weights[1::2]]

    def train_on_batch(self, x, y):
        A, Z = [x], []
        for W, b in zip(self.W, self.b):
            Z.append(A[-1] @ W + b)
            A.append(np.maximum(Z[-1], 0))
        logits = Z[-1] - Z[-1].max(axis=1, keepdims=True)
        log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        rows = np.arange(len(y))
        loss = -log_p[rows, y].mean()

        dZ = np.exp(log_p)
        dZ[rows, y] -= 1
        dZ /= self.divisor(x)
        for layer in reversed(range(len(self.W))):
            dW, db = A[layer].T @ dZ, dZ.sum(axis=0)
            if layer:
                dZ = (dZ @ self.W[layer].T) * (Z[layer - 1] > 0)
            self.W[layer] = self.W[layer] - self.learning_rate * dW
            self.b[layer] = self.b[layer] - self.learning_rate * db
        return loss

    def divisor(self, x):
        return len(x)
