"""Whole trajectories of two sets of runs: tests that anything differs, at any epoch.

Both are controlled over all epochs at once: Kolmogorov-Smirnov sees any difference of the distributions,
epoch by epoch; the permutation test sees a difference of the mean curves. Both assume only that the
replicates are independent. Neither has a margin: given enough replicates each finds any difference that is
real, however small.
"""

import math
import warnings
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from compare.errors import InputError

Floats = NDArray[np.float64]

# Numbers of one block of permutations: 32 MiB of float64, whatever the number of replicates.
BLOCK = 2**22


@dataclass(frozen=True, eq=False)
class EpochTest:
    """Two-sample Kolmogorov-Smirnov at every epoch; each array has shape (epochs,).

    `adjusted` holds the Benjamini-Hochberg p-values: of the epochs in `rejected` (adjusted at most alpha) a
    share of at most alpha is expected to be false. `p_value`, the smallest, tests "no epoch differs" (Simes).
    """

    statistic: Floats
    adjusted: Floats
    rejected: NDArray[np.bool_]
    p_value: float


@dataclass(frozen=True, eq=False)
class CurveTest:
    """A permutation test of the whole curve by its maximum statistic; each array has shape (epochs,).

    `statistic` is the difference of the sides' means (scratch less Keras) in standard errors; if the sides
    are alike it stays within +-`threshold` at *all* epochs with probability 1 - alpha. `difference` and
    `half_width` are that difference and threshold in the units of the data, NaN where ranks were compared.
    """

    statistic: Floats
    threshold: float
    p_value: float
    difference: Floats
    half_width: Floats


def trajectories(name: str, values: ArrayLike) -> Floats:
    """Return `values` as float64 of shape (replicates, epochs), at least one of each, or raise InputError."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2 or 0 in array.shape:
        raise InputError(f"`{name}` must have shape (replicates, epochs), neither 0. Received: {array.shape}")
    return array


def check_alpha(alpha: float) -> None:
    """Raise InputError unless 0 < alpha < 0.5 (at 0.5 a confidence interval of 1 - 2 alpha is empty)."""
    if not 0 < alpha < 0.5:
        raise InputError(f"`alpha` must lie between 0 and 0.5, for example 0.05. Received: {alpha}")


def _both(scratch: ArrayLike, keras: ArrayLike, alpha: float) -> tuple[Floats, Floats]:
    check_alpha(alpha)
    x, y = trajectories("scratch", scratch), trajectories("keras", keras)
    if x.shape[1] != y.shape[1]:
        raise InputError(
            f"`scratch` and `keras` must have equally many epochs. Received: {x.shape[1]} and {y.shape[1]}"
        )
    # NaN and both infinities mean "diverged": worse than every finite value, and tied among themselves.
    return np.where(np.isfinite(x), x, np.inf), np.where(np.isfinite(y), y, np.inf)


def ks_over_epochs(scratch: ArrayLike, keras: ArrayLike, alpha: float = 0.05) -> EpochTest:
    """Compare the distributions of two sides at every epoch, with false-discovery control over the epochs.

    Parameters
    ----------
    scratch, keras : array_like of shape (replicates, epochs)
        The number of replicates may differ. A non-finite value counts as larger than every finite one.
    alpha : float
        Level of the family of tests.

    Raises
    ------
    InputError
        If a shape is wrong or the numbers of epochs differ.

    Notes
    -----
    SciPy's `ks_2samp` (exact up to 10,000 replicates, conservative under ties), then the step-up procedure of
    Benjamini and Hochberg (1995), valid under the positive dependence that neighbouring epochs have.
    """
    x, y = _both(scratch, keras, alpha)
    with warnings.catch_warnings():
        # Where D is a step or two, SciPy's exact p-value may round to just above 1; it then takes another.
        warnings.filterwarnings("ignore", "ks_2samp: Exact calculation unsuccessful", RuntimeWarning)
        result = scipy.stats.ks_2samp(x, y, axis=0)
    adjusted = np.asarray(scipy.stats.false_discovery_control(result.pvalue), dtype=np.float64)
    return EpochTest(np.asarray(result.statistic), adjusted, adjusted <= alpha, float(adjusted.min()))


def curve_permutation_test(
    scratch: ArrayLike,
    keras: ArrayLike,
    rng: np.random.Generator,
    permutations: int = 999,
    alpha: float = 0.05,
) -> CurveTest:
    """Test whether two sides have the same curve, by the largest studentised difference of means over epochs.

    Parameters
    ----------
    scratch, keras : array_like of shape (replicates, epochs)
        The number of replicates may differ. An epoch with a non-finite value is compared by midranks, the
        non-finite ones largest and tied; all other epochs by their values.
    rng : numpy.random.Generator
        Draws the permutations of whole replicates between the sides.
    permutations : int
        Their number, B. The p-value is (1 + those at least as extreme) / (B + 1), so never 0.
    alpha : float
        Level of the simultaneous band.

    Raises
    ------
    InputError
        If a shape is wrong, the numbers of epochs differ, or B is too small to ever reach alpha.

    Notes
    -----
    Westfall and Young's maximum statistic. The standard error is that of the permutation distribution, from
    the pooled values; it is the same for every permutation, so one matrix product does a block of them.
    """
    x, y = _both(scratch, keras, alpha)
    if (permutations + 1) * alpha < 1:
        least = math.ceil(1 / alpha) - 1
        raise InputError(f"`permutations` must be at least {least} for `alpha` {alpha}. Received: {permutations}")
    pooled = np.concatenate([x, y])
    ranked = ~np.isfinite(pooled).all(axis=0)
    pooled[:, ranked] = scipy.stats.rankdata(pooled[:, ranked], axis=0)
    # Scaled to at most 1, so that a run that is about to overflow does not overflow here; a constant column
    # becomes all 1, -1 or 0, whose mean is exact, so that it is 0 when centred.
    scale = np.abs(pooled).max(axis=0)
    scale[scale == 0] = 1.0
    z = pooled / scale
    constant = np.ptp(z, axis=0) == 0
    z -= z.mean(axis=0)
    weight = 1 / len(x) + 1 / len(y)
    error = z.std(axis=0, ddof=1) * math.sqrt(weight)
    z /= np.where(constant, 1.0, error)

    # Centred columns sum to zero: the difference of means is the first side's sum times (1/n + 1/m).
    sides = np.concatenate([np.full(len(x), weight), np.zeros(len(y))])
    statistic = sides @ z
    rows = max(1, BLOCK // max(pooled.shape))
    blocks = (np.tile(sides, (min(rows, permutations - start), 1)) for start in range(0, permutations, rows))
    # In place: what is drawn is the same, and the copy that is left out is a quarter of the work.
    largest = np.concatenate([np.abs(rng.permuted(block, axis=1, out=block) @ z).max(axis=1) for block in blocks])
    # Permutations that exchange equal runs give the observed statistic again, up to the order of its sum.
    extreme = np.count_nonzero(largest >= np.abs(statistic).max() * (1 - 1e-9))
    threshold = float(np.sort(largest)[math.ceil((1 - alpha) * (permutations + 1) - 1e-9) - 1])
    unit = np.where(ranked, np.nan, np.where(constant, 0.0, error) * scale)
    p_value = (1 + extreme) / (permutations + 1)
    return CurveTest(statistic, threshold, p_value, statistic * unit, threshold * unit)
