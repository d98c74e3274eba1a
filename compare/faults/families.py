"""Known deviations of the update rule with a number in them, each with a way to read that number off a run."""

from dataclasses import replace

import numpy as np

from compare.faults.fault import Fault, Observed, Parameter
from compare.faults.mathematics import Array, Function, Rules, Step, function, leaky, slope_of, take_step


def learning_rate_factor(rules: Rules, factor: float) -> Rules:
    """Every update is off by one factor."""
    return replace(
        rules,
        update=lambda step: rules.update(
            replace(step, setting=replace(step.setting, learning_rate=step.setting.learning_rate * factor))
        ),
    )


def _fit_factor(run: list[Observed], base: Rules) -> list[Parameter]:
    """Least squares over all tensors; and over the biases alone, which penalties leave clean."""
    changes, expected = run[0].change, run[0].expected
    found = [_ratio(changes, expected), _ratio(changes[1::2], expected[1::2])]
    return [(factor,) for factor in _nice(found) if factor > 0]


def _ratio(a: list[Array], b: list[Array]) -> float:
    bottom = sum(float(np.vdot(y, y)) for y in b)
    return sum(float(np.vdot(x, y)) for x, y in zip(a, b, strict=True)) / bottom if bottom else np.nan


def _nice(values: list[float]) -> list[float]:
    """Each value as it is and rounded to three digits, which is what people write."""
    finite = [v for v in values if np.isfinite(v) and v]
    return list(dict.fromkeys(x for v in finite for x in (float(f"{v:.3g}"), float(v))))


SCHEDULES = ("c to the power t", "1 / (1 + c t)")


def learning_rate_schedule(rules: Rules, number: float, form: str) -> Rules:
    """The learning rate changes from step to step, t = 0, 1, ..."""

    def update(step: Step) -> list[Array]:
        t = step.memory.get("step number", 0)
        step.memory["step number"] = t + 1
        factor = number**t if form == SCHEDULES[0] else 1 / (1 + number * t)
        rate = step.setting.learning_rate * factor
        return rules.update(replace(step, setting=replace(step.setting, learning_rate=rate)))

    return replace(rules, update=update)


def _fit_schedule(run: list[Observed], base: Rules) -> list[Parameter]:
    """From the second step's factor; the first step has none."""
    if len(run) < 2:
        return []
    factor = _ratio(run[1].change, run[1].expected)
    if not 0 < factor < 2:
        return []
    found = [(number, SCHEDULES[0]) for number in _nice([factor])]
    return [*found, *((number, SCHEDULES[1]) for number in _nice([1 / factor - 1]) if number > -0.5)]


def fixed_divisor(rules: Rules, divisor: float) -> Rules:
    """Gradients are divided by one number, whatever the batch."""
    return replace(rules, error=lambda step: rules.error(step) * (step.n / divisor))


def _fit_divisor(run: list[Observed], base: Rules) -> list[Parameter]:
    first = run[0].step
    found = [first.n / ratio for ratio in _nice([_ratio(run[0].change, run[0].expected)]) if 0 < ratio < 1e6]
    named = (first.n, first.setting.n_samples, 1)
    return [(float(np.round(d, 9)),) for d in found if not any(abs(d - count) < 1e-6 * count for count in named)]


def momentum(rules: Rules, m: float) -> Rules:
    """V = m v + (plain update); W' = W + v."""

    def update(step: Step) -> list[Array]:
        plain = [new - W for new, W in zip(rules.update(step), step.weights, strict=True)]
        last = step.memory.get("velocity", [0.0] * len(plain))
        velocity = [m * v + delta for v, delta in zip(last, plain, strict=True)]
        step.memory["velocity"] = velocity
        return [W + v for W, v in zip(step.weights, velocity, strict=True)]

    return replace(rules, update=update)


def _fit_momentum(run: list[Observed], base: Rules) -> list[Parameter]:
    """The second step's excess, in units of the first update."""
    if len(run) < 2 or run[1].last_change is None:
        return []
    excess = [a - b for a, b in zip(run[1].change, run[1].expected, strict=True)]
    return [(m,) for m in _nice([_ratio(excess, run[1].last_change)]) if 0 < m < 1]


def weight_decay(rules: Rules, amount: float) -> Rules:
    """The gradient of each kernel has amount * W added."""
    return replace(
        rules,
        gradients=lambda step: [
            g if index % 2 else g + amount * W
            for index, (g, W) in enumerate(zip(rules.gradients(step), step.weights, strict=True))
        ],
    )


