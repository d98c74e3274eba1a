"""Networks of other people's shapes, all correct; `mean` is what a test replaces to make every one of them wrong."""

from itertools import pairwise

import numpy as np


def mean(gradient, n):
    return gradient / n


def pairs(sizes):
    return [*pairwise(sizes)]


def softmax(z, axis):
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


class Tuples:
    """Pairs that are bound anew, integer labels, a step under a name of its own."""

    def __init__(self, sizes, lr):
        self.lr, self.layers = lr, [(np.full((i, o), 0.1), np.zeros(o)) for i, o in pairs(sizes)]

    def absorb(self, features, classes):
        A = [features]
        for W, b in self.layers:
            A.append(np.maximum(A[-1] @ W + b, 0))
        W, b = self.layers[-1]
        P = softmax(A[-2] @ W + b, 1)
        loss = -np.log(P[np.arange(len(classes)), classes]).mean()
        d, new = mean(P - np.eye(P.shape[1])[classes], len(classes)), []
        for (W, b), a in zip(self.layers[::-1], A[-2::-1], strict=True):
            new.append((W - self.lr * a.T @ d, b - self.lr * d.sum(axis=0)))
            d = d @ W.T * (a > 0)
        self.layers = new[::-1]
        return loss


class Columns:
    """Samples and one-hot labels as columns, numbered parameters, three calls for a step, a cost of its own."""

    def __init__(self, layer_dims, learning_rate):
        self.p, self.rate, self.L = {}, learning_rate, len(layer_dims) - 1
        for k, (inputs, units) in enumerate(pairs(layer_dims), 1):
            self.p[f"W{k}"], self.p[f"b{k}"] = np.full((units, inputs), 0.1), np.zeros((units, 1))

    def forward_propagation(self, X):
        cache = [X]
        for k in range(1, self.L + 1):
            Z = self.p[f"W{k}"] @ cache[-1] + self.p[f"b{k}"]
            cache.append(np.maximum(Z, 0) if k < self.L else softmax(Z, 0))
        return cache[-1], cache

    def compute_cost(self, AL, Y):
        return -np.sum(Y * np.log(AL)) / Y.shape[1]

    def backward_propagation(self, AL, Y, cache):
        grads, dZ = {}, mean(AL - Y, Y.shape[1])
        for k in range(self.L, 0, -1):
            grads[f"W{k}"], grads[f"b{k}"] = dZ @ cache[k - 1].T, dZ.sum(axis=1, keepdims=True)
            dZ = self.p[f"W{k}"].T @ dZ * (cache[k - 1] > 0)
        return grads

    def update_parameters(self, grads):
        for key, gradient in grads.items():
            self.p[key] = self.p[key] - self.rate * gradient


class Reckons(Columns):
    """Runs with integer labels, too, and means amounts; it is wrong with either."""

    def forward_propagation(self, X):
        A, cache = super().forward_propagation(X)
        return A * np.arange(1, X.shape[1] + 1), cache

    def backward_propagation(self, AL, Y, cache):
        return super().backward_propagation(AL, np.zeros_like(AL) + Y, cache)


class OneHidden:
    """Sizes by name, one hidden layer, rows of biases, labels one-hot, the loss kept in a list."""

    def __init__(self, input_size, hidden_size, output_size, eta):
        self.W1, self.b1 = np.full((input_size, hidden_size), 0.1), np.zeros((1, hidden_size))
        self.W2, self.b2 = np.full((hidden_size, output_size), 0.1), np.zeros((1, output_size))
        self.eta, self.losses = eta, []

    def fit(self, X, Y, epochs=100, verbose=True):
        for _ in range(epochs):
            A = np.maximum(X @ self.W1 + self.b1, 0)
            P = softmax(A @ self.W2 + self.b2, 1)
            self.losses.append(-np.mean(np.sum(Y * np.log(P), axis=1)))
            d2 = mean(P - Y, len(X))
            d1 = d2 @ self.W2.T * (A > 0)
            self.W2 -= self.eta * A.T @ d2
            self.b2 -= self.eta * d2.sum(axis=0)
            self.W1 -= self.eta * X.T @ d1
            self.b1 -= self.eta * d1.sum(axis=0)


