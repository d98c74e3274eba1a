"""Samples in columns, kernels (units, inputs), in the notation of many courses."""

import numpy as np
from keras_parity import adapt, numbered


class DeepNet:
    def __init__(self, layer_sizes, learning_rate):
        self.L = len(layer_sizes) - 1
        self.alpha = learning_rate
        self.parameters = {}
        for l in range(1, self.L + 1):
            self.parameters["W" + str(l)] = np.random.randn(layer_sizes[l], layer_sizes[l - 1]) * 0.01
            self.parameters["b" + str(l)] = np.zeros((layer_sizes[l], 1))

    def model_forward(self, X):
        caches, A = [], X
        for l in range(1, self.L + 1):
            W, b = self.parameters["W" + str(l)], self.parameters["b" + str(l)]
            Z = np.dot(W, A) + b
            caches.append((A, W, b, Z))
            if l < self.L:
                A = np.maximum(0, Z)
            else:
                T = np.exp(Z - np.max(Z, axis=0))
                A = T / np.sum(T, axis=0)
        return A, caches

    def cost(self, AL, Y):
        m = Y.shape[1]
        return -np.sum(Y * np.log(AL)) / m

    def model_backward(self, AL, Y, caches):
        grads = {}
        m = Y.shape[1]
        dZ = AL - Y
        for l in reversed(range(1, self.L + 1)):
            A_prev, W, b, Z = caches[l - 1]
            grads["dW" + str(l)] = np.dot(dZ, A_prev.T) / m
            grads["db" + str(l)] = np.sum(dZ, axis=1, keepdims=True) / m
            if l > 1:
                dA_prev = np.dot(W.T, dZ)
                dZ = np.array(dA_prev, copy=True)
                dZ[caches[l - 2][3] <= 0] = 0
        return grads

    def update_parameters(self, grads):
        for l in range(1, self.L + 1):
            self.parameters["W" + str(l)] -= self.alpha * grads["dW" + str(l)]
            self.parameters["b" + str(l)] -= self.alpha * grads["db" + str(l)]

    def step(self, X, Y):
        AL, caches = self.model_forward(X)
        cost = self.cost(AL, Y)
        grads = self.model_backward(AL, Y, caches)
        self.update_parameters(grads)
        return cost


subject = adapt(
    DeepNet,
    numbered("parameters", "W", "b"),
    kernel="units_inputs",
    bias="column",
    samples="columns",
    labels="onehot",
    step="step",
)
