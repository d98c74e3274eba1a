"""Known bugs of the loss: what is reported of it, and the clipping that reaches its gradient."""

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from itertools import pairwise

import numpy as np
import scipy

from compare.faults.counts import Count
from compare.faults.fault import Fault, Observed, Parameter
from compare.faults.fitting import nice
from compare.faults.forward import LOG_OF_ZERO, log_loss
from compare.mathematics.functions import Array
from compare.mathematics.rules import Rules, take_step
from compare.mathematics.step import Step


class InError(StrEnum):
    """What clipped probabilities do to the error."""

    CLIPPED = "clipped"
    ZEROED = "zeroed"  # as automatic differentiation does


def clipped_probabilities(rules: Rules, epsilon: float, in_error: InError) -> Rules:
    """P is clipped to [epsilon, 1 - epsilon]: in the loss, and in the error or, as autograd would, its zeroing."""

    def error(step: Step) -> Array:
        clipped = np.clip(step.P, epsilon, 1 - epsilon)
        if in_error == InError.CLIPPED:
            return rules.error(replace(step, P=clipped))
        own = step.P[np.arange(step.n), step.y]
        return np.where(((own < epsilon) | (own > 1 - epsilon))[:, np.newaxis], 0.0, rules.error(step))

    return replace(rules, error=error, loss=lambda step: log_loss(step, np.clip(step.P, epsilon, 1 - epsilon)))


EPSILONS = (1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16, 1e-6, 1e-5, 1e-4, 1e-3)


class Floor(StrEnum):
    """How a probability is kept from 0 before its logarithm."""

    BOTH = "clipped to [epsilon, 1 - epsilon]"
    BELOW = "raised to epsilon"
    ADDED = "p + epsilon"

    def of(self, P: Array, epsilon: float) -> Array:
        """Return the probabilities that the logarithm sees."""
        if self == Floor.ADDED:
            return P + epsilon
        return np.clip(P, epsilon, 1 - epsilon if self == Floor.BOTH else 1.0)


def loss_floored(rules: Rules, epsilon: float, how: Floor) -> Rules:
    """-log of a probability that is kept from 0, reported only."""
    return replace(rules, loss=lambda step: log_loss(step, how.of(step.P, epsilon)))


def _fit_floor(how: Floor) -> Callable[[list[Observed], Rules], list[Parameter]]:
    def fit(run: list[Observed], base: Rules) -> list[Parameter]:
        """Find the epsilon that gives a step's loss: over most of its range the loss falls as it grows."""
        losses = [one for one in run if one.loss is not None and np.isfinite(one.loss)]
        try:
            roots = [root for one in losses for root in crossings(one, base)]
        except KeyError:  # what is reported is no function of one loss
            return []
        return list(dict.fromkeys((epsilon, how) for epsilon in nice(roots)))

    def crossings(one: Observed, base: Rules) -> list[float]:
        def gap(exponent: float) -> float:
            floored = replace(one.step, loss=log_loss(one.step, how.of(one.step.P, 10.0**exponent)))
            return base.report(floored) - float(one.loss or 0.0)

        pairs = list(pairwise([(exponent, gap(exponent)) for exponent in EXPONENTS]))
        return [
            10.0 ** float(scipy.optimize.brentq(gap, low, high, xtol=1e-13))
            for (low, a), (high, b) in pairs
            if np.isfinite([a, b]).all() and a * b < 0
        ]

    return fit


EXPONENTS = np.linspace(-307.3, -0.7, 60).tolist()  # of epsilons, off the round numbers that people write


class Form(StrEnum):
    """How the logarithm is written."""

    PICKED = "log(P[y])"
    ALL = "Y * log(P)"


def loss_underflows(rules: Rules, form: Form) -> Rules:
    """-log(p) of a probability that may be 0; "Y * log(P)" is NaN where any class's is: 0 times infinity."""

    def loss(step: Step) -> float:
        return log_loss(step, step.P) if form == Form.PICKED else float(-(step.Y * np.log(step.P)).sum(axis=1).mean())

    return replace(rules, loss=loss)


class Reported(StrEnum):
    """Another loss that is reported."""

    BINARY_MEAN = "binary cross-entropy, averaged over all entries"
    BINARY_SUM = "binary cross-entropy, summed over the classes"
    SQUARED_MEAN = "the mean squared error"
    SQUARED_SUM = "the squared error, summed over the classes"
    SQUARED_HALF = "half the squared error, summed over the classes"

    def of(self, step: Step) -> float:
        """Return its value for this step."""
        P, Y = step.P, step.Y
        if self in (Reported.BINARY_MEAN, Reported.BINARY_SUM):
            entries = -(Y * np.log(P) + (1 - Y) * np.log(1 - P))
        else:
            entries = (P - Y) ** 2 * (0.5 if self == Reported.SQUARED_HALF else 1.0)
        mean = self in (Reported.BINARY_MEAN, Reported.SQUARED_MEAN)
        return float(entries.mean() if mean else entries.sum() / step.n)