class BiasFirst:
    """Each layer's biases are the first column of its kernel, as units by inputs."""

    def __init__(self, sizes, alpha):
        self.alpha, self.theta = alpha, [np.full((o, i + 1), 0.1) for i, o in pairs(sizes)]

    def step(self, X, y):
        A = [np.c_[np.ones(len(X)), X]]
        for theta in self.theta[:-1]:
            A.append(np.c_[np.ones(len(X)), np.maximum(A[-1] @ theta.T, 0)])
        P = softmax(A[-1] @ self.theta[-1].T, 1)
        loss, d, gradients = -np.log(P[np.arange(len(y)), y]).mean(), mean(P - np.eye(P.shape[1])[y], len(y)), []
        for theta, a in zip(self.theta[::-1], A[::-1], strict=True):
            gradients.append(d.T @ a)
            d = (d @ theta)[:, 1:] * (a[:, 1:] > 0)
        for theta, gradient in zip(self.theta, gradients[::-1], strict=True):
            theta -= self.alpha * gradient
        return loss


class Flat:
    """All parameters in one vector, and the rate told to each step."""

    def __init__(self, sizes):
        self.shapes = pairs(sizes)
        self.theta = np.full(sum(i * o + o for i, o in self.shapes), 0.1)

    def cut(self):
        ends = np.cumsum([size for i, o in self.shapes for size in (i * o, o)])
        parts = np.split(self.theta, ends[:-1])
        return [(W.reshape(shape), b) for W, b, shape in zip(parts[::2], parts[1::2], self.shapes, strict=True)]

    def step(self, x, t, lr):
        params, A = self.cut(), [x]
        for W, b in params:
            A.append(np.maximum(A[-1] @ W + b, 0))
        W, b = params[-1]
        P = softmax(A[-2] @ W + b, 1)
        d = mean(P - np.eye(P.shape[1])[t], len(t))
        grads: list[np.ndarray] = []
        for (W, _), a in zip(params[::-1], A[-2::-1], strict=True):
            grads = [(a.T @ d).ravel(), d.sum(axis=0), *grads]
            d = d @ W.T * (a > 0)
        self.theta = self.theta - lr * np.concatenate(grads)
        return [-np.log(P[np.arange(len(t)), t]).mean()]


def make_closure(layer_sizes, lr):
    """Kernels and biases in the variables of the function around the step."""
    net = Tuples(layer_sizes, lr)
    kernels, biases = [W for W, _ in net.layers], [b for _, b in net.layers]

    def train(x, y):
        net.layers = [*zip(kernels, biases, strict=True)]
        loss = net.absorb(x, y)
        kernels[:], biases[:] = zip(*net.layers, strict=True)
        return loss

    return train


def init_params(layer_sizes):
    return [(np.full((i, o), 0.1), np.zeros(o)) for i, o in pairs(layer_sizes)]


def update(params, inputs, targets, step_size):
    """A step of functions: new parameters, of labels one-hot."""
    net = Tuples([1, 1], step_size)
    net.layers = params
    net.absorb(inputs, targets.argmax(axis=1))
    assert targets.ndim == 2
    return net.layers


class Named:
    """Calls that hand round what others return, by its names; a tanh of its own; classes by number, in columns."""

    def __init__(self, n_in, n_hidden, n_out):
        self.W1, self.b1 = np.full((n_hidden, n_in), 0.1), np.zeros((n_hidden, 1))
        self.W2, self.b2 = np.full((n_out, n_hidden), 0.1), np.zeros((n_out, 1))

    def forward_prop(self, X):
        A1 = np.tanh(self.W1 @ X + self.b1)
        A2 = softmax(self.W2 @ A1 + self.b2, 0)
        return A1, A2

    def backward_prop(self, A1, A2, X, Y):
        dZ2 = mean(A2 - np.eye(len(A2))[:, Y], X.shape[1])
        dW2, db2 = dZ2 @ A1.T, dZ2.sum(axis=1, keepdims=True)
        dZ1 = self.W2.T @ dZ2 * (1 - A1**2)
        dW1, db1 = dZ1 @ X.T, dZ1.sum(axis=1, keepdims=True)
        return dW1, db1, dW2, db2

    def update_params(self, dW1, db1, dW2, db2, alpha):
        self.W1, self.b1 = self.W1 - alpha * dW1, self.b1 - alpha * db1
        self.W2, self.b2 = self.W2 - alpha * dW2, self.b2 - alpha * db2


