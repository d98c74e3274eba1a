"""Known bugs that pull on the weights: decay and penalties, in the update and in the loss."""

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from itertools import product

import numpy as np

from compare.faults.fault import Fault, Observed, Parameter
from compare.faults.fitting import affine, nice
from compare.mathematics.functions import Array
from compare.mathematics.rules import Rules
from compare.mathematics.step import Step
from compare.recipe.architecture import Weight


class Per(StrEnum):
    """What an amount goes with."""

    ONE = "as it is"
    BATCH = "divided by the batch size"

    def of(self, step: Step) -> float:
        """Return the factor in this step."""
        return 1 / step.n if self == Per.BATCH else 1.0


def weight_decay(rules: Rules, amount: float, per: Per = Per.ONE) -> Rules:
    """The gradient of each kernel has amount * W added."""
    return _added(rules, lambda step, weight, W: amount * per.of(step) * W if weight.role == "kernel" else None)


def decay_all(rules: Rules, amount: float, per: Per = Per.ONE) -> Rules:
    """Weight decay of biases too."""
    return _added(rules, lambda step, weight, W: amount * per.of(step) * W)


def l1_decay(rules: Rules, amount: float, per: Per = Per.ONE) -> Rules:
    """The gradient of each kernel has amount * sign(W) added."""

    def pull(step: Step, weight: Weight, W: Array) -> Array | None:
        return amount * per.of(step) * np.sign(W) if weight.role == "kernel" else None

    return _added(rules, pull)


def _added(rules: Rules, pull: Callable[[Step, Weight, Array], Array | None]) -> Rules:
    """Each tensor's gradient has its pull added, where it has one."""

    def gradients(step: Step) -> list[Array]:
        tensors = zip(step.architecture.weights, step.weights, rules.gradients(step), strict=True)
        return [g if (more := pull(step, weight, W)) is None else g + more for weight, W, g in tensors]

    return replace(rules, gradients=gradients)


def _amounts(decay: Callable[..., Rules], count: int = 1) -> Callable[[list[Observed], Rules], list[Parameter]]:
    """Fit one amount, or several of like size, and what they go with."""

    def fit(run: list[Observed], base: Rules) -> list[Parameter]:
        found: dict[Parameter, None] = {}
        for per, amounts in product(Per, affine(decay, run, base, count)):
            if min(amounts) > 1e-6 * max(amounts):
                each = (nice([amount / per.of(run[0].step)]) for amount in amounts)
                found |= dict.fromkeys((*numbers, per) for numbers in product(*each))
        return list(found)

    return fit


def l2_penalty(rules: Rules, amount: float, per: Per = Per.ONE) -> Rules:
    """Keras's `L2(amount)`: the loss has amount * sum(W^2) added, the gradient 2 * amount * W."""
    return loss_penalty(weight_decay(rules, 2 * amount, per), amount, 2, per)


def l2_penalty_divided(rules: Rules, amount: float, per: Per, told: Per) -> Rules:
    """An L2 penalty that goes with one thing in the gradient and with another in the reported loss."""
    return loss_penalty(weight_decay(rules, 2 * amount, per), amount, 2, told)


def l1_penalty(rules: Rules, amount: float, per: Per = Per.ONE) -> Rules:
    """Keras's `L1(amount)`: the loss has amount * sum(|W|) added, the gradient amount * sign(W)."""
    return loss_penalty(l1_decay(rules, amount, per), amount, 1, per)


def both_penalties(rules: Rules, l1: float, l2: float, per: Per = Per.ONE) -> Rules:
    """Keras's `L1L2(l1, l2)`."""
    return l2_penalty(l1_penalty(rules, l1, per), l2, per)


def both_decays(rules: Rules, l1: float, l2: float, per: Per = Per.ONE) -> Rules:
    """The gradients of `L1L2(l1, l2)`, without its loss."""
    return weight_decay(l1_decay(rules, l1, per), 2 * l2, per)


def loss_penalty(rules: Rules, amount: float, power: int, per: Per = Per.ONE) -> Rules:
    """A penalty in the reported loss only."""

    def report(step: Step) -> float:
        return rules.report(step) + amount * per.of(step) * _total(step, power)

    return replace(rules, report=report)


