"""A network that is plain functions: keras-parity check examples/functions.py:step --activations tanh tanh tanh."""

import numpy as np


def forward(weights, x):
    activations = [x]
    for layer in range(0, len(weights), 2):
        z = activations[-1] @ weights[layer] + weights[layer + 1]
        last = layer == len(weights) - 2
        activations.append(z if last else np.tanh(z))
    return activations


def step(weights, x, y, learning_rate):
    """One SGD step; returns the new weights and the loss before it."""
    activations = forward(weights, x)
    z = activations.pop()
    z = z - z.max(axis=1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    rows = np.arange(len(y))
    loss = np.mean(np.log(np.exp(z).sum(axis=1)) - z[rows, y])

    delta = p.copy()
    delta[rows, y] -= 1
    delta /= len(y)
    new = list(weights)
    for layer in range(len(weights) - 2, -1, -2):
        a = activations.pop()
        new[layer] = weights[layer] - learning_rate * a.T @ delta
        new[layer + 1] = weights[layer + 1] - learning_rate * delta.sum(axis=0)
        delta = (delta @ weights[layer].T) * (1 - a * a)
    return new, loss
