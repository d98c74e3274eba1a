"""A dense network in NumPy with a sigmoid output and Adam, to be checked beside a model told in Keras's words.

keras-parity check examples/any_model/adam.py:Network --data breast_cancer --layers 5 1 --output sigmoid
--optimizer "adam(learning_rate=0.001)" (one line) finds parity; `Uncorrected` instead of `Network` is wrong.
"""

import numpy as np

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-7


class Network:
    """Dense layers with ReLU, one sigmoid, binary cross-entropy; Adam as its article has it, in Keras's form."""

    def __init__(self, layer_sizes, learning_rate):
        rng = np.random.default_rng(1)
        self.learning_rate, self.t = learning_rate, 0
        self.weights = []
        for inputs, units in zip(layer_sizes, layer_sizes[1:]):
            self.weights += [rng.normal(0, np.sqrt(2 / inputs), (inputs, units)), np.zeros(units)]
        self.m = [np.zeros_like(w) for w in self.weights]
        self.v = [np.zeros_like(w) for w in self.weights]

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = [np.array(each) for each in weights]

    def train_on_batch(self, x, y):
        W, b, y = self.weights[::2], self.weights[1::2], y.reshape(-1, 1)
        A = [x]
        for layer in range(len(W)):
            Z = A[-1] @ W[layer] + b[layer]
            A.append(np.maximum(Z, 0))
        loss = np.mean(np.logaddexp(0, Z) - Z * y)

        dZ = (np.exp(-np.logaddexp(0, -Z)) - y) / len(x)
        gradients = []
        for layer in reversed(range(len(W))):
            gradients = [A[layer].T @ dZ, dZ.sum(axis=0), *gradients]
            dZ = dZ @ W[layer].T * (A[layer] > 0)
        self.update(gradients)
        return loss

    def update(self, gradients):
        self.t += 1
        rate = self.learning_rate * self.correction()
        for i, g in enumerate(gradients):
            self.m[i] = BETA1 * self.m[i] + (1 - BETA1) * g
            self.v[i] = BETA2 * self.v[i] + (1 - BETA2) * g**2
            self.weights[i] = self.weights[i] - rate * self.m[i] / (np.sqrt(self.v[i]) + EPSILON)

    def correction(self):
        return np.sqrt(1 - BETA2**self.t) / (1 - BETA1**self.t)


class Uncorrected(Network):
    """Averages that start at zero stay too small for a while."""

    def correction(self):
        return 1.0  # wrong: Adam divides m and v by what they lack in the first steps
