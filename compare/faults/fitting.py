"""Numbers of a fault, fitted to what a subject did."""

from collections.abc import Callable

import numpy as np

from compare.faults.fault import Observed
from compare.mathematics.functions import Array
from compare.mathematics.rules import Rules, take_step


def ratio(a: list[Array], b: list[Array]) -> float:
    """The factor between two lists of arrays, by least squares."""
    bottom = sum(float(np.vdot(y, y)) for y in b)
    return sum(float(np.vdot(x, y)) for x, y in zip(a, b, strict=True)) / bottom if bottom else np.nan


def nice(values: list[float]) -> list[float]:
    """Each value as it is and rounded to three digits, which is what people write."""
    finite = [v for v in values if np.isfinite(v) and v]
    return list(dict.fromkeys(x for v in finite for x in (float(f"{v:.3g}"), float(v))))


def excess(run: list[Observed]) -> list[Array]:
    """What the subject's gradient has beyond the candidate's, as its update shows."""
    rate = run[0].step.learning_rate
    return [(b - a) / rate for a, b in zip(run[0].change, run[0].expected, strict=True)]


def affine(apply: Callable[[Rules, float], Rules], run: list[Observed], base: Rules) -> list[float]:
    """Fit the number of a fault whose updates, in focus, depend on it as a + b x: from two values, by least squares."""
    one = run[0]
    given = one.step
    ends = []
    for number in (0.0, 1.0):
        try:
            step = take_step(apply(base, number), given.recipe, given.weights, given.X, given.y, {})
        except ValueError:
            return []
        ends.append(one.focused(new - old for new, old in zip(step.after, given.weights, strict=True)))
    along = [b - a for a, b in zip(*ends, strict=True)]
    beyond = [seen - a for seen, a in zip(one.change, ends[0], strict=True)]
    return nice([ratio(beyond, along)])
