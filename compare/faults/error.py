"""Known bugs of the error that enters the backward pass: dZ of the output."""

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

import numpy as np

from compare.faults.counts import Count
from compare.faults.fault import Fault, Observed, Parameter
from compare.faults.fitting import affine, nice, ratio
from compare.faults.forward import LOG_OF_ZERO
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


class Of(StrEnum):
    """A factor that is made of the probabilities."""

    P = "P"
    REST = "1 - P"


def mse_gradient(rules: Rules, scale: Scale) -> Rules:
    """Gradient of the squared error through the softmax, times its usual constants."""
    return replace(rules, error=lambda step: scale.of(step) * _through_softmax(step.P, rules.error(step)))


def softmax_derivative_again(rules: Rules, diagonal: bool) -> Rules:
    """P - Y is multiplied by the softmax's derivative, or by its diagonal P(1 - P)."""

    def error(step: Step) -> Array:
        plain = rules.error(step)
        return plain * step.P * (1 - step.P) if diagonal else _through_softmax(step.P, plain)

    return replace(rules, error=error)


def error_times(rules: Rules, factor: float) -> Rules:
    """The output's error, and with it every gradient, is multiplied by a constant."""
    return replace(rules, error=lambda step: rules.error(step) * factor)


def _fit_error_times(run: list[Observed], base: Rules) -> list[Parameter]:
    """A negative one is a flipped sign and another number."""
    return [(factor,) for factor in nice([ratio(run[0].change, run[0].expected)]) if factor > 0 and factor != 1]


def error_times_output(rules: Rules, by: Of) -> Rules:
    """P - Y is multiplied by P, or by 1 - P."""
    return replace(rules, error=lambda step: rules.error(step) * (step.P if by == Of.P else 1 - step.P))


def smoothed_labels(rules: Rules, share: float) -> Rules:
    """Labels are smoothed in the error: (1 - share) Y + share / classes."""

    def error(step: Step) -> Array:
        return rules.error(step) + share * (step.Y - 1 / step.architecture.outputs) / step.n

    return replace(rules, error=error)


class Where(StrEnum):
    """Where one-hot labels are used."""

    ERROR = "in the error alone"
    LOSS_TOO = "in the error and in the loss"


def _labelled(rules: Rules, where: Where, labels: Callable[[Step], Array]) -> Rules:
    """The error, or the loss too, takes other one-hot labels."""

    def error(step: Step) -> Array:
        return rules.error(step) + (step.Y - labels(step)) / step.n

    def loss(step: Step) -> float:
        return float(-(labels(step) * np.log(step.P)).sum() / step.n)

    return replace(rules, error=error, loss=loss if where == Where.LOSS_TOO else rules.loss)


def width_from_batch(rules: Rules, where: Where) -> Rules:
    """One-hot labels are as wide as the batch's largest label asks; one column alone is broadcast over the classes."""

    def narrow(step: Step) -> Array:
        width = int(step.y.max()) + 1
        if width not in (1, step.architecture.outputs):
            raise ValueError("one-hot labels are narrower than the output, for a batch without the last class")
        return np.eye(width)[step.y]

    return _labelled(rules, where, narrow)


def encoded_anew(rules: Rules, where: Where) -> Rules:
    """Labels are numbered anew in each batch, among those that it has."""

    def labels(step: Step) -> Array:
        return np.eye(step.architecture.outputs)[np.unique(step.y, return_inverse=True)[1]]

    return _labelled(rules, where, labels)


def error_of_prediction(rules: Rules) -> Rules:
    """The error is that of the predicted class, all or nothing, as the perceptron's: not P - Y."""

    def error(step: Step) -> Array:
        return rules.error(replace(step, P=np.eye(step.architecture.outputs)[step.P.argmax(axis=1)]))

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
        "the output's error is that of the mean squared error, through the softmax, times {0}",
        "use dZ = (P - Y) / n, the gradient of cross-entropy behind a softmax",
        mse_gradient,
        lambda architecture: [(scale,) for scale in Scale],
        example=(Scale.TWO_PER_CLASS,),
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
        "error multiplied by the output",
        "the output's error P - Y is multiplied by {0}",
        "use dZ = (P - Y) / n as it is: it is the gradient with respect to Z already",
        error_times_output,
        lambda architecture: [(by,) for by in Of],
        example=(Of.P,),
    ),
    Fault(
        "gradient times a constant",
        "the output's error, and so every gradient, is {0} times Keras's (a rate so much off gives the same weights)",
        "use dZ = (P - Y) / n, and the learning rate that was given",
        error_times,
        lambda architecture: [],
        _fit_error_times,
        example=(2.0,),
        linear=True,
    ),
    Fault(
        "labels smoothed",
        "the error is that of labels smoothed by {0}",
        "use the labels as they are, or give Keras's loss the same label_smoothing",
        smoothed_labels,
        lambda architecture: [],
        lambda run, base: [(share,) for (share,) in affine(smoothed_labels, run, base) if 0 < share < 1],
        example=(0.1,),
        default=True,
    ),
    Fault(
        "labels encoded anew in each batch",
        "labels are numbered among those that the batch has ({0}), so a batch without a class has others",
        "encode labels once, over the whole data set",
        encoded_anew,
        lambda architecture: [(where,) for where in Where],
        example=(Where.LOSS_TOO,),
    ),
    Fault(
        "error of the predicted class",
        "the error is the predicted class, 1 or 0, minus the label: the perceptron's rule",
        "use dZ = (P - Y) / n, with the probabilities",
        error_of_prediction,
    ),
    Fault(
        "one-hot width taken from the batch",
        "one-hot labels are as wide as the batch's largest label asks, so a batch without the last class fails",
        "give the number of classes when encoding labels",
        width_from_batch,
        lambda architecture: [(where,) for where in Where],
        example=(Where.ERROR,),
        hides=lambda where: (LOG_OF_ZERO,) * (where == Where.LOSS_TOO),
    ),
)
