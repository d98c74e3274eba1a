"""A recurrent network in NumPy, and the Keras model that it should train as.

keras-parity check examples/any_model/recurrent.py:Network --reference examples/any_model/recurrent.py:build
--data examples/any_model/recurrent.py:data (one line) finds parity; `Early` instead of `Network` is wrong.
"""

import numpy as np

RATE = 0.125


def build():
    import keras  # here, so that the network's own process need not load it

    model = keras.Sequential([keras.Input((3, 2)), keras.layers.SimpleRNN(4), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(RATE), "mean_squared_error")
    return model


def data():
    X = np.random.default_rng(0).normal(size=(40, 3, 2))
    return X, np.sin(X.sum(axis=(1, 2)))


class Network:
    """Sequences are (samples, time, features). One tanh layer, a linear output of its last state."""

    def __init__(self):
        rng = np.random.default_rng(1)
        shapes = [(2, 4), (4, 4), (4,), (4, 1), (1,)]  # inputs, recurrence, bias; output, its bias
        self.weights = [rng.normal(0, 0.5, shape) for shape in shapes]

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = [np.array(each) for each in weights]

    def train_on_batch(self, x, y):
        W, U, b, V, c = self.weights
        H = [np.zeros((len(x), len(U)))]
        for t in range(x.shape[1]):
            H.append(np.tanh(x[:, t] @ W + H[-1] @ U + b))
        error = H[-1] @ V + c - y.reshape(-1, 1)

        dout = 2 * error / len(x)
        dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros_like(b)
        dH = dout @ V.T
        for t in reversed(range(x.shape[1])):
            dZ = dH * self.slope(H, t)
            dW += x[:, t].T @ dZ
            dU += H[t].T @ dZ
            db += dZ.sum(axis=0)
            dH = dZ @ U.T
        gradients = [dW, dU, db, H[-1].T @ dout, dout.sum(axis=0)]
        self.weights = [w - RATE * g for w, g in zip(self.weights, gradients)]
        return np.mean(error**2)

    def slope(self, H, t):
        return 1 - H[t + 1] ** 2


class Early(Network):
    """Off by one in a list that starts with the state before the first time."""

    def slope(self, H, t):
        return 1 - H[t] ** 2  # wrong: tanh's slope goes with the state that it made, H[t + 1]
