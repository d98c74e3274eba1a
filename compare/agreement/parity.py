"""When two runs agree: gaps, the noise floor, tolerances, the first divergence. Pure functions of arrays."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating]

# What two correct implementations differ by in an ordinary run, with room, for values of about 1: measured are 2e-15
# (float64) and 2e-6 (float32, on a loss of 8.4) at most. It grows with the values, as rounding does. Faults, and hidden
# float32 arithmetic in a float64 run, are far above.
BARS = {"float64": 1e-13, "float32": 5e-6}

# The floor is the largest of a few sampled drifts; the run itself may drift somewhat further.
FLOOR_FACTOR = 10.0

# What part of a value may be tolerated: where more is, rounding alone moves the run too far to tell.
LOOSEST = 1e-3


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


def bar(size: ArrayLike, dtype: str) -> Array:
    """Return what rounding may do to values of this size in an ordinary run; to small ones as to 1."""
    return BARS[dtype] * np.maximum(1.0, np.abs(np.asarray(size, np.float64)))


def loss_bar(loss: ArrayLike, dtype: str) -> Array:
    """Return the bar of each epoch's loss, from the largest so far."""
    return bar(np.maximum.accumulate(np.asarray(loss, np.float64)), dtype)


def tolerance(floor: ArrayLike, size: ArrayLike, dtype: str) -> Array:
    """Return the bar, or `FLOOR_FACTOR` times the noise floor where that is more."""
    return np.maximum(bar(size, dtype), FLOOR_FACTOR * np.asarray(floor, np.float64))


def loss_tolerance(floor: ArrayLike, loss: ArrayLike, dtype: str) -> Array:
    """Return each epoch's tolerance on the loss, from floor and loss so far: amplified rounding stays."""
    drift, size = (np.maximum.accumulate(np.asarray(each, np.float64)) for each in (floor, loss))
    return tolerance(drift, size, dtype)


def accuracy_tolerance(floor: ArrayLike, of_loss: ArrayLike, loss: ArrayLike, dtype: str, n: int) -> Array:
    """Return each epoch's tolerance on the accuracy, in samples: none, unless rounding alone flips predictions.

    As the floor of other values, the flips that were sampled count `FLOOR_FACTOR` times. Where `of_loss`, the tolerance
    on the loss, comes from its floor, one sample of `n` may always flip.
    """
    flips = FLOOR_FACTOR * np.maximum.accumulate(samples(floor, n))
    return np.where(np.asarray(of_loss) > loss_bar(loss, dtype), np.maximum(flips, 1), flips)


def samples(accuracy: ArrayLike, n: int) -> Array:
    """Return how many of `n` samples an accuracy, or a difference of two, stands for."""
    return np.rint(np.asarray(accuracy, np.float64) * n)


def tight(tolerance: ArrayLike, size: ArrayLike) -> NDArray[np.bool_]:
    """Return whether what is tolerated of values of this size tells anything."""
    with np.errstate(invalid="ignore"):
        return np.asarray(tolerance) <= LOOSEST * np.maximum(1.0, np.abs(size))


def decided(of_loss: ArrayLike, loss: ArrayLike) -> int:
    """Return how many epochs tell anything: up to the first loss that is not finite, or tolerated to be loosely so."""
    loss = np.asarray(loss, np.float64)
    ends = np.flatnonzero(~(tight(of_loss, loss) & np.isfinite(loss)))
    return int(ends[0]) if len(ends) else len(loss)


def judge(a: ArrayLike, b: ArrayLike, tolerance: ArrayLike, bar: ArrayLike) -> Difference:
    """Compare two series, or two tensors, under a tolerance that is a number or an array of their shape.

    `bar` is what the tolerance would be without a noise floor, of the same shape.
    """
    difference = np.atleast_1d(gap(a, b))
    allowed = np.broadcast_to(np.asarray(tolerance, np.float64), difference.shape)
    with np.errstate(over="ignore"):
        excess = np.where(difference == 0, 0.0, difference / np.maximum(allowed, np.finfo(np.float64).tiny))
    worst = np.unravel_index(np.argmax(excess), difference.shape)
    out = np.flatnonzero((difference > allowed).reshape(len(difference), -1).any(axis=1))
    return Difference(
        max_abs=float(difference[worst]),
        tolerance=float(allowed[worst]),
        step=int(worst[0]),
        first=int(out[0]) if len(out) else None,
        passed=not len(out),
        judged_by="noise floor" if allowed[worst] > np.broadcast_to(bar, difference.shape)[worst] else "bar",
    )
