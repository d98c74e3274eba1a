"""A residual block in NumPy, and the Keras model with a skip connection that it should train as.

keras-parity check examples/any_model/residual.py:Network --reference examples/any_model/residual.py:build
--data examples/any_model/residual.py:data (one line) finds parity; `NotSkipped` instead of `Network` is wrong.
"""

import numpy as np

RATE = 0.125


def build():
    import keras  # here, so that the network's own process need not load it

    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(6, activation="relu")(inputs)
    block = keras.layers.Dense(6, activation="tanh")(hidden)
    joined = keras.layers.Add()([hidden, block])
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(joined))
    model.compile(keras.optimizers.SGD(RATE), "categorical_crossentropy")
    return model


def data():
    X = np.random.default_rng(0).normal(size=(40, 4))
    return X, X[:, :3].argmax(axis=1)


class Network:
    """Dense with ReLU, a tanh block beside what it takes, softmax."""

    def __init__(self):
        rng = np.random.default_rng(1)
        shapes = [(4, 6), (6,), (6, 6), (6,), (6, 3), (3,)]
        self.weights = [rng.normal(0, 0.5, shape) for shape in shapes]

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = [np.array(each) for each in weights]

    def train_on_batch(self, x, y):
        W, b, U, c, V, d = self.weights
        rows = np.arange(len(x))
        H = np.maximum(x @ W + b, 0)
        B = np.tanh(H @ U + c)
        S = H + B
        logits = S @ V + d
        logits = logits - logits.max(axis=1, keepdims=True)
        log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))

        dlogits = np.exp(log_p)
        dlogits[rows, y] -= 1
        dlogits /= len(x)
        dS = dlogits @ V.T
        dB = dS * (1 - B**2)
        dH = self.back(dS, dB, U)
        dZ = dH * (H > 0)
        grads = [x.T @ dZ, dZ.sum(axis=0), H.T @ dB, dB.sum(axis=0), S.T @ dlogits, dlogits.sum(axis=0)]
        self.weights = [weight - RATE * grad for weight, grad in zip(self.weights, grads)]
        return -log_p[rows, y].mean()

    def back(self, dS, dB, U):
        return dS + dB @ U.T


class NotSkipped(Network):
    """Forgets on the way back what the skip connection hands on."""

    def back(self, dS, dB, U):
        return dB @ U.T  # wrong: dS of the skip connection is missing
