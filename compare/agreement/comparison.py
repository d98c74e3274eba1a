"""One verdict for a pair of training procedures, from every replicate's loss and accuracy on both sides.

Several outcomes are tested, and any of them may decide; this is the place where that is paid for.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from compare.agreement.curves import CurveTest, EpochTest, curve_permutation_test, ks_over_epochs, trajectories
from compare.agreement.equivalence import Conclusion, Equivalence, Floats, default_threshold, equivalence, summaries
from compare.errors import InputError

# Outcomes that only mean the same on both sides if both run for the same number of epochs.
NEED_SAME_EPOCHS = ("loss_area", "epochs_to_threshold")

# Four scalars, divergence, two tests of two curves: what Holm's correction divides alpha by at most.
TESTS = 9


@dataclass(frozen=True)
class DivergedRuns:
    """How many replicates of each side diverged; the difference of rates is scratch less Keras.

    `low` to `high` is Newcombe's (1 - 2 alpha) interval of it; `equivalent` if within +-`margin`.
    """

    diverged: tuple[int, int]
    replicates: tuple[int, int]
    low: float
    high: float
    margin: float
    equivalent: bool
    p_different: float


@dataclass(frozen=True)
class Comparison:
    """Everything that two sets of runs say about each other, and one verdict.

    `adjusted` holds Holm's p-value of every test by name; `differing` names the tests that decide for
    "different", `undecided` what was not shown to be equivalent. `censored` counts each side's replicates
    that never reached the loss `threshold`. `replicates_80` is what the neediest scalar asks for, None if no
    number does. `distributions` and `curves` have the keys `loss` and `accuracy`, or none if the sides'
    epochs differ.
    """

    verdict: Conclusion
    divergence: DivergedRuns
    scalars: dict[str, Equivalence]
    distributions: dict[str, EpochTest]
    curves: dict[str, CurveTest]
    adjusted: dict[str, float]
    differing: tuple[str, ...]
    undecided: tuple[str, ...]
    threshold: float
    censored: tuple[int, int]
    replicates_80: int | None
    alpha: float


def compare_divergence(
    diverged: tuple[int, int], replicates: tuple[int, int], *, margin: float = 0.05, alpha: float = 0.05
) -> DivergedRuns:
    """Compare the shares of runs that diverged: Fisher's exact test, Newcombe's interval (1998, method 10).

    The interval joins the two Wilson intervals. With no divergence at all it lies within +-0.05 from 52
    replicates a side on: fewer cannot show that a side hardly ever diverges.
    """
    (a, b), (n, m) = diverged, replicates
    p_different = float(stats.fisher_exact(np.array([[a, n - a], [b, m - b]])).pvalue)
    x, y = (
        stats.binomtest(count, total).proportion_ci(1 - 2 * alpha, method="wilson") for count, total in ((a, n), (b, m))
    )
    p, q = a / n, b / m
    low = p - q - math.hypot(p - x.low, y.high - q)
    high = p - q + math.hypot(x.high - p, q - y.low)
    return DivergedRuns(diverged, replicates, low, high, margin, max(-low, high) < margin, p_different)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Return Holm's (1979) p-values: rejecting those at most alpha has a family-wise error of alpha."""
    names = sorted(p_values, key=p_values.__getitem__)
    steps = [min(1.0, p_values[name] * (len(names) - rank)) for rank, name in enumerate(names)]
    return dict(zip(names, np.maximum.accumulate(steps).tolist(), strict=True))


