"""A network with dropout in NumPy, and the Keras model that it should train as, given the same masks.

keras-parity check examples/any_model/dropout.py:Network --reference examples/any_model/dropout.py:build
--data examples/any_model/dropout.py:data (one line) finds parity; `Unscaled` instead of `Network` is wrong, and
`StillDrops` predicts wrongly.
"""

import numpy as np

RATE, DROPPED = 0.125, 0.25


def build():
    import keras  # here, so that the network's own process need not load it

    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(8, activation="relu"),
            keras.layers.Dropout(DROPPED),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.SGD(RATE), "categorical_crossentropy")
    return model


def data():
    X = np.random.default_rng(0).normal(size=(40, 4))
    return X, X[:, :3].argmax(axis=1)


class Network:
    """Dense with ReLU, dropout, softmax. The mask stays in `self.mask`, where the check finds it."""

    def __init__(self):
        self.rng = np.random.default_rng(1)
        self.W, self.b = self.rng.normal(size=(4, 8)), np.zeros(8)
        self.V, self.c = self.rng.normal(size=(8, 3)), np.zeros(3)

    def get_weights(self):
        return [self.W, self.b, self.V, self.c]

    def set_weights(self, weights):
        self.W, self.b, self.V, self.c = (np.array(each) for each in weights)

    def train_on_batch(self, x, y):
        rows = np.arange(len(x))
        Z = x @ self.W + self.b
        A = np.maximum(Z, 0)
        self.mask = self.rng.random(A.shape) >= DROPPED
        D = A * self.mask / (1 - DROPPED)
        logits = D @ self.V + self.c
        logits = logits - logits.max(axis=1, keepdims=True)
        log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))

        dlogits = np.exp(log_p)
        dlogits[rows, y] -= 1
        dlogits /= len(x)
        dA = self.undrop(dlogits @ self.V.T)
        dZ = dA * (Z > 0)
        self.V = self.V - RATE * D.T @ dlogits
        self.c = self.c - RATE * dlogits.sum(axis=0)
        self.W = self.W - RATE * x.T @ dZ
        self.b = self.b - RATE * dZ.sum(axis=0)
        return -log_p[rows, y].mean()

    def undrop(self, dD):
        return dD * self.mask / (1 - DROPPED)

    def predict(self, x):
        logits = self.kept(np.maximum(x @ self.W + self.b, 0)) @ self.V + self.c
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def kept(self, A):
        return A  # all of it: nothing is dropped, or scaled, but in training


class Unscaled(Network):
    """Scales what is kept on the way forward alone."""

    def undrop(self, dD):
        return dD * self.mask  # wrong: divided by 1 - DROPPED forward, and not backward


class StillDrops(Network):
    """Trains rightly, and drops units when it predicts too."""

    def kept(self, A):
        return A * (self.rng.random(A.shape) >= DROPPED) / (1 - DROPPED)
