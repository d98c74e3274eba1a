"""One verdict for a pair of training procedures, from every replicate's loss and accuracy on both sides.

Several outcomes are tested, and any of them may decide; this is the place where that is paid for.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from compare.agreement.curves import CurveTest, EpochTest, curve_permutation_test, ks_over_epochs, trajectories
from compare.agreement.distributions import (
    DISTANCE_MARGIN,
    FAILURE_MARGIN,
    Distance,
    Estimate,
    FailedRuns,
    compare_failures,
    distance,
    failed,
    improvement,
)
from compare.agreement.equivalence import Conclusion, Equivalence, Floats, default_threshold, equivalence, summaries
from compare.agreement.power import Limits, Power, enough, power
from compare.errors import InputError

# Outcomes that only mean the same on both sides if both run for the same number of epochs.
NEED_SAME_EPOCHS = ("loss_area", "epochs_to_threshold")

# Four scalars, failures, two tests of two curves: what Holm's correction divides alpha by at most.
TESTS = 9


@dataclass(frozen=True)
class Comparison:
    """Everything that two sets of runs say about each other, and one verdict.

    `adjusted` holds the corrected p-value of every test by name; `differing` names the tests that decide for
    "different", `undecided` what was not shown to be equivalent in mean, or in how often runs fail, and `apart` the
    outcomes whose distributions were not shown to be alike. `censored` counts each side's replicates that never reached
    the loss `threshold`. `power` is that of the verdict, None if it was not asked for; so many replicates a side as
    `replicates_80_in_mean` and `replicates_80` are enough for 80 % of "equivalent in mean" and of "equivalent", None if
    no number is. `improvement` is the probability that a run of scratch ends with a lower loss than one of Keras.
    `distributions` and `curves` have the keys `loss` and `accuracy`, or none if the sides' epochs differ.
    """

    verdict: Conclusion | Literal["equivalent in mean"]
    failures: FailedRuns
    scalars: dict[str, Equivalence]
    distances: dict[str, Distance]
    improvement: Estimate
    distributions: dict[str, EpochTest]
    curves: dict[str, CurveTest]
    adjusted: dict[str, float]
    differing: tuple[str, ...]
    undecided: tuple[str, ...]
    apart: tuple[str, ...]
    threshold: float
    censored: tuple[int, int]
    power: Power | None
    replicates_80_in_mean: int | None
    replicates_80: int | None
    alpha: float

    @property
    def p_curves(self) -> dict[str, float]:
        """The p-value of each test of whole curves, by name."""
        return _p_curves(self.distributions, self.curves)


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
    failure_margin: float = FAILURE_MARGIN,
    distance_margin: float = DISTANCE_MARGIN,
    chance: float | None = None,
    threshold: float | None = None,
    permutations: int = 999,
    alpha: float = 0.05,
    family: int = 1,
    draws: int = 400,
) -> Comparison:
    """Compare two training procedures by all that their replicates show.

    The verdict is "different" if any test rejects at alpha after Holm's correction over all of them (Welch
    for each scalar, Fisher for failures, Kolmogorov-Smirnov and permutation test for each curve), where a
    scalar or rate of failures that is equivalent within its margin does not count. Otherwise it is "equivalent in
    mean" if every scalar and the rates of failures are equivalent, "equivalent" if every scalar's distributions are
    shown to be alike too, and else "inconclusive". So alike procedures are called different with probability at most
    alpha, and procedures that differ by the margin, in any scalar's mean or distribution or in failures, equivalent
    with at most alpha. The curve tests have no margin: with very many replicates "different" may rest on a tiny
    difference, and the scalars then say how tiny.

    Parameters
    ----------
    scratch_loss, scratch_accuracy, keras_loss, keras_accuracy : array_like of shape (replicates, epochs)
        The sides may have different numbers of replicates. If they have different numbers of epochs, only
        final loss, final accuracy and failures are compared: nothing else means the same on both. An accuracy that is
        NaN everywhere is none.
        A replicate with a non-finite loss has diverged: it is left out of the means, counted as failed, the worst of
        all in the distributions, and so is its loss in the curve tests from its first non-finite epoch on.
    rng : numpy.random.Generator
        Draws the permutations, and the runs that the power is simulated with.
    margins : mapping of str to float, optional
        Margins in the outcome's unit, by its name in `summaries`; others have `equivalence`'s default.
    failure_margin, distance_margin : float
        Largest differences that do not matter: of the rates of failures, and of the probabilities of ending below any
        value.
    chance : float, optional
        The loss of predicting each class by its share: a run that does not get below it has failed (`failed`).
    threshold, permutations, alpha
        As in `summaries` (by default from both sides pooled), `curve_permutation_test` and `equivalence`.
    family : int
        Of how many comparisons this is one: "different" is then said wrongly of any of them with probability alpha.
    draws : int
        Simulated comparisons for the power; 0 for none.

    Raises
    ------
    InputError
        If shapes are wrong, a margin is given for an unknown outcome, or an argument is out of range.
    """
    x, y = trajectories("scratch_loss", scratch_loss), trajectories("keras_loss", keras_loss)
    for what, share in (("failure_margin", failure_margin), ("distance_margin", distance_margin)):
        if not 0 < share < 1:
            raise InputError(f"`{what}` must lie between 0 and 1. Received: {share}")
    threshold = default_threshold(x, y) if threshold is None else threshold
    scratch, keras = summaries(x, scratch_accuracy, threshold), summaries(y, keras_accuracy, threshold)
    margins = margins or {}
    if unknown := sorted(set(margins) - set(scratch)):
        raise InputError(f"`margins` must be for any of {', '.join(scratch)}. Received: {', '.join(unknown)}")
    if (permutations + 1) * alpha < TESTS * family:
        least = math.ceil(TESTS * family / alpha) - 1
        raise InputError(f"`permutations` must be at least {least} for `alpha` {alpha}. Received: {permutations}")

    same_epochs = x.shape[1] == y.shape[1]
    scalars = {
        name: equivalence(scratch[name], keras[name], margin=margins.get(name), alpha=alpha)
        for name in scratch
        if same_epochs or name not in NEED_SAME_EPOCHS
    }
    failing = failed(x, chance), failed(y, chance)
    failures = compare_failures(*failing, margin=failure_margin, alpha=alpha)
    distances = {name: distance(scratch[name], keras[name], margin=distance_margin, alpha=alpha) for name in scalars}
    pairs: dict[str, tuple[ArrayLike, ArrayLike]] = {}
    if same_epochs:
        pairs = {"loss": (_worst_from_divergence(x), _worst_from_divergence(y))}
    if same_epochs and "final_accuracy" in scalars:
        pairs["accuracy"] = scratch_accuracy, keras_accuracy
    distributions = {name: ks_over_epochs(*pair, alpha) for name, pair in pairs.items()}
    curves = {name: curve_permutation_test(*pair, rng, permutations, alpha) for name, pair in pairs.items()}

    p_values = {name: scalar.p_different for name, scalar in scalars.items()}
    adjusted = holm(p_values | {"failures": failures.p_different} | _p_curves(distributions, curves))
    adjusted = {name: min(1.0, p * family) for name, p in adjusted.items()}
    equivalent = {name: scalar.verdict == "equivalent" for name, scalar in scalars.items()}
    equivalent["failures"] = failures.equivalent
    differing = tuple(name for name, p in adjusted.items() if p <= alpha and not equivalent.get(name))
    undecided = tuple(name for name, shown in equivalent.items() if not shown)
    apart = tuple(name for name, each in distances.items() if not each.equivalent)
    ours, theirs = ({name: of[name] for name in scalars} for of in (scratch, keras))
    limits = Limits(margins, failure_margin, distance_margin, alpha)
    simulated = None
    if draws and min(len(x), len(y)) > 1:
        simulated = power(theirs, failing[1][0], (len(x), len(y)), limits, draws, rng)
    return Comparison(
        verdict=_verdict(differing, undecided, apart),
        failures=failures,
        scalars=scalars,
        distances=distances,
        improvement=improvement(ours["final_loss"], theirs["final_loss"], alpha=alpha),
        distributions=distributions,
        curves=curves,
        adjusted=adjusted,
        differing=differing,
        undecided=undecided,
        apart=apart,
        threshold=threshold,
        censored=(_censored(scratch, x), _censored(keras, y)),
        power=simulated,
        replicates_80_in_mean=enough(ours, theirs, failures, limits, whole=False),
        replicates_80=enough(ours, theirs, failures, limits, whole=True),
        alpha=alpha,
    )


def _p_curves(distributions: Mapping[str, EpochTest], curves: Mapping[str, CurveTest]) -> dict[str, float]:
    found = {f"{name} distributions": test.p_value for name, test in distributions.items()}
    return found | {f"{name} curve": test.p_value for name, test in curves.items()}


def _verdict(
    differing: Sequence[str], undecided: Sequence[str], apart: Sequence[str]
) -> Conclusion | Literal["equivalent in mean"]:
    if differing:
        return "different"
    if undecided:
        return "inconclusive"
    return "equivalent in mean" if apart else "equivalent"


def _worst_from_divergence(losses: Floats) -> Floats:
    return np.where(np.logical_or.accumulate(~np.isfinite(losses), axis=1), np.nan, losses)


def _censored(outcomes: Mapping[str, Floats], losses: Floats) -> int:
    return int(np.count_nonzero(outcomes["epochs_to_threshold"] == losses.shape[1]))