def another_loss(rules: Rules, which: Reported) -> Rules:
    """Another loss is reported than the one whose gradient is used."""
    return replace(rules, loss=which.of)


def loss_times(rules: Rules, factor: float) -> Rules:
    """The reported loss is multiplied by a constant."""
    return replace(rules, report=lambda step: rules.report(step) * factor)


def _fit_loss_times(run: list[Observed], base: Rules) -> list[Parameter]:
    ratios = [one.loss / one.step.loss for one in run if one.loss is not None and one.step.loss]
    return [(factor,) for factor in nice(ratios[:1])]


def loss_scaled(rules: Rules, by: Count) -> Rules:
    """The reported loss is multiplied or divided by a count."""
    return replace(rules, report=lambda step: rules.report(step) * by.of(step))


def loss_after_update(rules: Rules) -> Rules:
    """The reported loss is measured with the new weights."""

    def report(step: Step) -> float:
        again = take_step(
            replace(rules, report=lambda s: s.loss),
            step.recipe,
            step.after,
            step.X,
            step.y,
            dict(step.memory),
        )
        return rules.report(replace(step, loss=again.loss))

    return replace(rules, report=report)


FROM_LOGITS = "compute the loss from the logits: log(sum(exp(Z - m))) - (Z[y] - m)"

LOSS_FAULTS: tuple[Fault, ...] = (
    Fault(
        "probabilities clipped in the loss gradient",
        "probabilities are clipped at {0} before the gradient is taken ({1}), which shows with saturated logits",
        "compute dZ = P - Y from unclipped probabilities",
        clipped_probabilities,
        lambda architecture: [(e, how) for e in EPSILONS for how in InError],
        example=(1e-7, InError.ZEROED),
        warning="gradients are wrong where a probability comes near {0}",
    ),
    Fault(
        LOG_OF_ZERO,
        "the reported loss is -{0}, which is infinite or NaN where a probability underflows to 0; gradients are right",
        FROM_LOGITS,
        loss_underflows,
        lambda architecture: [(form,) for form in Form],
        reporting=True,
        example=(Form.ALL,),
        warning="the loss overflows when a probability underflows",
    ),
    Fault(
        "loss of floored probabilities",
        "the reported loss raises probabilities below {0} to it; gradients are right",
        FROM_LOGITS,
        loss_floored,
        lambda architecture: [(e, Floor.BELOW) for e in EPSILONS],
        _fit_floor(Floor.BELOW),
        reporting=True,
        example=(1e-20, Floor.BELOW),
        warning="the loss is too small where a probability falls below {0}",
    ),
    Fault(
        "loss of clipped probabilities",
        "the reported loss clips probabilities at {0}, from below and above; gradients are right",
        FROM_LOGITS,
        loss_floored,
        lambda architecture: [(e, Floor.BOTH) for e in EPSILONS],
        _fit_floor(Floor.BOTH),
        reporting=True,
        example=(1e-7, Floor.BOTH),
        warning="the loss is wrong where a probability comes near {0} or 1",
    ),
    Fault(
        "log(p + epsilon)",
        "the reported loss is -log(p + {0}); gradients are right",
        FROM_LOGITS,
        loss_floored,
        lambda architecture: [(e, Floor.ADDED) for e in EPSILONS],
        _fit_floor(Floor.ADDED),
        reporting=True,
        example=(1e-8, Floor.ADDED),
        warning="the loss is too small where a probability comes near {0}",
    ),
    Fault(
        "loss summed, not averaged",
        "the reported loss is the sum over the batch, not the mean",
        "divide the loss by the number of samples in the batch",
        loss_scaled,
        lambda architecture: [(Count.BATCH,)],
        reporting=True,
        example=(Count.BATCH,),
    ),
    Fault(
        "loss divided by the wrong count",
        "the reported loss is multiplied by {0}",
        "divide the summed loss once, by the number of samples in this batch",
        loss_scaled,
        lambda architecture: [
            (Count.PER_BATCH,),
            (Count.PER_CLASS,),
            (Count.SHARE_OF_NOMINAL,),
            (Count.SHARE_OF_DATA,),
        ],
        reporting=True,
        example=(Count.PER_CLASS,),
    ),
    Fault(
        "another loss reported",
        "the reported loss is {0}; the gradients are those of the cross-entropy",
        "report the cross-entropy, whose gradient the step uses",
        another_loss,
        lambda architecture: [(which,) for which in Reported],
        reporting=True,
        example=(Reported.SQUARED_MEAN,),
    ),
    Fault(
        "loss times a constant",
        "the reported loss is {0} times Keras's (1.4427 is a logarithm to base 2, 0.43429 one to base 10)",
        "report the mean of -log(p), with the natural logarithm, over the samples",
        loss_times,
        lambda architecture: [],
        _fit_loss_times,
        reporting=True,
        example=(1.7,),
    ),
    Fault(
        "loss read after the update",
        "the reported loss is measured after the update, so it is the next step's",
        "compute the loss from the forward pass that the gradients use",
        loss_after_update,
        reporting=True,
    ),
)
