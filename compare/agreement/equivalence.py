"""Are two sets of runs equivalent? Pure functions from arrays to verdicts, on SciPy.

A test that finds no difference proves nothing: it may have had too few runs. So each outcome of training is
put to two one-sided tests, whose null hypothesis is that the sides *differ* by at least a margin, and a
verdict has three values: "equivalent" (the difference is smaller than the margin), "different" (there is one)
and "inconclusive" (too few replicates to tell), with the number of replicates that would tell.
"""

import bisect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from compare.agreement.curves import check_alpha, trajectories
from compare.errors import InputError

Floats = NDArray[np.float64]
Conclusion = Literal["equivalent", "different", "inconclusive"]

# The default margin of equivalence, in standard deviations of the reference.
MARGIN_IN_SDS = 0.25
# The share of the runs that come down to the threshold whose epoch is compared.
REACHED = 0.9


@dataclass(frozen=True)
class Equivalence:
    """What a set of runs says about one outcome; differences are scratch less Keras, in the outcome's unit.

    `low` to `high` is the (1 - 2 alpha) confidence interval of the difference of means. `excluded` counts the
    non-finite values of each side. `power` is the probability of "equivalent" at these numbers of replicates
    and this margin if the true difference is 0; `replicates_80` and `replicates_90` are the replicates a side
    that give a power of 0.8 and 0.9, None where no number does (a margin of 0).
    """

    verdict: Conclusion
    difference: float
    low: float
    high: float
    margin: float
    p_equivalent: float
    p_different: float
    power: float
    replicates_80: int | None
    replicates_90: int | None
    excluded: tuple[int, int]
    alpha: float


def default_threshold(*losses: ArrayLike) -> float:
    """Return a loss that most runs reach: half of the median of the first epoch, or more if fewer than `REACHED` do.

    Of all sides' finite replicates, pooled. What few runs reach would say little but which ones do.
    """
    every = [trajectories("loss", loss) for loss in losses]
    finite = [loss[np.isfinite(loss).all(axis=1)] for loss in every]
    if not sum(map(len, finite)):
        return 0.0
    lowest = np.concatenate([loss.min(axis=1) for loss in finite])
    half = float(np.median(np.concatenate([loss[:, 0] for loss in finite]))) / 2
    return max(half, float(np.quantile(lowest, REACHED, method="higher")))


def summaries(loss: ArrayLike, accuracy: ArrayLike, threshold: float | None = None) -> dict[str, Floats]:
    """Reduce every replicate's trajectory to the outcomes that are compared.

    Parameters
    ----------
    loss, accuracy : array_like of shape (replicates, epochs)
        As Keras's `fit` reports them.
    threshold : float, optional
        The loss to be reached; by default `default_threshold(loss)`. Comparing sides needs one for both.

    Returns
    -------
    dict of ndarray of shape (replicates,)
        `final_loss`; `final_accuracy`, unless every accuracy is NaN, so that there is none;
        `loss_area`, the area under the loss curve by the trapezoidal rule,
        divided by its epochs - 1 intervals, so in units of loss; `epochs_to_threshold`, the first epoch
        (from 0) whose loss is at most `threshold`, or the number of epochs if there is none (censored: its
        mean is the mean time restricted to the run, the same restriction on both sides).
        A replicate that diverged, that is, with any non-finite loss, is NaN in all of them.

    Raises
    ------
    InputError
        If the shapes are wrong or differ, or `threshold` is not finite.
    """
    losses, accuracies = trajectories("loss", loss), trajectories("accuracy", accuracy)
    if losses.shape != accuracies.shape:
        raise InputError(
            f"`loss` and `accuracy` must have the same shape. Received: {losses.shape} and {accuracies.shape}"
        )
    threshold = default_threshold(losses) if threshold is None else threshold
    if not math.isfinite(threshold):
        raise InputError(f"`threshold` must be a finite loss. Received: {threshold}")
    finite = np.all(np.isfinite(losses), axis=1)
    losses = np.where(finite[:, None], losses, np.nan)
    epochs = losses.shape[1]
    reached = losses <= threshold
    first = np.where(reached.any(axis=1), reached.argmax(axis=1), epochs)
    accuracy_at_last = {"final_accuracy": np.where(finite, accuracies[:, -1], np.nan)}
    return {
        "final_loss": losses[:, -1],
        **({} if np.isnan(accuracies).all() else accuracy_at_last),
        "loss_area": np.trapezoid(losses, axis=1) / (epochs - 1) if epochs > 1 else losses[:, 0],
        "epochs_to_threshold": np.where(finite, first, np.nan),
    }


