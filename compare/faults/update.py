"""Known deviations of the update rule with a number in them, each with a way to read that number off a run."""

from dataclasses import replace
from enum import StrEnum
from itertools import product

import numpy as np

from compare.faults.fault import Fault, Observed, Parameter, Place
from compare.faults.fitting import flat, nice, ratio
from compare.mathematics.functions import Array
from compare.mathematics.rules import Rules
from compare.mathematics.step import Step


def learning_rate_factor(rules: Rules, factor: float) -> Rules:
    """Every update is off by one factor."""
    return replace(
        rules,
        update=lambda step: rules.update(step.at(step.learning_rate * factor)),
    )


def _fit_factor(run: list[Observed], base: Rules) -> list[Parameter]:
    return [(factor,) for factor in nice([ratio(run[0].change, run[0].expected)]) if factor > 0]


def layer_rate(rules: Rules, place: Place, factor: float) -> Rules:
    """One layer's updates are off by a factor."""

    def update(step: Step) -> list[Array]:
        tensors = zip(step.architecture.weights, step.weights, rules.update(step), strict=True)
        return [W + factor * (new - W) if weight.layer == place else new for weight, W, new in tensors]

    return replace(rules, update=update)


def _fit_layer_rate(run: list[Observed], base: Rules) -> list[Parameter]:
    layers = {run[0].step.architecture.weights[place].layer for place in run[0].focus}
    found = [factor for factor in nice([ratio(run[0].change, run[0].expected)]) if factor > 0]
    return [(layer, factor) for layer in layers for factor in found] if len(layers) == 1 else []


def by_its_norm(rules: Rules, kernels_alone: bool) -> Rules:
    """Each gradient is divided by its own norm."""

    def gradients(step: Step) -> list[Array]:
        tensors = zip(step.architecture.weights, rules.gradients(step), strict=True)
        return [
            g if kernels_alone and weight.role != "kernel" else g / (np.linalg.norm(g) or 1.0) for weight, g in tensors
        ]

    return replace(rules, gradients=gradients)


class Schedule(StrEnum):
    """The factor of the learning rate in step t, with its number c."""

    POWER = "c to the power t"
    INVERSE_TIME = "1 / (1 + c t)"


def learning_rate_schedule(rules: Rules, number: float, form: Schedule) -> Rules:
    """The learning rate changes from step to step, t = 0, 1, ..."""

    def update(step: Step) -> list[Array]:
        t = step.memory.get("step number", 0)
        step.memory["step number"] = t + 1
        factor = number**t if form == Schedule.POWER else 1 / (1 + number * t)
        return rules.update(step.at(step.learning_rate * factor))

    return replace(rules, update=update)


def _fit_schedule(run: list[Observed], base: Rules) -> list[Parameter]:
    """From the second step's factor; the first step has none."""
    if len(run) < 2:
        return []
    factor = ratio(run[1].change, run[1].expected)
    if not 0 < factor < 2:
        return []
    found = [(number, Schedule.POWER) for number in nice([factor])]
    return [*found, *((number, Schedule.INVERSE_TIME) for number in nice([1 / factor - 1]) if number > -0.5)]


def fixed_divisor(rules: Rules, divisor: float) -> Rules:
    """Gradients are divided by one number, whatever the batch."""
    return replace(rules, error=lambda step: rules.error(step) * (step.n / divisor))


def _fit_divisor(run: list[Observed], base: Rules) -> list[Parameter]:
    first = run[0].step
    found = [first.n / ratio for ratio in nice([ratio(run[0].change, run[0].expected)]) if 0 < ratio < 1e6]
    named = (first.n, first.recipe.n_samples, 1)
    return [(float(np.round(d, 9)),) for d in found if not any(abs(d - count) < 1e-6 * count for count in named)]


