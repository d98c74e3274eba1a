"""A network as courses write it: samples as columns, kernels (units, inputs), a step in three calls, no Keras name.

keras-parity check examples/any_shape.py finds out how it is driven, and shows the adapter that says so.
"""

import numpy as np


class DeepNetwork:
    def __init__(self, layer_dims, learning_rate=0.0075):
        self.depth, self.learning_rate, self.parameters = len(layer_dims) - 1, learning_rate, {}
        for layer in range(1, len(layer_dims)):
            self.parameters[f"W{layer}"] = np.random.randn(layer_dims[layer], layer_dims[layer - 1]) * 0.01
            self.parameters[f"b{layer}"] = np.zeros((layer_dims[layer], 1))

    def forward_propagation(self, X):
        A, caches = X, []
        for layer in range(1, self.depth + 1):
            Z = self.parameters[f"W{layer}"] @ A + self.parameters[f"b{layer}"]
            caches.append((A, Z))
            A = np.maximum(Z, 0) if layer < self.depth else self.softmax(Z)
        return A, caches

    def softmax(self, Z):
        E = np.exp(Z - Z.max(axis=0, keepdims=True))
        return E / E.sum(axis=0, keepdims=True)

    def compute_cost(self, AL, Y):
        return -np.mean(np.log((AL * Y).sum(axis=0)))

    def backward_propagation(self, AL, Y, caches):
        grads, dZ = {}, (AL - Y) / Y.shape[1]
        for layer in range(self.depth, 0, -1):
            A, _ = caches[layer - 1]
            grads[f"W{layer}"], grads[f"b{layer}"] = dZ @ A.T, dZ.sum(axis=1, keepdims=True)
            if layer > 1:
                dZ = self.parameters[f"W{layer}"].T @ dZ * (caches[layer - 2][1] > 0)
        return grads

    def update_parameters(self, grads):
        for name, gradient in grads.items():
            self.parameters[name] = self.parameters[name] - self.learning_rate * gradient
