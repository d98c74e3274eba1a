"""Known bugs of the error that enters the backward pass: dZ of the output."""

from dataclasses import replace

from compare.faults.fault import Fault
from compare.faults.loss import count
from compare.faults.mathematics import Array, Rules, Step


def error_scaled(rules: Rules, by: str) -> Rules:
    """The output's error, and with it every gradient, is off by a count."""
    return replace(rules, error=lambda step: rules.error(step) * count(step, by))


def sign_flipped(rules: Rules) -> Rules:
    """Y - P."""
    return replace(rules, error=lambda step: -rules.error(step))


def _through_softmax(P: Array, dP: Array) -> Array:
    return P * (dP - (P * dP).sum(axis=1, keepdims=True))


def mse_gradient(rules: Rules, scale: str, through: bool) -> Rules:
    """Gradient of the squared error, times its usual constants; `through` the softmax or not."""

    def error(step: Step) -> Array:
        plain = rules.error(step)
        factor = {"1": 1.0, "2": 2.0, "2 / classes": 2 / step.setting.n_classes}[scale]
        return factor * (_through_softmax(step.P, plain) if through else plain)

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
        if int(step.y.max()) + 1 != step.setting.n_classes:
            raise ValueError("one-hot labels are narrower than the output, for a batch without the last class")
        return rules.error(step)

    return replace(rules, error=error)


ERROR_FAULTS: tuple[Fault, ...] = (
    Fault(
        "gradient not averaged",
        "the gradient is summed over the batch, not averaged: too large by the batch size",
        "divide dZ of the output by the number of samples in the batch",
        error_scaled,
        lambda setting, sizes: [("the batch size",)],
        example=("the batch size",),
    ),
    Fault(
        "gradient averaged twice",
        "the gradient is divided by the batch size twice",
        "divide by the number of samples in one place only",
        error_scaled,
        lambda setting, sizes: [("1 / the batch size",)],
        example=("1 / the batch size",),
    ),
    Fault(
        "gradient divided by the number of classes",
        "the gradient is divided by the number of classes too (a mean over all entries of Y)",
        "divide the sum by the number of samples, not by the number of entries",
        error_scaled,
        lambda setting, sizes: [("1 / the number of classes",)],
        example=("1 / the number of classes",),
    ),
    Fault(
        "gradient divided by the nominal batch size",
        "the gradient is divided by the nominal batch size, which is wrong for the ragged last batch",
        "divide by len(x) of the batch at hand",
        error_scaled,
        lambda setting, sizes: [("batch size / nominal batch size",)],
        example=("batch size / nominal batch size",),
    ),
    Fault(
        "gradient divided by the data set's size",
        "the gradient is divided by the size of the whole data set, which is right in full batch only",
        "divide by len(x) of the batch at hand",
        error_scaled,
        lambda setting, sizes: [("batch size / data set size",)],
        example=("batch size / data set size",),
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
        lambda setting, sizes: [
            ("1", True),
            ("2", True),
            ("2 / classes", True),
            ("2", False),
            ("2 / classes", False),
        ],
        example=("2 / classes", True),
    ),
    Fault(
        "softmax derivative applied again",
        "P - Y already holds the softmax's derivative; it is multiplied in again (only its diagonal: {0})",
        "use dZ = (P - Y) / n as it is",
        softmax_derivative_again,
        lambda setting, sizes: [(False,), (True,)],
        example=(True,),
    ),
    Fault(
        "one-hot width taken from the batch",
        "one-hot labels are as wide as the batch's largest label asks, so a batch without the last class fails",
        "give the number of classes when encoding labels",
        width_from_batch,
    ),
)
