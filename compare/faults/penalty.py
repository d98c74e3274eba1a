"""Known bugs that pull on the weights: decay and penalties, in the update and in the loss."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from compare.faults.fault import Fault, Observed, Parameter
from compare.faults.fitting import excess, nice, ratio
from compare.mathematics.functions import Array
from compare.mathematics.rules import Rules
from compare.mathematics.step import Step
from compare.recipe.architecture import Weight


def weight_decay(rules: Rules, amount: float) -> Rules:
    """The gradient of each kernel has amount * W added."""
    return _added(rules, lambda weight, W: amount * W if weight.role == "kernel" else None)


def decay_all(rules: Rules, amount: float) -> Rules:
    """Weight decay of biases too."""
    return _added(rules, lambda weight, W: amount * W)


def l1_decay(rules: Rules, amount: float) -> Rules:
    """The gradient of each kernel has amount * sign(W) added."""
    return _added(rules, lambda weight, W: amount * np.sign(W) if weight.role == "kernel" else None)


def _added(rules: Rules, pull: Callable[[Weight, Array], Array | None]) -> Rules:
    """Each tensor's gradient has its pull added, where it has one."""

    def gradients(step: Step) -> list[Array]:
        tensors = zip(step.architecture.weights, step.weights, rules.gradients(step), strict=True)
        return [g if (more := pull(weight, W)) is None else g + more for weight, W, g in tensors]

    return replace(rules, gradients=gradients)


def _fit_decay(run: list[Observed], base: Rules) -> list[Parameter]:
    return _amounts(*_kernels(run))


def _fit_l1(run: list[Observed], base: Rules) -> list[Parameter]:
    beyond, kernels = _kernels(run)
    return _amounts(beyond, [np.sign(W) for W in kernels])


def _kernels(run: list[Observed]) -> tuple[list[Array], list[Array]]:
    """Each kernel's gradient beyond the candidate's, and the kernels."""
    step = run[0].step
    return step.only("kernel", excess(run)), step.only("kernel", step.weights)


def _amounts(excess: list[Array], terms: list[Array]) -> list[Parameter]:
    """Least squares over all kernels; and the middle kernel's own, which another bug in one layer leaves clean."""
    single = sorted(ratio([a], [b]) for a, b in zip(excess, terms, strict=True))
    found = [ratio(excess, terms), single[len(single) // 2]]
    return [(amount,) for amount in nice(found) if amount > 0]


def l2_penalty(rules: Rules, amount: float) -> Rules:
    """Keras's `L2(amount)`: the loss has amount * sum(W^2) added, the gradient 2 * amount * W."""
    return _penalty_in_loss(weight_decay(rules, 2 * amount), amount, 2)


def l1_penalty(rules: Rules, amount: float) -> Rules:
    """Keras's `L1(amount)`: the loss has amount * sum(|W|) added, the gradient amount * sign(W)."""
    return _penalty_in_loss(l1_decay(rules, amount), amount, 1)


def loss_penalty(rules: Rules, amount: float, power: int) -> Rules:
    """A penalty in the reported loss only."""
    return _penalty_in_loss(rules, amount, power)


def _penalty_in_loss(rules: Rules, amount: float, power: int) -> Rules:
    def report(step: Step) -> float:
        return rules.report(step) + amount * _total(step, power)

    return replace(rules, report=report)


def _total(step: Step, power: int) -> float:
    return sum(float((np.abs(W) ** power).sum()) for W in step.only("kernel", step.weights))


def _fit_loss_penalty(run: list[Observed], base: Rules) -> list[Parameter]:
    first = run[0]
    if first.loss is None:
        return []
    totals = {p: _total(first.step, p) for p in (1, 2)}
    return [
        (amount, p)
        for p, total in totals.items()
        if total
        for amount in nice([(first.loss - first.step.loss) / total])
        if amount > 0
    ]


PENALTY_FAULTS: tuple[Fault, ...] = (
    Fault(
        "weight decay",
        "every kernel's gradient has {0} * W added",
        "set the weight decay to 0, or give the Keras layers the same regulariser",
        weight_decay,
        lambda architecture: [],
        _fit_decay,
        example=(1e-4,),
        default=True,
    ),
    Fault(
        "weight decay of biases too",
        "every gradient, of biases too, has {0} times the weights added",
        "set the weight decay to 0",
        decay_all,
        lambda architecture: [],
        _fit_decay,
        example=(1e-3,),
        default=True,
    ),
    Fault(
        "L1 decay",
        "every kernel's gradient has {0} * sign(W) added",
        "set the L1 penalty to 0, or give the Keras layers the same regulariser",
        l1_decay,
        lambda architecture: [],
        _fit_l1,
        example=(1e-4,),
        default=True,
    ),
    Fault(
        "L2 penalty",
        "an L2 penalty is in loss and gradient: {0} * sum(W^2)",
        "set the penalty to 0, or give the Keras layers the same regulariser, L2({0})",
        l2_penalty,
        lambda architecture: [],
        lambda run, base: [(amount / 2,) for (amount,) in _fit_decay(run, base)],
        example=(1e-3,),
        default=True,
    ),
    Fault(
        "L1 penalty",
        "an L1 penalty is in loss and gradient: {0} * sum(|W|)",
        "set the penalty to 0, or give the Keras layers the same regulariser, L1({0})",
        l1_penalty,
        lambda architecture: [],
        _fit_l1,
        example=(1e-3,),
        default=True,
    ),
    Fault(
        "penalty in the reported loss only",
        "the reported loss has {0} * sum(|W|^{1}) added, the gradients do not",
        "leave the penalty out of the loss, or put it into the gradients too",
        loss_penalty,
        lambda architecture: [],
        _fit_loss_penalty,
        reporting=True,
        example=(1e-3, 2),
        default=True,
    ),
)
