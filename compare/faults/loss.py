"""Known bugs of the loss: what is reported of it, and the clipping that reaches its gradient."""

from dataclasses import replace
from enum import StrEnum

import numpy as np

from compare.faults.counts import Count
from compare.faults.fault import Fault
from compare.faults.forward import log_loss
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


def loss_clipped(rules: Rules, epsilon: float) -> Rules:
    """-log(clip(p, epsilon, 1 - epsilon)), reported only."""
    return replace(rules, loss=lambda step: log_loss(step, np.clip(step.P, epsilon, 1 - epsilon)))


def loss_epsilon(rules: Rules, epsilon: float) -> Rules:
    """-log(p + epsilon), reported only."""
    return replace(rules, loss=lambda step: log_loss(step, step.P + epsilon))


class Form(StrEnum):
    """How the logarithm is written."""

    PICKED = "log(P[y])"
    ALL = "Y * log(P)"


def loss_underflows(rules: Rules, form: Form) -> Rules:
    """-log(p) of a probability that may be 0; "Y * log(P)" is NaN where any class's is: 0 times infinity."""

    def loss(step: Step) -> float:
        return log_loss(step, step.P) if form == Form.PICKED else float(-(step.Y * np.log(step.P)).sum(axis=1).mean())

    return replace(rules, loss=loss)


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
    ),
    Fault(
        "loss of clipped probabilities",
        "the reported loss clips probabilities at {0}; gradients are right",
        FROM_LOGITS,
        loss_clipped,
        lambda architecture: [(e,) for e in EPSILONS],
        reporting=True,
        example=(1e-7,),
    ),
    Fault(
        "log(p + epsilon)",
        "the reported loss is -log(p + {0}); gradients are right",
        FROM_LOGITS,
        loss_epsilon,
        lambda architecture: [(e,) for e in EPSILONS],
        reporting=True,
        example=(1e-8,),
    ),
    Fault(
        "log of a probability that underflows",
        "the reported loss is -{0}, which is infinite or NaN where a probability underflows to 0; gradients are right",
        FROM_LOGITS,
        loss_underflows,
        lambda architecture: [(form,) for form in Form],
        reporting=True,
        example=(Form.ALL,),
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
        "loss read after the update",
        "the reported loss is measured after the update, so it is the next step's",
        "compute the loss from the forward pass that the gradients use",
        loss_after_update,
        reporting=True,
    ),
)