class Of(StrEnum):
    """Which weights have it."""

    ALL = "all weights"
    KERNELS = "kernels alone"

    def among(self, step: Step, tensors: list[Array]) -> list[Array]:
        """Return those tensors that it is about."""
        weights = zip(step.architecture.weights, tensors, strict=True)
        return [tensor for weight, tensor in weights if self == Of.ALL or weight.role == "kernel"]

    def instead(self, step: Step, plain: list[Array], other: list[Array]) -> list[Array]:
        """Return the other tensors in place of the plain ones, where it is about them."""
        triples = zip(step.architecture.weights, plain, other, strict=True)
        return [b if self == Of.ALL or weight.role == "kernel" else a for weight, a, b in triples]


def _accumulated(rules: Rules, name: str, m: float, gain: float, of: Of) -> Rules:
    """v = m v + gain (plain update); W' = W + v."""

    def update(step: Step) -> list[Array]:
        plain = [new - W for new, W in zip(rules.update(step), step.weights, strict=True)]
        last = step.memory.get(name, [0.0] * len(plain))
        step.memory[name] = [m * v + gain * delta for v, delta in zip(last, plain, strict=True)]
        return [W + v for W, v in zip(step.weights, of.instead(step, plain, step.memory[name]), strict=True)]

    return replace(rules, update=update)


def momentum(rules: Rules, m: float, of: Of = Of.ALL) -> Rules:
    """v = m v + (plain update); W' = W + v."""
    return _accumulated(rules, "velocity", m, 1.0, of)


def _fit_momentum(run: list[Observed], base: Rules) -> list[Parameter]:
    """The second step's excess, in units of the first update; also beside a factor, which another fault may give."""
    if len(run) < 2 or run[1].last_change is None:
        return []
    seen, plain, last = map(flat, (run[1].change, run[1].expected, run[1].focused(run[1].last_change)))
    found = [ratio([seen - plain], [last])]
    if np.isfinite([seen, plain, last]).all():
        found.append(float(np.linalg.lstsq(np.stack([last, plain], axis=1), seen, rcond=None)[0][0]))
    return [(m, of) for of in Of for m in nice(found) if 0 < m < 1]


class By(StrEnum):
    """What is kept within the limit."""

    GLOBAL_NORM = "global norm"
    VALUE = "value"
    NORM = "norm of each tensor"


def moving_average(rules: Rules, m: float, of: Of = Of.ALL) -> Rules:
    """v = m v + (1 - m) (plain update); W' = W + v."""
    return _accumulated(rules, "average", m, 1 - m, of)


def _fit_moving_average(run: list[Observed], base: Rules) -> list[Parameter]:
    """The first step is 1 - m of the plain one."""
    return [(m, of) for of in Of for m in nice([1 - ratio(run[0].change, run[0].expected)]) if 0 < m < 1]


def own_rate(rules: Rules, rate: float) -> Rules:
    """The learning rate is one of its own, whatever was given."""
    return replace(rules, update=lambda step: rules.update(step.at(rate)))


def _fit_own_rate(run: list[Observed], base: Rules) -> list[Parameter]:
    factor = ratio(run[0].change, run[0].expected)
    return [(rate,) for rate in nice([factor * run[0].step.learning_rate]) if rate > 0]


def clipping(rules: Rules, limit: float, by: By, of: Of = Of.ALL) -> Rules:
    """Gradients are scaled so that their common norm, or each tensor's, stays within the limit; or cut by value."""

    def gradients(step: Step) -> list[Array]:
        plain = rules.gradients(step)
        if by == By.VALUE:
            return of.instead(step, plain, [np.clip(g, -limit, limit) for g in plain])
        norms = [float(np.linalg.norm(g)) for g in plain]
        if by == By.GLOBAL_NORM:
            norms = [_norm(of.among(step, plain))] * len(norms)
        clipped = [g * (limit / norm) if norm > limit else g for g, norm in zip(plain, norms, strict=True)]
        return of.instead(step, plain, clipped)

    return replace(rules, gradients=gradients)


