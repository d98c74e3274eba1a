"""How two sets of runs are distributed: alike in mean, they may still end in other places, or fail more often."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from compare.agreement.curves import trajectories
from compare.agreement.equivalence import Floats, welch

Bools = NDArray[np.bool_]

# By how much the probabilities of ending below any value may differ, and those of failing.
DISTANCE_MARGIN = 0.15
FAILURE_MARGIN = 0.05
# A run whose final loss is not below this share of what it would have without looking at X has learned nothing.
LEARNED = 0.999
# Where that is not known: of its own first epoch's.
FELL = 0.99


@dataclass(frozen=True)
class Distance:
    """How far two distribution functions lie apart, at most: the Kolmogorov distance.

    `bound` is the (1 - alpha) upper confidence bound of the true distance, `observed` that of these runs;
    `equivalent` if the bound lies within the `margin`.
    """

    observed: float
    bound: float
    margin: float
    equivalent: bool


def distance(scratch: ArrayLike, keras: ArrayLike, *, margin: float = DISTANCE_MARGIN, alpha: float = 0.05) -> Distance:
    """Bound the largest difference of two distribution functions; values that are not finite count as the largest.

    Notes
    -----
    The bound is the observed distance plus sqrt(log(1 / alpha) / 2 * (1 / n + 1 / m)), the one-sided constant of
    Dvoretzky, Kiefer and Wolfowitz. It holds for any numbers of runs and any distributions, discrete ones too: the true
    distance is taken at one point (or its left limit), where both functions are means of values from 0 to 1, and there
    Hoeffding's inequality (1963) bounds how much less is observed.
    """
    x, y = np.sort(_worst(scratch)), np.sort(_worst(keras))
    points = np.concatenate([x, y])
    below = (np.searchsorted(side, points, "right") / len(side) for side in (x, y))
    observed = float(np.abs(np.subtract(*below)).max())
    bound = observed + allowance(len(x), len(y), alpha)
    return Distance(observed, bound, margin, bound <= margin)


def _worst(values: ArrayLike) -> Floats:
    """Values of which those that are not finite are the largest."""
    array = np.asarray(values, np.float64)
    return np.where(np.isfinite(array), array, np.inf)


def allowance(n: int, m: int, alpha: float) -> float:
    """By how much the observed distance may fall short of the true one."""
    return math.sqrt(math.log(1 / alpha) / 2 * (1 / n + 1 / m))


@dataclass(frozen=True)
class Estimate:
    """A probability, with its interval."""

    probability: float
    low: float
    high: float


def improvement(scratch: ArrayLike, keras: ArrayLike, *, alpha: float = 0.05) -> Estimate:
    """Estimate the probability that a run of scratch ends lower than one of Keras, ties counting half.

    With the (1 - 2 alpha) interval of Brunner and Munzel (2000): the variances are those of the placements, the share
    of the other side that each value lies below. Values that are not finite are the largest.
    """
    x, y = _worst(scratch), _worst(keras)
    n, m = len(x), len(y)
    ranks = scipy.stats.rankdata(np.concatenate([x, y]))
    above_x = (m - (ranks[:n] - scipy.stats.rankdata(x))) / m  # share of Keras's runs above each of scratch's
    below_y = (ranks[n:] - scipy.stats.rankdata(y)) / n
    probability = float(above_x.mean())
    if min(n, m) < 2:
        return Estimate(probability, 0.0, 1.0)
    error, dof = welch(float(above_x.var(ddof=1)), n, float(below_y.var(ddof=1)), m)
    half = float(scipy.stats.t.ppf(1 - alpha, dof)) * error
    return Estimate(probability, max(0.0, probability - half), min(1.0, probability + half))


@dataclass(frozen=True)
class FailedRuns:
    """How many replicates of each side failed; the difference of rates is scratch less Keras.

    `diverged` are those of them whose loss is not finite; the others learned nothing. `low` to `high` is Newcombe's
    (1 - 2 alpha) interval of the difference; `equivalent` if within +-`margin`.
    """

    failed: tuple[int, int]
    diverged: tuple[int, int]
    replicates: tuple[int, int]
    low: float
    high: float
    margin: float
    equivalent: bool
    p_different: float

    @property
    def difference(self) -> float:
        """Of the rates."""
        ours, theirs = (count / total for count, total in zip(self.failed, self.replicates, strict=True))
        return ours - theirs


def failed(loss: ArrayLike, chance: float | None = None) -> tuple[Bools, Bools]:
    """Say of each replicate whether it failed, and whether it diverged: has a loss that is not finite.

    Parameters
    ----------
    loss : array_like of shape (replicates, epochs)
    chance : float, optional
        The loss of predicting each class by its share, whatever X is. A run failed too if its final loss is not below
        it; where it is not given, if its final loss is not 1 % below that of its first epoch.
    """
    losses = trajectories("loss", loss)
    diverged: Bools = np.any(~np.isfinite(losses), axis=1)
    ceiling = FELL * losses[:, 0] if chance is None else LEARNED * chance
    with np.errstate(invalid="ignore"):
        return np.logical_or(diverged, losses[:, -1] >= ceiling), diverged


def compare_failures(
    scratch: tuple[Bools, Bools],
    keras: tuple[Bools, Bools],
    *,
    margin: float = FAILURE_MARGIN,
    alpha: float = 0.05,
) -> FailedRuns:
    """Compare the shares of runs that failed: Fisher's exact test, Newcombe's interval (1998, method 10).

    The interval joins the two Wilson intervals. With no failure at all it lies within +-0.05 from 52 replicates a side
    on: fewer cannot show that a side hardly ever fails.
    """
    (a, b), (n, m) = (int(side[0].sum()) for side in (scratch, keras)), (len(side[0]) for side in (scratch, keras))
    p_different = float(scipy.stats.fisher_exact(np.array([[a, n - a], [b, m - b]])).pvalue)
    low, high = newcombe((a, b), (n, m), alpha)
    counts = int(scratch[1].sum()), int(keras[1].sum())
    return FailedRuns((a, b), counts, (n, m), low, high, margin, max(-low, high) < margin, p_different)


def newcombe(counts: tuple[int, int], totals: tuple[int, int], alpha: float) -> tuple[float, float]:
    """Return the (1 - 2 alpha) interval of the difference of two rates that joins their Wilson intervals."""
    (p, p_low, p_high), (q, q_low, q_high) = (
        _wilson(count, total, alpha) for count, total in zip(counts, totals, strict=True)
    )
    return p - q - math.hypot(p - p_low, q_high - q), p - q + math.hypot(p_high - p, q - q_low)


@lru_cache(maxsize=1024)  # a simulation comes to the same counts again and again, and SciPy tests a hypothesis first
def _wilson(count: int, total: int, alpha: float) -> tuple[float, float, float]:
    """A rate and its (1 - 2 alpha) interval."""
    interval = scipy.stats.binomtest(count, total).proportion_ci(1 - 2 * alpha, method="wilson")
    return count / total, float(interval.low), float(interval.high)
