"""When two runs agree: gaps, the noise floor, tolerances, the first divergence. Pure functions of arrays."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating]

# What two correct implementations differ by in an ordinary run, with room: measured are 2e-15 (float64) and 2e-6
# (float32, on a loss of 8.4) at most. Faults, and hidden float32 arithmetic in a float64 run, are far above.
BARS = {"float64": 1e-13, "float32": 5e-6}

# A run whose floor comes near the bar is judged by its floor. That is the largest of a few sampled drifts; the run
# itself may drift somewhat further.
NEAR_BAR = 0.5
FLOOR_FACTOR = 10.0


class Difference(NamedTuple):
    """How two series compare.

    Attributes
    ----------
    max_abs : float
        The difference at `step`.
    tolerance : float
        What was allowed there.
    step : int
        Where the difference is largest in units of the tolerance: the index along the first axis.
    first : int or None
        The first index out of tolerance.
    passed : bool
    judged_by : {"bar", "noise floor"}
        Which of the two set the tolerance there.
    """

    max_abs: float
    tolerance: float
    step: int
    first: int | None
    passed: bool
    judged_by: str


def gap(a: ArrayLike, b: ArrayLike) -> Array:
    """Return |a - b|, in float64.

    Two NaN, or two equal infinities, agree; a finite and a non-finite value differ by infinity.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    finite = np.isfinite(a) & np.isfinite(b)
    with np.errstate(invalid="ignore"):
        return np.where(same, 0.0, np.where(finite, np.abs(a - b), np.inf))


def noise_floor(permuted: ArrayLike, base: ArrayLike) -> Array:
    """Return how far a run drifts from itself under rounding alone.

    Parameters
    ----------
    permuted : array of shape (count, ...)
        The same run, rounded differently: the samples inside each batch in other orders, and initial weights one
        unit in the last place apart.
    base : array of shape (...)

    Returns
    -------
    ndarray of shape (...)
        The largest gap over the permuted runs.
    """
    return gap(permuted, np.asarray(base)[np.newaxis]).max(axis=0)


def tolerance(floor: ArrayLike, dtype: str) -> Array:
    """Return the dtype's bar; `FLOOR_FACTOR` times the floor where that lies over `NEAR_BAR` of the bar."""
    floor = np.asarray(floor, np.float64)
    bar = BARS[dtype]
    return np.where(floor > NEAR_BAR * bar, FLOOR_FACTOR * floor, bar)


def loss_tolerance(floor: ArrayLike, dtype: str) -> Array:
    """Return each epoch's tolerance on the loss, from the floor so far: amplified rounding stays in the weights."""
    return tolerance(np.maximum.accumulate(np.asarray(floor, np.float64)), dtype)


def accuracy_tolerance(floor: ArrayLike, loss_floor: ArrayLike, dtype: str, n: int) -> Array:
    """Return each epoch's tolerance on the accuracy: none, unless rounding alone flips predictions in this run.

    Where the loss is judged by its floor, one sample in `n` may always flip.
    """
    flips = np.maximum.accumulate(np.asarray(floor, np.float64))
    amplified = loss_tolerance(loss_floor, dtype) > BARS[dtype]
    return np.where(amplified, np.maximum(flips, 1 / n), flips)


def judge(a: ArrayLike, b: ArrayLike, tolerance: ArrayLike, bar: float) -> Difference:
    """Compare two series, or two tensors, under a tolerance that is a number or an array of their shape.

    `bar` is what the tolerance would be without a noise floor.
    """
    difference = np.atleast_1d(gap(a, b))
    allowed = np.broadcast_to(np.asarray(tolerance, np.float64), difference.shape)
    excess = np.where(difference == 0, 0.0, difference / np.maximum(allowed, np.finfo(np.float64).tiny))
    worst = np.unravel_index(np.argmax(excess), difference.shape)
    out = np.flatnonzero((difference > allowed).reshape(len(difference), -1).any(axis=1))
    return Difference(
        max_abs=float(difference[worst]),
        tolerance=float(allowed[worst]),
        step=int(worst[0]),
        first=int(out[0]) if len(out) else None,
        passed=not len(out),
        judged_by="noise floor" if allowed[worst] > bar else "bar",
    )
