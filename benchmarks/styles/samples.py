"""One sample at a time, gradients added up, in the manner of a well-known book."""

import numpy as np
from keras_parity import adapt, lists


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


class Network:
    def __init__(self, layer_sizes, learning_rate):
        self.eta = learning_rate
        self.biases = [np.random.randn(n, 1) for n in layer_sizes[1:]]
        self.weights = [np.random.randn(n, m) for m, n in zip(layer_sizes[:-1], layer_sizes[1:])]

    def update_mini_batch(self, xs, ys):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        total = 0.0
        for x, y in zip(xs, ys):
            loss, delta_nabla_b, delta_nabla_w = self.backprop(x.reshape(-1, 1), y)
            nabla_b = [nb + dnb for nb, dnb in zip(nabla_b, delta_nabla_b)]
            nabla_w = [nw + dnw for nw, dnw in zip(nabla_w, delta_nabla_w)]
            total += loss
        n = len(xs)
        self.weights = [w - (self.eta / n) * nw for w, nw in zip(self.weights, nabla_w)]
        self.biases = [b - (self.eta / n) * nb for b, nb in zip(self.biases, nabla_b)]
        return total / n

    def backprop(self, x, y):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        activation = x
        activations = [x]
        zs = []
        for number, (b, w) in enumerate(zip(self.biases, self.weights)):
            z = np.dot(w, activation) + b
            zs.append(z)
            if number < len(self.weights) - 1:
                activation = sigmoid(z)
            else:
                e = np.exp(z - z.max())
                activation = e / e.sum()
            activations.append(activation)
        loss = -np.log(activations[-1][y, 0])
        delta = activations[-1].copy()
        delta[y, 0] -= 1
        nabla_b[-1] = delta
        nabla_w[-1] = np.dot(delta, activations[-2].transpose())
        for l in range(2, len(self.weights) + 1):
            sp = sigmoid(zs[-l]) * (1 - sigmoid(zs[-l]))
            delta = np.dot(self.weights[-l + 1].transpose(), delta) * sp
            nabla_b[-l] = delta
            nabla_w[-l] = np.dot(delta, activations[-l - 1].transpose())
        return loss, nabla_b, nabla_w


subject = adapt(Network, lists("weights", "biases"), kernel="units_inputs", bias="column", step="update_mini_batch")