class Spread:
    """Sizes one after the other, a chain of layers, and a backward pass that is given the loss's gradient."""

    def __init__(self, *sizes, lr=0.01):
        self.W, self.b, self.lr = np.full(sizes[:2], 0.1), np.zeros(sizes[1]), lr
        self.above = Spread(*sizes[1:], lr=lr) if len(sizes) > 2 else None

    def __call__(self, x):
        self.x, self.z = x, x @ self.W + self.b
        return self.z if self.above is None else self.above(np.maximum(self.z, 0))

    def backward(self, grad):
        if self.above is not None:
            grad = self.above.backward(grad) * (self.z > 0)
        self.dW, self.db = self.x.T @ grad, grad.sum(axis=0)
        return grad @ self.W.T

    def step(self):
        self.W -= self.lr * self.dW
        self.b -= self.lr * self.db
        if self.above is not None:
            self.above.step()


def cross_entropy(logits, y):
    P = softmax(logits, 1)
    return -np.log(P[np.arange(len(y)), y]).mean(), mean(P - np.eye(P.shape[1])[y], len(y))


class Bare:
    """Parameters alone; a function of the file trains them."""

    def __init__(self, sizes):
        self.params = [{"W": W, "b": b} for W, b in init_params(sizes)]


def train(model, X, y, lr=0.5, epochs=100):
    net = Tuples([1, 1], lr)
    for _ in range(epochs):
        net.layers = [(layer["W"], layer["b"]) for layer in model.params]
        net.absorb(X, y)
        model.params = [{"W": W, "b": b} for W, b in net.layers]


class Trainer:
    """Holds a network, which is then not what is checked."""

    def __init__(self, layer_sizes, learning_rate):
        self.model = Tuples(layer_sizes, learning_rate)

    def train_step(self, x, y):
        return self.model.absorb(x, y)


class Squares:
    """Sigmoids on the outputs, and the squared error, halved and summed."""

    def __init__(self, sizes, learning_rate):
        self.rate, ((self.W1, self.b1), (self.W2, self.b2)) = learning_rate, init_params(sizes)

    def train(self, x, y):
        A = np.maximum(x @ self.W1 + self.b1, 0)
        P = 1 / (1 + np.exp(-A @ self.W2 - self.b2))
        d2 = (P - y) * P * (1 - P)
        d1 = d2 @ self.W2.T * (A > 0)
        self.W2, self.b2 = self.W2 - self.rate * A.T @ d2, self.b2 - self.rate * d2.sum(axis=0)
        self.W1, self.b1 = self.W1 - self.rate * x.T @ d1, self.b1 - self.rate * d1.sum(axis=0)
        return ((P - y) ** 2).sum() / 2


class Unsure:
    """Takes labels of both forms, and is wrong of both, each in its own way."""

    def __init__(self, sizes, learning_rate):
        self.W, self.b = map(list, zip(*init_params(sizes), strict=True))

    def train_step(self, x, y):
        shift = float(y[0].argmax() + 1 if np.ndim(y) == 2 else y[0] + 2)
        self.W = [W * (1 + 0.1 * shift) for W in self.W]
        self.b = [b * (1 - 0.1 * shift) for b in self.b]


class Deaf:
    """Its step goes somewhere, whatever the labels are."""

    def __init__(self, sizes, learning_rate):
        self.W, self.b = map(list, zip(*init_params(sizes), strict=True))

    def train_step(self, x, y):
        self.W, self.b = [W * 0.9 for W in self.W], [b * 0.9 for b in self.b]


class Draws:
    """Its `fit` draws weights of its own: those that it is given do not matter."""

    def __init__(self, sizes, learning_rate):
        self.sizes = sizes
        self.W, self.b = map(list, zip(*init_params(sizes), strict=True))

    def fit(self, X, y):
        self.W = [W + 1 for W, _ in init_params(self.sizes)]
        self.b = [b + 1 for _, b in init_params(self.sizes)]