def equivalence(
    scratch: ArrayLike, keras: ArrayLike, *, margin: float | None = None, alpha: float = 0.05
) -> Equivalence:
    """Test whether the means of one outcome differ by less than a margin: two one-sided Welch tests (TOST).

    "equivalent" if both tests reject at alpha, even if the difference is significant: it is then real, and
    smaller than what matters. Otherwise "different" if Welch's two-sided test rejects at alpha. Otherwise
    "inconclusive", as with fewer than two finite values on a side. So two alike procedures are called
    different with probability at most alpha, and two that differ by the margin or more equivalent with
    probability at most alpha.

    Parameters
    ----------
    scratch, keras : array_like of shape (replicates,)
        One value a replicate; the numbers may differ. Non-finite values are excluded, and counted.
    margin : float, optional
        In the outcome's unit. By default 0.25 standard deviations of the reference, Keras: not of both sides
        pooled, or a subject could widen its own margin by being noisy. A reference that does not vary then
        has a margin of 0 and nothing but the same constant is equivalent to it: give the margin.
    alpha : float
        Level of each test.

    Raises
    ------
    InputError
        If a shape is wrong, alpha is not in (0, 0.5), or the margin is not positive and finite.

    Notes
    -----
    Schuirmann (1987), with Welch's standard error and degrees of freedom. The default margin is itself an
    estimate; the two tests count its sampling error in, by the influence function of a standard deviation,
    ((y - mean)^2 - var) / (2 sd) (delta method; never to a smaller error than without), or heavy tails would
    be called equivalent too often. Hence `low` to `high` may lie just inside the margin and the verdict still
    be "inconclusive". The power is the closed form P(T < margin / se - t) of both sides less 1. Without
    variance on either side the difference is known: equal constants are equivalent, others are different
    unless they differ by less than the margin.
    """
    check_alpha(alpha)
    if margin is not None and not (math.isfinite(margin) and margin > 0):
        raise InputError(f"`margin` must be a positive number in the outcome's unit. Received: {margin}")
    (x, x_out), (y, y_out) = _finite("scratch", scratch), _finite("keras", keras)
    excluded = (x_out, y_out)
    if min(x.size, y.size) < 2:
        difference = float(x.mean() - y.mean()) if min(x.size, y.size) else math.nan
        known = math.nan if margin is None else margin
        return Equivalence(
            "inconclusive", difference, -math.inf, math.inf, known, 1.0, 1.0, 0.0, None, None, excluded, alpha
        )
    [tests] = _of_each_row(x[np.newaxis], y[np.newaxis], margin, alpha)
    verdict: Conclusion = "inconclusive"
    if tests.p_equivalent <= alpha:
        verdict = "equivalent"
    elif tests.p_different <= alpha:
        verdict = "different"
    return Equivalence(
        verdict,
        tests.difference * tests.scale,
        (tests.difference - tests.half_width) * tests.scale,
        (tests.difference + tests.half_width) * tests.scale,
        tests.margin * tests.scale,
        tests.p_equivalent,
        tests.p_different,
        _power(tests.margin, tests.sides, x.size, y.size, alpha),
        _replicates(tests.margin, tests.sides, alpha, 0.8),
        _replicates(tests.margin, tests.sides, alpha, 0.9),
        excluded,
        alpha,
    )


def shown_equivalent(
    scratch: ArrayLike, keras: ArrayLike, *, margin: float | None = None, alpha: float = 0.05
) -> NDArray[np.bool_]:
    """Say of each row whether `equivalence` has the verdict "equivalent", without the rest of what it tells.

    Parameters
    ----------
    scratch, keras : array_like of shape (rows, replicates)
        The numbers of replicates may differ.
    margin, alpha
        As for `equivalence`.
    """
    x, y = np.asarray(scratch, np.float64), np.asarray(keras, np.float64)
    return np.array([tests.p_equivalent <= alpha for tests in _of_each_row(x, y, margin, alpha)], bool)


def replicates_for(
    scratch: ArrayLike, keras: ArrayLike, power: float, *, margin: float | None = None, alpha: float = 0.05
) -> int | None:
    """Return the replicates a side that give this outcome a power; None if none does, or too few runs tell."""
    (x, _), (y, _) = _finite("scratch", scratch), _finite("keras", keras)
    if min(x.size, y.size) < 2:
        return None
    [tests] = _of_each_row(x[np.newaxis], y[np.newaxis], margin, alpha)
    return _replicates(tests.margin, tests.sides, alpha, power)


class _Tests(NamedTuple):
    """Both tests of one outcome, in units of its `scale`; `sides` has the variances at each end of the margin."""

    scale: float
    difference: float
    half_width: float
    margin: float
    sides: "Variances"
    p_equivalent: float
    p_different: float


class _Moments(NamedTuple):
    """Of the finite values of a side: how many, their mean, and the mean powers of how far they lie from it."""

    size: int
    mean: float
    second: float
    third: float
    fourth: float

    @property
    def variance(self) -> float:
        """Of what they are a sample of."""
        return self.second * self.size / (self.size - 1)


