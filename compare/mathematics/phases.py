"""The phases of a correct step, as plainly as they can be written: what Keras computes."""

from collections.abc import Callable

import numpy as np

from compare.mathematics.functions import Array, Function, Rows, function
from compare.mathematics.step import Step
from compare.recipe.architecture import Architecture


def inputs(step: Step) -> Array:
    """A[0] = X."""
    return step.X


def activation(step: Step, layer: int) -> Function:
    """A hidden layer's activation."""
    return function(step.architecture.activations[layer])


def affine(step: Step, layer: int) -> Array:
    """Z = A W + b."""
    return step.A[layer] @ step.kernel(layer) + step.bias(layer)


def logits(step: Step) -> Array:
    """The output layer's Z."""
    return step.Z[-1]


def shift(step: Step) -> Array:
    """Z less each sample's largest logit, so that exp cannot overflow."""
    return step.Z[-1] - step.Z[-1].max(axis=1, keepdims=True)


def output(step: Step, e: Array) -> Array:
    """P = e / sum of e over the classes, e = exp(shifted Z)."""
    return e / e.sum(axis=1, keepdims=True)


def cross_entropy(step: Step) -> float:
    """The mean of log(sum(exp(Z))) - Z[y], from logits less their largest."""
    Z = step.Z[-1] - step.Z[-1].max(axis=1, keepdims=True)
    picked = Z[np.arange(step.n), step.y]
    return float(np.mean(np.log(np.exp(Z).sum(axis=1)) - picked))


def cache(step: Step) -> tuple[list[Array], list[Array]]:
    """What the backward pass reads: A and Z."""
    return step.A, step.Z


def error(step: Step) -> Array:
    """DZ of the output = (P - Y) / n, the gradient of the cross-entropy behind a softmax."""
    return (step.P - step.Y) / step.n


def slope(step: Step, layer: int, Z: Array, A: Array, dA: Array) -> Array:
    """f'(Z)."""
    return step.functions[layer].derivative(Z, A)


def through(step: Step, dA: Array, slope: Array) -> Array:
    """dZ = dA * f'(Z)."""
    return dA * slope


def kernel_gradient(step: Step, layer: int, A: Array) -> Array:
    """dW = Aᵀ dZ."""
    return A.T @ step.dZ[layer]


def bias_gradient(step: Step, layer: int) -> Array:
    """db = sum of dZ over the samples."""
    return step.dZ[layer].sum(axis=0)


def carry(step: Step, layer: int) -> Array:
    """dA of the layer below = dZ Wᵀ."""
    return step.dZ[layer] @ step.kernel(layer).T


def gradients(step: Step) -> list[Array]:
    """Every tensor's gradient, in the architecture's order."""
    return [(step.dW if weight.role == "kernel" else step.db)[weight.layer] for weight in step.architecture.weights]


def sgd(step: Step) -> list[Array]:
    """W - learning rate * gradient."""
    rate = step.learning_rate
    return [W - rate * g for W, g in zip(step.weights, step.gradients, strict=True)]


def report(step: Step) -> float:
    """The loss, as computed."""
    return step.loss


def initial(architecture: Architecture, weights: list[Array]) -> list[Array]:
    """The weights, as drawn."""
    return weights


def batches(order: Rows, epoch: int, size: int) -> list[tuple[Rows, Rows]]:
    """An epoch's batches, as rows of X and of y; the last one may be smaller."""
    return [(order[start : start + size],) * 2 for start in range(0, len(order), size)]


def history(losses: list[float], sizes: list[int], now: Callable[[], float]) -> float:
    """The epoch's loss: the mean over its batches, weighted by their sizes; `now` is the loss after the epoch."""
    return float(np.average(losses, weights=sizes))