def _fit_l2_divided(run: list[Observed], base: Rules) -> list[Parameter]:
    fitted = _amounts(lambda rules, amount: weight_decay(rules, 2 * amount))(run, base)
    return [(amount, per, told) for amount, per in fitted for told in Per if told != per]


def _total(step: Step, power: int) -> float:
    return sum(float((np.abs(W) ** power).sum()) for W in step.only("kernel", step.weights))


def _fit_loss_penalty(run: list[Observed], base: Rules) -> list[Parameter]:
    first = run[0]
    if first.loss is None:
        return []
    totals = {p: _total(first.step, p) for p in (1, 2)}
    return [
        (amount, p, per)
        for p, total in totals.items()
        if total
        for per in Per
        for amount in nice([(first.loss - first.step.loss) / (total * per.of(first.step))])
    ]


PENALTY_FAULTS: tuple[Fault, ...] = (
    Fault(
        "weight decay",
        "every kernel's gradient has {0} * W added, {1}",
        "set the weight decay to 0, or give the Keras layers the same regulariser",
        weight_decay,
        lambda architecture: [],
        _amounts(weight_decay),
        example=(1e-4, Per.ONE),
        default=True,
        linear=True,
    ),
    Fault(
        "weight decay of biases too",
        "every gradient, of biases too, has {0} times the weights added, {1}",
        "set the weight decay to 0",
        decay_all,
        lambda architecture: [],
        _amounts(decay_all),
        example=(1e-3, Per.ONE),
        default=True,
        linear=True,
    ),
    Fault(
        "L1 decay",
        "every kernel's gradient has {0} * sign(W) added, {1}",
        "set the L1 penalty to 0, or give the Keras layers the same regulariser",
        l1_decay,
        lambda architecture: [],
        _amounts(l1_decay),
        example=(1e-4, Per.ONE),
        default=True,
        linear=True,
    ),
    Fault(
        "L2 penalty",
        "an L2 penalty is in loss and gradient: {0} * sum(W^2), {1}",
        "set the penalty to 0, or give the Keras layers the same regulariser, L2({0})",
        l2_penalty,
        lambda architecture: [],
        _amounts(lambda rules, amount: weight_decay(rules, 2 * amount)),
        example=(1e-3, Per.ONE),
        default=True,
        linear=True,
    ),
    Fault(
        "L2 penalty, divided otherwise in the loss",
        "an L2 penalty, {0} * sum(W^2), is in the gradient {1}, and in the reported loss {2}",
        "divide it alike in both, or set it to 0; Keras's L2({0}) divides neither",
        l2_penalty_divided,
        lambda architecture: [],
        _fit_l2_divided,
        example=(1e-3, Per.ONE, Per.BATCH),
        default=True,
        linear=True,
    ),
    Fault(
        "L1 penalty",
        "an L1 penalty is in loss and gradient: {0} * sum(|W|), {1}",
        "set the penalty to 0, or give the Keras layers the same regulariser, L1({0})",
        l1_penalty,
        lambda architecture: [],
        _amounts(l1_decay),
        example=(1e-3, Per.ONE),
        default=True,
        linear=True,
    ),
    Fault(
        "L1 and L2 penalty",
        "L1 and L2 penalties are in loss and gradient: {0} * sum(|W|) + {1} * sum(W^2), {2}",
        "set the penalties to 0, or give the Keras layers the same regulariser, L1L2({0}, {1})",
        both_penalties,
        lambda architecture: [],
        _amounts(both_decays, 2),
        example=(1e-3, 2e-3, Per.ONE),
        default=True,
        linear=True,
    ),
    Fault(
        "L1 and L2 decay",
        "every kernel's gradient has {0} * sign(W) and 2 * {1} * W added, {2}",
        "set both to 0, or give the Keras layers the same regulariser, L1L2({0}, {1})",
        both_decays,
        lambda architecture: [],
        _amounts(both_decays, 2),
        example=(1e-3, 2e-3, Per.ONE),
        default=True,
        linear=True,
    ),
    Fault(
        "penalty in the reported loss only",
        "the reported loss has {0} * sum(|W|^{1}) added, {2}, which the gradients do not show",
        "leave the penalty out of the loss, or put it into the gradients too",
        loss_penalty,
        lambda architecture: [],
        _fit_loss_penalty,
        reporting=True,
        example=(1e-3, 2, Per.ONE),
        default=True,
    ),
)
