"""When two series agree within a tolerance: the largest gap, the one that decides, where it is first out."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating]


class Difference(NamedTuple):
    """How two series compare.

    Attributes
    ----------
    largest : float
        The largest difference of all.
    nearest : float
        The one that is largest in units of its own tolerance, which may be another: what decides.
    tolerance : float
        What was allowed of that one.
    step : int
        Where that one is: the index along the first axis.
    first : int or None
        The first index out of tolerance.
    passed : bool
    judged_by : {"bar", "noise floor"}
        Which of the two set the tolerance there.
    """

    largest: float
    nearest: float
    tolerance: float
    step: int
    first: int | None
    passed: bool
    judged_by: str


def gap(a: ArrayLike, b: ArrayLike) -> Array:
    """Return |a - b|, in float64.

    Two NaN, or two equal infinities, agree; a finite and a non-finite value differ by infinity, as do two that are
    further apart than the largest number.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    finite = np.isfinite(a) & np.isfinite(b)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.where(same, 0.0, np.where(finite, np.abs(a - b), np.inf))


def samples(accuracy: ArrayLike, n: int) -> Array:
    """Return how many of `n` samples an accuracy, or a difference of two, stands for."""
    return np.rint(np.asarray(accuracy, np.float64) * n)


def excess(difference: ArrayLike, tolerance: ArrayLike) -> Array:
    """Return differences in units of what is tolerated of each; none is none, whatever is tolerated."""
    difference, least = np.asarray(difference, np.float64), np.finfo(np.float64).tiny
    with np.errstate(over="ignore"):
        return np.where(difference == 0, 0.0, difference / np.maximum(tolerance, least))


def judge(a: ArrayLike, b: ArrayLike, tolerance: ArrayLike, bar: ArrayLike) -> Difference:
    """Compare two series, or two tensors, under a tolerance that is a number or an array of their shape.

    `bar` is the least that is tolerated, of the same shape.
    """
    difference = np.atleast_1d(gap(a, b))
    allowed = np.broadcast_to(np.asarray(tolerance, np.float64), difference.shape)
    worst = np.unravel_index(np.argmax(excess(difference, allowed)), difference.shape)
    out = np.flatnonzero((difference > allowed).reshape(len(difference), -1).any(axis=1))
    return Difference(
        largest=float(difference.max()),
        nearest=float(difference[worst]),
        tolerance=float(allowed[worst]),
        step=int(worst[0]),
        first=int(out[0]) if len(out) else None,
        passed=not len(out),
        judged_by="noise floor" if allowed[worst] > np.broadcast_to(bar, difference.shape)[worst] else "bar",
    )