def _of_each_row(x: Floats, y: Floats, margin: float | None, alpha: float) -> list[_Tests]:
    # Scaled to at most 1, so that the squares of a run that is about to overflow do not.
    largest = [np.where(np.isfinite(side), np.abs(side), 0.0).max(axis=1) for side in (x, y)]
    scale = np.maximum(*largest)
    scale[scale == 0] = 1.0
    ours, theirs = (_moments(side / scale[:, np.newaxis]) for side in (x, y))
    return [_tests(*each, margin, alpha) for each in zip(ours, theirs, scale.tolist(), strict=True)]


def _moments(values: Floats) -> list[_Moments]:
    """Of each row of an array of shape (rows, replicates)."""
    kept = np.isfinite(values)
    number = kept.sum(axis=1)
    size = np.maximum(1, number)
    mean = np.where(kept, values, 0.0).sum(axis=1) / size
    # The computed variance of a constant is that of its rounding, and would pass for a margin.
    varies = np.where(kept, values, -np.inf).max(axis=1) > np.where(kept, values, np.inf).min(axis=1)
    apart = np.where(kept & varies[:, np.newaxis], values - mean[:, np.newaxis], 0.0)
    squares = apart**2
    powers = (each.sum(axis=1) / size for each in (squares, squares * apart, squares**2))
    return [_Moments(*row) for row in zip(*(each.tolist() for each in (number, mean, *powers)), strict=True)]


def _tests(x: _Moments, y: _Moments, scale: float, margin: float | None, alpha: float) -> _Tests:
    difference = x.mean - y.mean
    if min(x.size, y.size) < 2:
        return _Tests(scale, difference, math.inf, math.nan, ((0.0, 0.0), (0.0, 0.0)), 1.0, 1.0)
    v, w = x.variance, y.variance
    bound, sides = MARGIN_IN_SDS * math.sqrt(w), ((v, w), (v, w))
    if margin is not None:
        bound = margin / scale
    elif w > 0:
        # The variance of y plus and less what each of its values moves the margin by, b ((y - mean)^2 - w).
        b = bound / (2 * w)
        more, by = (part * y.size / (y.size - 1) for part in (b**2 * (y.fourth - y.second**2), 2 * b * y.third))
        sides = ((v, w + max(0.0, more + by)), (v, w + max(0.0, more - by)))

    error, dof = welch(v, x.size, w, y.size)
    if error == 0:
        p_different = float(difference == 0)
        p_equivalent = float(not (abs(difference) < bound or difference == 0))
        half_width = 0.0
    else:
        p_different = 2 * float(scipy.special.stdtr(dof, -abs(difference) / error))
        gaps = (difference - bound, -difference - bound)
        tests = [welch(a, x.size, b, y.size) for a, b in sides]
        p_equivalent = max(float(scipy.special.stdtr(d, gap / e)) for gap, (e, d) in zip(gaps, tests, strict=True))
        half_width = error * float(scipy.special.stdtrit(dof, 1 - alpha))
    return _Tests(scale, difference, half_width, bound, sides, p_equivalent, p_different)


def _finite(name: str, values: ArrayLike) -> tuple[Floats, int]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise InputError(f"`{name}` must have shape (replicates,). Received: {array.shape}")
    kept = array[np.isfinite(array)]
    return kept, array.size - kept.size


def welch(v: float, n: int, w: float, m: int) -> tuple[float, float]:
    """Return the standard error of a difference of two means and its degrees of freedom (Satterthwaite)."""
    a, b = v / n, w / m
    if a + b == 0:
        return 0.0, float(n + m - 2)
    a, b, error = a / (a + b), b / (a + b), math.sqrt(a + b)
    return error, 1 / (a**2 / (n - 1) + b**2 / (m - 1))


Variances = tuple[tuple[float, float], tuple[float, float]]


def _power(margin: float, sides: Variances, n: int, m: int, alpha: float) -> float:
    total = -1.0
    for v, w in sides:
        error, dof = welch(v, n, w, m)
        if error == 0:
            return 1.0
        total += float(scipy.special.stdtr(dof, margin / error - float(scipy.special.stdtrit(dof, 1 - alpha))))
    return max(total, 0.0)


def _replicates(margin: float, sides: Variances, alpha: float, power: float) -> int | None:
    return least_replicates(lambda n: _power(margin, sides, n, n, alpha), power)


def least_replicates(power_of: Callable[[int], float], power: float) -> int | None:
    """Return the smallest number of replicates a side that gives the power, None if none below 1e12 does."""
    low, high, end = 2, 4, 10**12
    while high < end and power_of(high - 1) < power:
        low, high = high, 2 * high
    candidates = range(low, min(high, end))
    at = bisect.bisect_left(candidates, power, key=power_of)
    return low + at if low + at < end else None