def decay_all(rules: Rules, amount: float) -> Rules:
    """Weight decay of biases too."""
    return replace(
        rules,
        gradients=lambda step: [g + amount * W for g, W in zip(rules.gradients(step), step.weights, strict=True)],
    )


def l1_decay(rules: Rules, amount: float) -> Rules:
    """The gradient of each kernel has amount * sign(W) added."""
    return replace(
        rules,
        gradients=lambda step: [
            g if index % 2 else g + amount * np.sign(W)
            for index, (g, W) in enumerate(zip(rules.gradients(step), step.weights, strict=True))
        ],
    )


def _excess(run: list[Observed]) -> list[Array]:
    """What the subject's gradient has beyond the candidate's, as its update shows."""
    rate = run[0].step.setting.learning_rate
    return [(b - a) / rate for a, b in zip(run[0].change, run[0].expected, strict=True)]


def _fit_decay(run: list[Observed], base: Rules) -> list[Parameter]:
    return _amounts(_excess(run)[::2], run[0].step.weights[::2])


def _fit_l1(run: list[Observed], base: Rules) -> list[Parameter]:
    return _amounts(_excess(run)[::2], [np.sign(W) for W in run[0].step.weights[::2]])


def _amounts(excess: list[Array], terms: list[Array]) -> list[Parameter]:
    """Least squares over all kernels; and the middle kernel's own, which another bug in one layer leaves clean."""
    single = sorted(_ratio([a], [b]) for a, b in zip(excess, terms, strict=True))
    found = [_ratio(excess, terms), single[len(single) // 2]]
    return [(amount,) for amount in _nice(found) if amount > 0]


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
        total = sum(float((np.abs(W) ** power).sum()) for W in step.weights[::2])
        return rules.report(step) + amount * total

    return replace(rules, report=report)


def _fit_loss_penalty(run: list[Observed], base: Rules) -> list[Parameter]:
    first = run[0]
    if first.loss is None:
        return []
    totals = {p: sum(float((np.abs(W) ** p).sum()) for W in first.step.weights[::2]) for p in (1, 2)}
    return [
        (amount, p)
        for p, total in totals.items()
        if total
        for amount in _nice([(first.loss - first.step.loss) / total])
        if amount > 0
    ]


def clipping(rules: Rules, limit: float, by: str) -> Rules:
    """Gradients are scaled so that their common norm, or each tensor's, stays within the limit; or cut by value."""

    def gradients(step: Step) -> list[Array]:
        plain = rules.gradients(step)
        if by == "value":
            return [np.clip(g, -limit, limit) for g in plain]
        norms = [float(np.linalg.norm(g)) for g in plain]
        if by == "global norm":
            norms = [float(np.linalg.norm(norms))] * len(norms)
        return [g * (limit / norm) if norm > limit else g for g, norm in zip(plain, norms, strict=True)]

    return replace(rules, gradients=gradients)


def _fit_clipping(run: list[Observed], base: Rules) -> list[Parameter]:
    """The norm, or the largest value, of the gradient that the subject used, where that is below the candidate's."""
    found: list[Parameter] = []
    for one in run:
        rate = one.step.setting.learning_rate
        used, full = [-c / rate for c in one.change], one.step.gradients
        pairs = [
            ("global norm", [np.linalg.norm([np.linalg.norm(g) for g in side]) for side in (used, full)]),
            ("value", [max(np.abs(g).max() for g in side) for side in (used, full)]),
            ("norm of each tensor", [max(np.linalg.norm(g) for g in side) for side in (used, full)]),
        ]
        found += [(v, by) for by, (a, b) in pairs if a < b * (1 - 1e-9) for v in _nice([float(a)])]
    return list(dict.fromkeys(found))


def leaky_slope(rules: Rules, slope: float) -> Rules:
    """ReLU layers, or leaky ones, have this slope below zero."""

    def own(step: Step, layer: int) -> Function:
        name = step.setting.activations[layer]
        return leaky(slope) if name == "relu" or slope_of(name) is not None else function(name)

    return replace(rules, function=own)


def _fit_slope(run: list[Observed], base: Rules) -> list[Parameter]:
    """Find the slopes that give the first step's loss: its crossings on a grid, refined."""
    from scipy.optimize import brentq

    first = run[0]
    if first.loss is None or not np.isfinite(first.loss):
        return []
    step, loss = first.step, first.loss
    if not any(name == "relu" or slope_of(name) is not None for name in step.setting.activations):
        return []

    def gap(slope: float) -> float:
        return take_step(leaky_slope(base, slope), step.setting, step.weights, step.X, step.y, {}).loss - loss

    grid = np.linspace(-0.017, 0.513, 12)  # off the values that people write, so that each shows as a crossing
    gaps = [gap(slope) for slope in grid]
    roots = [
        float(brentq(gap, low, high, xtol=1e-15, rtol=1e-14))
        for low, high, a, b in zip(grid, grid[1:], gaps, gaps[1:], strict=False)
        if np.isfinite([a, b]).all() and a * b < 0
    ]
    return [(slope,) for slope in _nice(roots)]


FAMILY_FAULTS: tuple[Fault, ...] = (
    Fault(
        "leaky slope",
        "ReLU layers have slope {0} below zero",
        "use the intended slope; if {0} is intended, say so: activations=('leaky_relu({0})', ...)",
        leaky_slope,
        lambda setting, sizes: [],
        _fit_slope,
        example=(0.05,),
    ),
    Fault(
        "weight decay",
        "every kernel's gradient has {0} * W added",
        "set the weight decay to 0, or give the Keras layers the same regulariser",
        weight_decay,
        lambda setting, sizes: [],
        _fit_decay,
        example=(1e-4,),
        default=True,
    ),
    Fault(
        "weight decay of biases too",
        "every gradient, of biases too, has {0} times the weights added",
        "set the weight decay to 0",
        decay_all,
        lambda setting, sizes: [],
        _fit_decay,
        example=(1e-3,),
        default=True,
    ),
    Fault(
        "L1 decay",
        "every kernel's gradient has {0} * sign(W) added",
        "set the L1 penalty to 0, or give the Keras layers the same regulariser",
        l1_decay,
        lambda setting, sizes: [],
        _fit_l1,
        example=(1e-4,),
        default=True,
    ),
    Fault(
        "L2 penalty",
        "an L2 penalty is in loss and gradient: {0} * sum(W^2)",
        "set the penalty to 0, or give the Keras layers the same regulariser, L2({0})",
        l2_penalty,
        lambda setting, sizes: [],
        lambda run, base: [(amount / 2,) for (amount,) in _fit_decay(run, base)],
        example=(1e-3,),
        default=True,
    ),
    Fault(
        "L1 penalty",
        "an L1 penalty is in loss and gradient: {0} * sum(|W|)",
        "set the penalty to 0, or give the Keras layers the same regulariser, L1({0})",
        l1_penalty,
        lambda setting, sizes: [],
        _fit_l1,
        example=(1e-3,),
        default=True,
    ),
    Fault(
        "penalty in the reported loss only",
        "the reported loss has {0} * sum(|W|^{1}) added, the gradients do not",
        "leave the penalty out of the loss, or put it into the gradients too",
        loss_penalty,
        lambda setting, sizes: [],
        _fit_loss_penalty,
        reporting=True,
        example=(1e-3, 2),
        default=True,
    ),
    Fault(
        "gradient clipping",
        "gradients are clipped at {0} by {1}",
        "switch gradient clipping off",
        clipping,
        lambda setting, sizes: [],
        _fit_clipping,
        example=(1.0, "global norm"),
        default=True,
    ),
    Fault(
        "gradient divided by a fixed number",
        "the gradient is divided by {0}, whatever the size of the batch",
        "divide by len(x) of the batch at hand",
        fixed_divisor,
        lambda setting, sizes: [],
        _fit_divisor,
        example=(40.0,),
    ),
    Fault(
        "learning rate off by a factor",
        "gradients are clean, every update is {0} times what the learning rate asks for",
        "use the learning rate that was given (and apply it once)",
        learning_rate_factor,
        lambda setting, sizes: [],
        _fit_factor,
        example=(10.0,),
    ),
    Fault(
        "learning rate changes with the step",
        "the learning rate of step t = 0, 1, ... is multiplied by {1}, with c = {0}",
        "keep the learning rate as it was given",
        learning_rate_schedule,
        lambda setting, sizes: [],
        _fit_schedule,
        example=(0.99, SCHEDULES[0]),
        default=True,
    ),
    Fault(
        "momentum left on",
        "the update has momentum {0}",
        "set the momentum to 0",
        momentum,
        lambda setting, sizes: [],
        _fit_momentum,
        example=(0.9,),
        default=True,
    ),
)
