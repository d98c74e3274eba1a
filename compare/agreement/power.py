"""How likely it is that two alike sides are shown to be alike, by all outcomes together; and how many runs it takes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from compare.agreement.distributions import Bools, Estimate, FailedRuns, allowance, distance, newcombe
from compare.agreement.equivalence import Floats, least_replicates, replicates_for, shown_equivalent

POOLS = 20  # bootstrap samples of the reference, which tell how sure its power is
LEVEL = 0.9  # of the intervals of a power


@dataclass(frozen=True)
class Power:
    """The probability that two sides as alike as can be are shown so: in mean, and as a whole."""

    in_mean: Estimate
    whole: Estimate


class Limits(NamedTuple):
    """What differences do not matter, and at which level that is shown: as in `compare_runs`."""

    margins: Mapping[str, float]
    failures: float
    distance: float
    alpha: float


def power(
    outcomes: Mapping[str, Floats],
    failed: Bools,
    replicates: tuple[int, int],
    limits: Limits,
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
    limits : Limits
    draws : int
        Comparisons in all: `POOLS` bootstrap samples of the reference take as many each.
    rng : numpy.random.Generator

    Notes
    -----
    Tests that find a difference by chance are not simulated: together they reject with probability alpha at most. The
    interval has the simulation's own error and that of the runs it draws from, as far as the bootstrap shows it.
    """
    each = max(1, draws // POOLS)

    def rates(pool: NDArray[np.intp]) -> tuple[float, float]:
        x, y = (rng.choice(pool, (each, size)) for size in replicates)
        return _shown(outcomes, failed, x, y, limits)

    pools = rng.integers(len(failed), size=(POOLS, len(failed)))
    in_mean, whole = np.transpose([rates(pool) for pool in pools])
    return Power(_estimate(in_mean, each), _estimate(whole, each))


def _shown(
    outcomes: Mapping[str, Floats], failed: Bools, x: NDArray[np.intp], y: NDArray[np.intp], limits: Limits
) -> tuple[float, float]:
    """The shares of these draws of the reference's runs that are shown to be alike: in mean, and as a whole.

    x and y have shapes (draws, replicates).
    """
    margins, of_failures, of_distance, alpha = limits
    totals = (x.shape[1], y.shape[1])
    counts = zip(failed[x].sum(axis=1).tolist(), failed[y].sum(axis=1).tolist(), strict=True)
    left = np.flatnonzero([max(map(abs, newcombe(each, totals, alpha))) < of_failures for each in counts])
    for name, of in outcomes.items():
        left = left[shown_equivalent(of[x[left]], of[y[left]], margin=margins.get(name), alpha=alpha)]
    whole = left
    for of in outcomes.values():
        pairs = zip(of[x[whole]], of[y[whole]], strict=True)
        whole = whole[[distance(*pair, margin=of_distance, alpha=alpha).equivalent for pair in pairs]]
    return len(left) / len(x), len(whole) / len(x)


def _estimate(rates: Floats, draws: int) -> Estimate:
    """Join the rates of several samples of the reference, each of so many draws."""
    p = float(rates.mean())
    by_chance = p * (1 - p) / draws
    variance = max(0.0, float(rates.var(ddof=1)) - by_chance) + by_chance / len(rates)
    half = float(scipy.stats.norm.ppf((1 + LEVEL) / 2)) * math.sqrt(variance)
    return Estimate(p, max(0.0, p - half), min(1.0, p + half))


def enough(
    scratch: Mapping[str, Floats],
    keras: Mapping[str, Floats],
    failures: FailedRuns,
    limits: Limits,
    whole: bool,
    wanted: float = 0.8,
) -> int | None:
    """Return a number of replicates a side that is enough for a power, in mean or as a whole; None where none is.

    Each outcome's mean, its distribution and the rate of failures may miss an equal part of what the power leaves: at
    this number, or fewer, the power is reached, however they depend on each other (Bonferroni).
    """
    margins, _, of_distance, alpha = limits
    each = 1 - (1 - wanted) / ((1 + whole) * len(keras) + 1)
    needed = [replicates_for(scratch[n], keras[n], each, margin=margins.get(n), alpha=alpha) for n in keras]
    needed.append(least_replicates(lambda n: _failures_power(n, failures, alpha), each))
    if whole:
        needed.append(least_replicates(lambda n: _distance_power(n, of_distance, alpha), each))
    known = [n for n in needed if n is not None]
    return max(known) if len(known) == len(needed) else None


def _failures_power(n: int, failures: FailedRuns, alpha: float) -> float:
    """Of the interval of the difference of two equal rates, by the normal approximation; at a rate of 0 it is known."""
    p = sum(failures.failed) / sum(failures.replicates)
    z = float(scipy.special.ndtri(1 - alpha))
    error = math.sqrt(2 * p * (1 - p) / n)
    room = failures.margin - max(z * error, z**2 / (n + z**2))
    if error == 0 or room <= 0:
        return float(room > 0)
    return 2 * float(scipy.special.ndtr(room / error)) - 1


def _distance_power(n: int, margin: float, alpha: float) -> float:
    """Of the bound on the distance of two alike continuous distributions, by Kolmogorov's limit."""
    room = margin - allowance(n, n, alpha)
    return 1 - float(scipy.special.kolmogorov(room * math.sqrt(n / 2))) if room > 0 else 0.0