def _norm(tensors: list[Array]) -> float:
    return float(np.linalg.norm([np.linalg.norm(tensor) for tensor in tensors]))


def _fit_clipping(run: list[Observed], base: Rules) -> list[Parameter]:
    """The norm, or the largest value, of the gradient that the subject used, where that is below the candidate's."""
    found: list[Parameter] = []
    for one, of in product(run, Of):
        rate = one.step.learning_rate
        used, full = (of.among(one.step, side) for side in ([-c / rate for c in one.every_change], one.step.gradients))
        pairs = [
            (By.GLOBAL_NORM, [_norm(side) for side in (used, full)]),
            (By.VALUE, [max(np.abs(g).max() for g in side) for side in (used, full)]),
            (By.NORM, [max(np.linalg.norm(g) for g in side) for side in (used, full)]),
        ]
        found += [(v, by, of) for by, (a, b) in pairs if a < b * (1 - 1e-9) for v in nice([float(a)])]
    return list(dict.fromkeys(found))


UPDATE_FAULTS: tuple[Fault, ...] = (
    Fault(
        "gradient clipping",
        "gradients of {2} are clipped at {0} by {1}",
        "switch gradient clipping off",
        clipping,
        lambda architecture: [],
        _fit_clipping,
        example=(1.0, By.GLOBAL_NORM, Of.ALL),
        default=True,
        warning="gradients of {2} are clipped at {0} by {1}",
    ),
    Fault(
        "gradient divided by a fixed number",
        "the gradient is divided by {0}, whatever the size of the batch",
        "divide by len(x) of the batch at hand",
        fixed_divisor,
        lambda architecture: [],
        _fit_divisor,
        example=(40.0,),
        linear=True,
    ),
    Fault(
        "learning rate off by a factor",
        "gradients are clean, every update is {0} times what the learning rate asks for",
        "use the learning rate that was given (and apply it once)",
        learning_rate_factor,
        lambda architecture: [],
        _fit_factor,
        example=(10.0,),
        linear=True,
    ),
    Fault(
        "learning rate of one layer off by a factor",
        "the updates of {0:layer} are {1} times what the learning rate asks for",
        "update every layer with the one learning rate",
        layer_rate,
        lambda architecture: [],
        _fit_layer_rate,
        layer=0,
        example=(1, 0.5),
        linear=True,
    ),
    Fault(
        "gradients divided by their norm",
        "each gradient is divided by its own norm (of kernels alone: {0})",
        "leave the gradients as they are",
        by_its_norm,
        lambda architecture: [(True,), (False,)],
        example=(False,),
    ),
    Fault(
        "learning rate ignored",
        "the update uses the learning rate {0}, whatever rate is given",
        "use the learning rate that is given",
        own_rate,
        lambda architecture: [],
        _fit_own_rate,
        example=(0.01,),
        linear=True,
    ),
    Fault(
        "momentum as a moving average",
        "the update of {1} is a moving average of gradients: v = {0} v + (1 - {0}) g",
        "set the momentum to 0; Keras's own momentum is v = m v - rate * g",
        moving_average,
        lambda architecture: [],
        _fit_moving_average,
        example=(0.9, Of.ALL),
        default=True,
        linear=True,
    ),
    Fault(
        "learning rate changes with the step",
        "the learning rate of step t = 0, 1, ... is multiplied by {1}, with c = {0}",
        "keep the learning rate as it was given",
        learning_rate_schedule,
        lambda architecture: [],
        _fit_schedule,
        example=(0.99, Schedule.POWER),
        default=True,
        linear=True,
    ),
    Fault(
        "momentum left on",
        "the update of {1} has momentum {0}",
        "set the momentum to 0",
        momentum,
        lambda architecture: [],
        _fit_momentum,
        example=(0.9, Of.ALL),
        default=True,
        linear=True,
    ),
)