def compare_runs(
    scratch_loss: ArrayLike,
    scratch_accuracy: ArrayLike,
    keras_loss: ArrayLike,
    keras_accuracy: ArrayLike,
    rng: np.random.Generator,
    *,
    margins: Mapping[str, float] | None = None,
    divergence_margin: float = 0.05,
    threshold: float | None = None,
    permutations: int = 999,
    alpha: float = 0.05,
) -> Comparison:
    """Compare two training procedures by all that their replicates show.

    The verdict is "different" if any test rejects at alpha after Holm's correction over all of them (Welch
    for each scalar, Fisher for divergence, Kolmogorov-Smirnov and permutation test for each curve), where a
    scalar or divergence that is equivalent within its margin does not count; "equivalent" if none rejects and
    every scalar and the divergence rates are equivalent; otherwise "inconclusive". So alike procedures are
    called different with probability at most alpha, and procedures that differ in any scalar by its margin
    equivalent with at most alpha. The curve tests have no margin: with very many replicates "different" may
    rest on a tiny difference, and the scalars then say how tiny.

    Parameters
    ----------
    scratch_loss, scratch_accuracy, keras_loss, keras_accuracy : array_like of shape (replicates, epochs)
        The sides may have different numbers of replicates. If they have different numbers of epochs, only
        final loss, final accuracy and divergence are compared: nothing else means the same on both.
        A replicate with a non-finite loss has diverged: it is left out of the scalars, counted, its rate
        compared, and its loss the worst of all in the curve tests from its first non-finite epoch on.
    rng : numpy.random.Generator
        Draws the permutations.
    margins : mapping of str to float, optional
        Margins in the outcome's unit, by its name in `summaries`; others have `equivalence`'s default.
    divergence_margin : float
        Largest difference of divergence rates that does not matter.
    threshold, permutations, alpha
        As in `summaries` (by default from both sides pooled), `curve_permutation_test` and `equivalence`.

    Raises
    ------
    InputError
        If shapes are wrong, a margin is given for an unknown outcome, or an argument is out of range.
    """
    x, y = trajectories("scratch_loss", scratch_loss), trajectories("keras_loss", keras_loss)
    if not 0 < divergence_margin < 1:
        raise InputError(f"`divergence_margin` must lie between 0 and 1. Received: {divergence_margin}")
    threshold = default_threshold(x, y) if threshold is None else threshold
    scratch, keras = summaries(x, scratch_accuracy, threshold), summaries(y, keras_accuracy, threshold)
    margins = margins or {}
    if unknown := sorted(set(margins) - set(scratch)):
        raise InputError(f"`margins` must be for any of {', '.join(scratch)}. Received: {', '.join(unknown)}")
    if (permutations + 1) * alpha < TESTS:
        least = math.ceil(TESTS / alpha) - 1
        raise InputError(f"`permutations` must be at least {least} for `alpha` {alpha}. Received: {permutations}")

    same_epochs = x.shape[1] == y.shape[1]
    scalars = {
        name: equivalence(scratch[name], keras[name], margin=margins.get(name), alpha=alpha)
        for name in scratch
        if same_epochs or name not in NEED_SAME_EPOCHS
    }
    diverged = scalars["final_loss"].excluded
    divergence = compare_divergence(diverged, (len(x), len(y)), margin=divergence_margin, alpha=alpha)
    pairs: dict[str, tuple[ArrayLike, ArrayLike]] = {}
    if same_epochs:
        pairs = {
            "loss": (_worst_from_divergence(x), _worst_from_divergence(y)),
            "accuracy": (scratch_accuracy, keras_accuracy),
        }
    distributions = {name: ks_over_epochs(*pair, alpha) for name, pair in pairs.items()}
    curves = {name: curve_permutation_test(*pair, rng, permutations, alpha) for name, pair in pairs.items()}

    curve_tests = {f"{name} distributions": test.p_value for name, test in distributions.items()}
    curve_tests |= {f"{name} curve": test.p_value for name, test in curves.items()}
    p_values = {name: scalar.p_different for name, scalar in scalars.items()}
    adjusted = holm(p_values | {"divergence": divergence.p_different} | curve_tests)
    equivalent = {name: scalar.verdict == "equivalent" for name, scalar in scalars.items()}
    equivalent["divergence"] = divergence.equivalent
    differing = tuple(name for name, p in adjusted.items() if p <= alpha and not equivalent.get(name))
    undecided = tuple(name for name, shown in equivalent.items() if not shown)
    needed = [scalar.replicates_80 for scalar in scalars.values()]
    return Comparison(
        verdict="different" if differing else "inconclusive" if undecided else "equivalent",
        divergence=divergence,
        scalars=scalars,
        distributions=distributions,
        curves=curves,
        adjusted=adjusted,
        differing=differing,
        undecided=undecided,
        threshold=threshold,
        censored=(_censored(scratch, x), _censored(keras, y)),
        replicates_80=None if None in needed else max(n for n in needed if n is not None),
        alpha=alpha,
    )


def _worst_from_divergence(losses: Floats) -> Floats:
    return np.where(np.logical_or.accumulate(~np.isfinite(losses), axis=1), np.nan, losses)


def _censored(outcomes: Mapping[str, Floats], losses: Floats) -> int:
    return int(np.count_nonzero(outcomes["epochs_to_threshold"] == losses.shape[1]))
