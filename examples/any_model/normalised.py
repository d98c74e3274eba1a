"""A batch-normalised network in NumPy, and the Keras model that it should train as.

keras-parity check examples/any_model/normalised.py:Network --reference examples/any_model/normalised.py:build
--data examples/any_model/normalised.py:data (one line) finds parity; `Swapped` instead of `Network` is wrong, and
`FromTheBatch` predicts wrongly.
"""

import numpy as np

RATE, EPSILON, MOMENTUM = 0.125, 1e-3, 0.99


def build():
    import keras  # here, so that the network's own process need not load it

    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(5),
            keras.layers.BatchNormalization(),
            keras.layers.Activation("relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.SGD(RATE), "binary_crossentropy")
    return model


def data():
    X = np.random.default_rng(0).normal(size=(40, 4))
    return X, (X[:, 0] * X[:, 1] > 0).astype(int)


class Network:
    """Dense, batch normalisation, ReLU, one sigmoid. The moving averages are weights too, as in Keras."""

    def __init__(self):
        rng = np.random.default_rng(1)
        self.W, self.b = rng.normal(size=(4, 5)), np.zeros(5)
        self.gamma, self.beta, self.mean, self.variance = np.ones(5), np.zeros(5), np.zeros(5), np.ones(5)
        self.V, self.c = rng.normal(size=(5, 1)), np.zeros(1)

    def get_weights(self):
        return [self.W, self.b, self.gamma, self.beta, self.mean, self.variance, self.V, self.c]

    def set_weights(self, weights):
        weights = [np.array(each) for each in weights]
        self.W, self.b, self.gamma, self.beta, self.mean, self.variance, self.V, self.c = weights

    def train_on_batch(self, x, y):
        y = y.reshape(-1, 1)
        Z = x @ self.W + self.b
        mean, variance = Z.mean(axis=0), Z.var(axis=0)
        std = np.sqrt(variance + EPSILON)
        Z_hat = (Z - mean) / std
        N = self.gamma * Z_hat + self.beta
        A = np.maximum(N, 0)
        logits = A @ self.V + self.c
        loss = np.mean(np.maximum(logits, 0) - logits * y + np.log1p(np.exp(-np.abs(logits))))

        p = np.exp(-np.logaddexp(0, -logits))
        dlogits = (p - y) / len(x)
        dN = dlogits @ self.V.T * (N > 0)
        dZ_hat = dN * self.gamma
        dZ = (dZ_hat - dZ_hat.mean(axis=0) - Z_hat * (dZ_hat * Z_hat).mean(axis=0)) / std
        self.V = self.V - RATE * A.T @ dlogits
        self.c = self.c - RATE * dlogits.sum(axis=0)
        self.gamma = self.gamma - RATE * (dN * Z_hat).sum(axis=0)
        self.beta = self.beta - RATE * dN.sum(axis=0)
        self.W = self.W - RATE * x.T @ dZ
        self.b = self.b - RATE * dZ.sum(axis=0)
        self.mean, self.variance = self.moved(self.mean, mean), self.moved(self.variance, variance)
        return loss

    def moved(self, average, now):
        return MOMENTUM * average + (1 - MOMENTUM) * now

    def predict(self, x):
        Z = x @ self.W + self.b
        mean, variance = self.statistics(Z)
        N = self.gamma * (Z - mean) / np.sqrt(variance + EPSILON) + self.beta
        return np.exp(-np.logaddexp(0, -(np.maximum(N, 0) @ self.V + self.c)))

    def statistics(self, Z):
        return self.mean, self.variance


class Swapped(Network):
    """Its gradients are right; what it predicts with is not."""

    def moved(self, average, now):
        return (1 - MOMENTUM) * average + MOMENTUM * now  # wrong: Keras's momentum is the share that is kept


class FromTheBatch(Network):
    """Trains rightly, and predicts a sample by what it is asked for beside."""

    def statistics(self, Z):
        return Z.mean(axis=0), Z.var(axis=0)  # the batch's own, where Keras takes the moving averages
