"""Known bugs of the error that enters the backward pass: dZ of the output."""

from dataclasses import replace
from enum import StrEnum

from compare.faults.counts import Count
from compare.faults.fault import Fault
from compare.mathematics.functions import Array
from compare.mathematics.rules import Rules
from compare.mathematics.step import Step


def error_scaled(rules: Rules, by: Count) -> Rules:
    """The output's error, and with it every gradient, is off by a count."""
    return replace(rules, error=lambda step: rules.error(step) * by.of(step))


def sign_flipped(rules: Rules) -> Rules:
    """Y - P."""
    return replace(rules, error=lambda step: -rules.error(step))


def _through_softmax(P: Array, dP: Array) -> Array:
    return P * (dP - (P * dP).sum(axis=1, keepdims=True))


class Scale(StrEnum):
    """The constant before a squared error's gradient."""

    ONE = "1"
    TWO = "2"
    TWO_PER_CLASS = "2 / classes"

    def of(self, step: Step) -> float:
        """Return the number."""
        return {Scale.ONE: 1.0, Scale.TWO: 2.0, Scale.TWO_PER_CLASS: 2 / step.architecture.outputs}[self]


def mse_gradient(rules: Rules, scale: Scale, through: bool) -> Rules:
    """Gradient of the squared error, times its usual constants; `through` the softmax or not."""

    def error(step: Step) -> Array:
        plain = rules.error(step)
        return scale.of(step) * (_through_softmax(step.P, plain) if through else plain)

    return replace(rules, error=error)


def softmax_derivative_again(rules: Rules, diagonal: bool) -> Rules:
    """P - Y is multiplied by the softmax's derivative, or by its diagonal P(1 - P)."""

    def error(step: Step) -> Array:
        plain = rules.error(step)
        return plain * step.P * (1 - step.P) if diagonal else _through_softmax(step.P, plain)

    return replace(rules, error=error)


def width_from_batch(rules: Rules) -> Rules:
    """One-hot labels are as wide as the batch's largest label asks: too narrow if the last class is missing."""

    def error(step: Step) -> Array:
        if int(step.y.max()) + 1 != step.architecture.outputs:
            raise ValueError("one-hot labels are narrower than the output, for a batch without the last class")
        return rules.error(step)

    return replace(rules, error=error)


ERROR_FAULTS: tuple[Fault, ...] = (
    Fault(
        "gradient not averaged",
        "the gradient is summed over the batch, not averaged: too large by the batch size",
        "divide dZ of the output by the number of samples in the batch",
        error_scaled,
        lambda architecture: [(Count.BATCH,)],
        example=(Count.BATCH,),
    ),
    Fault(
        "gradient averaged twice",
        "the gradient is divided by the batch size twice",
        "divide by the number of samples in one place only",
        error_scaled,
        lambda architecture: [(Count.PER_BATCH,)],
        example=(Count.PER_BATCH,),
    ),
    Fault(
        "gradient divided by the number of classes",
        "the gradient is divided by the number of classes too (a mean over all entries of Y)",
        "divide the sum by the number of samples, not by the number of entries",
        error_scaled,
        lambda architecture: [(Count.PER_CLASS,)],
        example=(Count.PER_CLASS,),
    ),
    Fault(
        "gradient divided by the nominal batch size",
        "the gradient is divided by the nominal batch size, which is wrong for the ragged last batch",
        "divide by len(x) of the batch at hand",
        error_scaled,
        lambda architecture: [(Count.SHARE_OF_NOMINAL,)],
        example=(Count.SHARE_OF_NOMINAL,),
    ),
    Fault(
        "gradient divided by the data set's size",
        "the gradient is divided by the size of the whole data set, which is right in full batch only",
        "divide by len(x) of the batch at hand",
        error_scaled,
        lambda architecture: [(Count.SHARE_OF_DATA,)],
        example=(Count.SHARE_OF_DATA,),
    ),
    Fault(
        "gradient sign flipped",
        "the gradient points uphill",
        "use P - Y, and subtract the update",
        sign_flipped,
    ),
    Fault(
        "mean squared error's gradient",
        "the output's error is that of the mean squared error (times {0}; through the softmax: {1})",
        "use dZ = (P - Y) / n, the gradient of cross-entropy behind a softmax",
        mse_gradient,
        lambda architecture: [
            (Scale.ONE, True),
            (Scale.TWO, True),
            (Scale.TWO_PER_CLASS, True),
            (Scale.TWO, False),
            (Scale.TWO_PER_CLASS, False),
        ],
        example=(Scale.TWO_PER_CLASS, True),
    ),
    Fault(
        "softmax derivative applied again",
        "P - Y already holds the softmax's derivative; it is multiplied in again (only its diagonal: {0})",
        "use dZ = (P - Y) / n as it is",
        softmax_derivative_again,
        lambda architecture: [(False,), (True,)],
        example=(True,),
    ),
    Fault(
        "one-hot width taken from the batch",
        "one-hot labels are as wide as the batch's largest label asks, so a batch without the last class fails",
        "give the number of classes when encoding labels",
        width_from_batch,
    ),
)
