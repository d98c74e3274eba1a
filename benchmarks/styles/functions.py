"""Functions of weights and data; nothing is kept between calls."""

import numpy as np


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def one_hot(y, classes):
    out = np.zeros((y.size, classes))
    out[np.arange(y.size), y] = 1
    return out


def forward_pass(weights, x):
    activations = [x]
    n_layers = len(weights) // 2
    for k in range(n_layers):
        z = activations[-1] @ weights[2 * k] + weights[2 * k + 1]
        activations.append(softmax(z) if k == n_layers - 1 else sigmoid(z))
    return activations


def cross_entropy(p, t):
    return -(t * np.log(p)).sum() / len(p)


def backward_pass(weights, activations, t):
    n_layers = len(weights) // 2
    delta = (activations[-1] - t) / len(t)
    grads = [None] * len(weights)
    for k in range(n_layers - 1, -1, -1):
        grads[2 * k] = activations[k].T @ delta
        grads[2 * k + 1] = delta.sum(axis=0)
        if k > 0:
            upstream = delta @ weights[2 * k].T
            a = activations[k]
            slope = a * (1 - a)
            delta = upstream * slope
    return grads


def apply(weights, grads, rate):
    new = []
    for w, g in zip(weights, grads):
        new.append(w - rate * g)
    return new


def step(weights, x, y, learning_rate):
    t = one_hot(y, weights[-1].size)
    activations = forward_pass(weights, x)
    loss = cross_entropy(activations[-1], t)
    grads = backward_pass(weights, activations, t)
    return apply(weights, grads, learning_rate), loss


subject = step
