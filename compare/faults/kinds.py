"""Kinds of networks that the check is not for: their mathematics, so that they are recognised."""

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

import numpy as np

from compare.faults.fault import Fault
from compare.mathematics.functions import Array, sigmoid
from compare.mathematics.rules import Rules
from compare.mathematics.step import Step

ONLY = "this check is for a softmax with cross-entropy, trained by plain SGD"


class Mean(StrEnum):
    """What an error is averaged over, and its constant."""

    SAMPLES = "averaged over the samples"
    ENTRIES = "averaged over samples and outputs"
    TWICE = "twice that, averaged over the samples"
    TWICE_ENTRIES = "twice that, averaged over samples and outputs"
    NONE = "summed"

    def of(self, step: Step) -> float:
        """Return the factor of A - Y."""
        n, k = step.n, step.architecture.outputs
        return {
            Mean.SAMPLES: 1 / n,
            Mean.ENTRIES: 1 / (n * k),
            Mean.TWICE: 2 / n,
            Mean.TWICE_ENTRIES: 2 / (n * k),
            Mean.NONE: 1.0,
        }[self]


def sigmoid_outputs(rules: Rules, mean: Mean) -> Rules:
    """P = sigmoid(Z), dZ = P - Y times a constant: binary cross-entropy."""

    def loss(step: Step) -> float:
        return float(-(step.Y * np.log(step.P) + (1 - step.Y) * np.log(1 - step.P)).sum() / step.n)

    return replace(
        rules,
        output=lambda step, e: sigmoid(step.Z[-1]),
        error=lambda step: mean.of(step) * (step.P - step.Y),
        loss=loss,
    )


def linear_outputs(rules: Rules, mean: Mean) -> Rules:
    """P = Z, dZ = P - Y times a constant: squared error."""
    return _squared(rules, mean, lambda Z: Z, np.ones_like)


def squared_sigmoids(rules: Rules, mean: Mean) -> Rules:
    """P = sigmoid(Z), dZ = (P - Y) P (1 - P) times a constant: squared error."""
    return _squared(rules, mean, sigmoid, lambda P: P * (1 - P))


def _squared(rules: Rules, mean: Mean, output: Callable[[Array], Array], slope: Callable[[Array], Array]) -> Rules:
    def error(step: Step) -> Array:
        return mean.of(step) * (step.P - step.Y) * slope(step.P)

    return replace(
        rules,
        output=lambda step, e: output(step.Z[-1]),
        error=error,
        loss=lambda step: float(((step.P - step.Y) ** 2).mean()),
    )


ADAPTIVE = Fault(
    "an adaptive optimizer",
    "every weight of a fresh network moves by {0} times the learning rate, whatever its gradient, as Adam does "
    "(RMSprop by 3.16 or 10 times)",
    "this check is for plain SGD: switch the network to it for the check",
    lambda rules, size: rules,
    lambda architecture: [],
    kind=True,
    example=(1.0,),
)

NO_BIASES = Fault(
    "no biases",
    "its biases stay zero, whatever they are set to, and training does not move them",
    "this check is for layers with biases, and compares kernels alone here: they are Keras's",
    lambda rules: rules,
    lambda architecture: [],
    kind=True,
)

KINDS: tuple[Fault, ...] = (
    Fault(
        "sigmoid outputs with binary cross-entropy",
        "the outputs are sigmoids and the error is P - Y, {0}",
        f"{ONLY}; its classes exclude each other there",
        sigmoid_outputs,
        lambda architecture: [(mean,) for mean in Mean],
        kind=True,
        example=(Mean.SAMPLES,),
    ),
    Fault(
        "linear outputs with squared error",
        "the outputs are linear and the error is Z - Y, {0}",
        ONLY,
        linear_outputs,
        lambda architecture: [(mean,) for mean in Mean],
        kind=True,
        example=(Mean.TWICE_ENTRIES,),
    ),
    Fault(
        "sigmoid outputs with squared error",
        "the outputs are sigmoids and the error is (P - Y) P (1 - P), {0}",
        ONLY,
        squared_sigmoids,
        lambda architecture: [(mean,) for mean in Mean],
        kind=True,
        example=(Mean.TWICE_ENTRIES,),
    ),
    ADAPTIVE,
    NO_BIASES,
)
