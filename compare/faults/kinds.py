"""Kinds of networks that the check is not for: their mathematics, so that they are recognised."""

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

import numpy as np

from compare.faults.fault import Fault
from compare.mathematics.functions import Array, sigmoid
from compare.mathematics.rules import Rules
from compare.mathematics.step import Step


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
    'declare it: --optimizer adam, or "rmsprop(learning_rate=0.001)", or whichever it is',
    lambda rules, size: rules,
    lambda architecture: [],
    kind=True,
    example=(1.0,),
)

NO_BIASES = Fault(
    "no biases",
    "its biases stay zero, whatever they are set to, and training does not move them",
    "declare it: --no-bias; beside layers with biases its kernels are right",
    lambda rules: rules,
    lambda architecture: [],
    kind=True,
)

KINDS: tuple[Fault, ...] = (
    Fault(
        "sigmoid outputs with binary cross-entropy",
        "the outputs are sigmoids and the error is P - Y, {0}",
        "declare it: --output sigmoid --loss binary_crossentropy, which Keras averages over the outputs too",
        sigmoid_outputs,
        lambda architecture: [(mean,) for mean in Mean],
        kind=True,
        example=(Mean.SAMPLES,),
    ),
    Fault(
        "linear outputs with squared error",
        "the outputs are linear and the error is Z - Y, {0}",
        "declare it: --output linear --loss mse; Keras's error is 2 (Z - Y), averaged over samples and outputs",
        linear_outputs,
        lambda architecture: [(mean,) for mean in Mean],
        kind=True,
        example=(Mean.TWICE_ENTRIES,),
    ),
    Fault(
        "sigmoid outputs with squared error",
        "the outputs are sigmoids and the error is (P - Y) P (1 - P), {0}",
        "declare it: --output sigmoid --loss mse; Keras's error is twice that, averaged over samples and outputs",
        squared_sigmoids,
        lambda architecture: [(mean,) for mean in Mean],
        kind=True,
        example=(Mean.TWICE_ENTRIES,),
    ),
    ADAPTIVE,
    NO_BIASES,
)
