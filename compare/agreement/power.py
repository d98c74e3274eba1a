"""How likely it is that two alike sides are shown to be alike, by all outcomes together; and how many runs it takes."""

import bisect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from compare.agreement.distributions import Bools, FailedRuns, allowance, distance, newcombe
from compare.agreement.equivalence import Floats, replicates_for, shown_equivalent

POOLS = 20  # bootstrap samples of the reference, which tell how sure its power is
LEVEL = 0.9  # of the intervals of a power


@dataclass(frozen=True)
class Estimate:
    """A probability, with its 90 % interval."""

    probability: float
    low: float
    high: float


@dataclass(frozen=True)
class Power:
    """The probability that two sides as alike as can be are shown so: in mean, and as a whole."""

    in_mean: Estimate
    whole: Estimate


def power(
    outcomes: Mapping[str, Floats],
    failed: Bools,
    replicates: tuple[int, int],
    margins: Mapping[str, float],
    failure_margin: float,
    distance_margin: float,
    alpha: float,
    draws: int,
    rng: np.random.Generator,
) -> Power:
    """Simulate comparisons of the reference with itself: both sides drawn from its runs, with replacement.

    Parameters
    ----------
    outcomes : mapping of str to ndarray of shape (runs,)
        The reference's.
    failed : ndarray of bool of shape (runs,)
    replicates : tuple of int
        Of each side.
    margins, failure_margin, distance_margin, alpha
        As in `compare_runs`.
    draws : int
        Comparisons in all: `POOLS` bootstrap samples of the reference take as many each.
    rng : numpy.random.Generator

    Notes
    -----
    Tests that find a difference by chance are not simulated: together they reject with probability alpha at most. The
    interval has the simulation's own error and that of the runs it draws from, as far as the bootstrap shows it.
    """
    rates = np.array(
        [
            np.mean(
                [
                    _shown(outcomes, failed, pool, replicates, margins, failure_margin, distance_margin, alpha, rng)
                    for _ in range(max(1, draws // POOLS))
                ],
                axis=0,
            )
            for pool in rng.integers(len(failed), size=(POOLS, len(failed)))
        ]
    )
    return Power(*(_estimate(of, max(1, draws // POOLS)) for of in rates.T))


def _shown(
    outcomes: Mapping[str, Floats],
    failed: Bools,
    pool: NDArray[np.intp],
    replicates: tuple[int, int],
    margins: Mapping[str, float],
    failure_margin: float,
    distance_margin: float,
    alpha: float,
    rng: np.random.Generator,
) -> tuple[bool, bool]:
    """Whether one comparison shows both sides to be alike: in mean, and as a whole."""
    x, y = (rng.choice(pool, size) for size in replicates)
    interval = newcombe((int(failed[x].sum()), int(failed[y].sum())), replicates, alpha)
    in_mean = max(map(abs, interval)) < failure_margin and all(
        shown_equivalent(of[x], of[y], margin=margins.get(name), alpha=alpha) for name, of in outcomes.items()
    )
    whole = in_mean and all(
        distance(of[x], of[y], margin=distance_margin, alpha=alpha).equivalent for of in outcomes.values()
    )
    return in_mean, whole


def _estimate(rates: Floats, draws: int) -> Estimate:
    """Join the rates of several samples of the reference, each of so many draws."""
    p = float(rates.mean())
    by_chance = p * (1 - p) / draws
    variance = max(0.0, float(rates.var(ddof=1)) - by_chance) + by_chance / len(rates)
    half = float(stats.norm.ppf((1 + LEVEL) / 2)) * math.sqrt(variance)
    return Estimate(p, max(0.0, p - half), min(1.0, p + half))


def enough(
    scratch: Mapping[str, Floats],
    keras: Mapping[str, Floats],
    failures: FailedRuns,
    margins: Mapping[str, float],
    distance_margin: float,
    alpha: float,
    wanted: float = 0.8,
) -> tuple[int | None, int | None]:
    """Return numbers of replicates a side that are enough for a power, in mean and as a whole; None where none is.

    Each outcome's mean, its distribution and the rate of failures may miss an equal part of what the power leaves: at
    these numbers, or fewer, the power is reached, however they depend on each other (Bonferroni).
    """
    counts = len(keras) + 1, 2 * len(keras) + 1
    found: list[int | None] = []
    for parts, whole in zip(counts, (False, True), strict=True):
        each = 1 - (1 - wanted) / parts
        needed = [replicates_for(scratch[n], keras[n], each, margin=margins.get(n), alpha=alpha) for n in keras]
        needed.append(_least(lambda n: _failures_power(n, failures, alpha), each))
        if whole:
            needed.append(_least(lambda n: _distance_power(n, distance_margin, alpha), each))
        known = [n for n in needed if n is not None]
        found.append(max(known) if len(known) == len(needed) else None)
    return found[0], found[1]


def _failures_power(n: int, failures: FailedRuns, alpha: float) -> float:
    """Of the interval of the difference of two equal rates, by the normal approximation; at a rate of 0 it is known."""
    p = sum(failures.failed) / sum(failures.replicates)
    z = float(stats.norm.ppf(1 - alpha))
    error = math.sqrt(2 * p * (1 - p) / n)
    room = failures.margin - max(z * error, z**2 / (n + z**2))
    if error == 0 or room <= 0:
        return float(room > 0)
    return 2 * float(stats.norm.cdf(room / error)) - 1


def _distance_power(n: int, margin: float, alpha: float) -> float:
    """Of the bound on the distance of two alike continuous distributions, by Kolmogorov's limit."""
    room = margin - allowance(n, n, alpha)
    return float(stats.kstwobign.cdf(room * math.sqrt(n / 2))) if room > 0 else 0.0


def _least(power_of: Callable[[int], float], wanted: float) -> int | None:
    candidates = range(2, 10**9)
    at = bisect.bisect_left(candidates, wanted, key=power_of)
    return candidates[at] if at < len(candidates) else None
