"""A small convolutional network in NumPy, and the Keras model that it should train as.

keras-parity check examples/any_model/convolution.py:Network --reference examples/any_model/convolution.py:build
--data examples/any_model/convolution.py:data (one line) finds parity; `Spread` instead of `Network` is wrong.
"""

import numpy as np

RATE = 0.125


def build():
    import keras  # here, so that the network's own process need not load it

    model = keras.Sequential(
        [
            keras.Input((6, 5, 1)),
            keras.layers.Conv2D(2, (3, 2), activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.SGD(RATE), "categorical_crossentropy")
    return model


def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(40, 6, 5, 1)), rng.integers(0, 3, 40)


class Network:
    """Images are (samples, height, width, channels), as in Keras; kernels (height, width, channels, filters)."""

    def __init__(self):
        rng = np.random.default_rng(1)
        self.K, self.c = rng.normal(size=(3, 2, 1, 2)), np.zeros(2)
        self.W, self.b = rng.normal(size=(8, 3)), np.zeros(3)

    def get_weights(self):
        return [self.K, self.c, self.W, self.b]

    def set_weights(self, weights):
        self.K, self.c, self.W, self.b = (np.array(each) for each in weights)

    def train_on_batch(self, x, y):
        n = len(x)
        patches = np.lib.stride_tricks.sliding_window_view(x, (3, 2), axis=(1, 2))  # (n, 4, 4, channels, 3, 2)
        Z = np.einsum("nijcab,abck->nijk", patches, self.K) + self.c
        A = np.maximum(Z, 0)
        windows = A.reshape(n, 2, 2, 2, 2, 2)  # (n, row, row in window, column, column in window, filter)
        pooled = windows.max(axis=(2, 4), keepdims=True)
        flat = pooled.reshape(n, -1)
        logits = flat @ self.W + self.b
        logits = logits - logits.max(axis=1, keepdims=True)
        log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))

        dlogits = np.exp(log_p)
        dlogits[np.arange(n), y] -= 1
        dlogits /= n
        dpooled = (dlogits @ self.W.T).reshape(pooled.shape)
        dA = self.unpool(dpooled, windows, pooled).reshape(A.shape)
        dZ = dA * (Z > 0)
        dK = np.einsum("nijcab,nijk->abck", patches, dZ)
        self.K = self.K - RATE * dK
        self.c = self.c - RATE * dZ.sum(axis=(0, 1, 2))
        self.W = self.W - RATE * flat.T @ dlogits
        self.b = self.b - RATE * dlogits.sum(axis=0)
        return -log_p[np.arange(n), y].mean()

    def unpool(self, dpooled, windows, pooled):
        return dpooled * (windows == pooled)


class Spread(Network):
    """Hands the gradient back as average pooling would."""

    def unpool(self, dpooled, windows, pooled):
        return dpooled * np.full(windows.shape, 0.25)  # wrong: only the largest of a window gets the gradient
