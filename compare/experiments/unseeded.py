"""The unseeded experiment: whether two sides are alike whose runs each draw weights and orders of their own."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
import pandas as pd

from compare.agreement.comparison import Comparison, compare_runs
from compare.data.dataset import Dataset
from compare.experiments import populations
from compare.experiments.experiment import Experiment
from compare.experiments.part import Advance, Found, Status
from compare.experiments.populations import Trajectories
from compare.experiments.replicates import Procedure
from compare.recipe.streams import stream
from compare.work import engine
from compare.work.companion import ALONE, Companion, in_two
from compare.work.place import HERE, Place


@dataclass(frozen=True)
class Contest:
    """Two procedures to compare.

    Attributes
    ----------
    name : str
    scratch, keras : Procedure
    """

    name: str
    scratch: Procedure
    keras: Procedure


@dataclass(frozen=True)
class Unseeded:
    """What the unseeded experiment found.

    Attributes
    ----------
    settings : tuple of Contest
    trajectories : DataFrame
        side, initializer, protocol, dtype, replicate, epoch, loss, accuracy.
    comparisons : dict of str to Comparison
        By the setting's name.
    failures : list of engine.Failure
        The shards whose replicates are missing.
    """

    settings: tuple[Contest, ...]
    trajectories: pd.DataFrame
    comparisons: dict[str, Comparison]
    failures: list[engine.Failure]

    def tests(self) -> pd.DataFrame:
        """Return one row a test: setting, outcome, verdict, and the figures of `Equivalence` and `Distance`.

        The rows "all" hold each setting's verdict and its power; tests of whole curves have a p-value alone.
        """
        return pd.DataFrame([row for name, each in self.comparisons.items() for row in _tests(name, each)])


def _tests(setting: str, comparison: Comparison) -> list[dict[str, object]]:
    rows = [{"outcome": "all", "verdict": comparison.verdict} | _as_a_whole(comparison)]
    for name, scalar in comparison.scalars.items():
        apart = comparison.distances[name]
        distance = {"distance": apart.observed, "distance_bound": apart.bound, "distance_margin": apart.margin}
        rows.append({"outcome": name, **asdict(scalar), **distance})
    failures = comparison.failures
    found = {name: getattr(failures, name) for name in ("difference", "low", "high", "margin", "p_different")}
    differs = "different" if "failures" in comparison.differing else "inconclusive"
    rows.append({"outcome": "failures", "verdict": "equivalent" if failures.equivalent else differs, **found})
    for name, p in comparison.p_curves.items():
        told = "different" if name in comparison.differing else "no difference shown"
        rows.append({"outcome": name, "p_different": p, "verdict": told})
    for row in rows:
        row.pop("excluded", None)
        row |= {"alpha": comparison.alpha, "p_adjusted": comparison.adjusted.get(str(row["outcome"]))}
    counts = {
        f"{what}_{side}": count
        for what, of in (("failed", failures.failed), ("diverged", failures.diverged))
        for side, count in zip(("scratch", "keras"), of, strict=True)
    }
    return [{"setting": setting, **row, **counts} for row in rows]


def _as_a_whole(comparison: Comparison) -> dict[str, object]:
    """The figures of the row "all"."""
    told: dict[str, object] = {
        "replicates_80": comparison.replicates_80,
        "replicates_80_in_mean": comparison.replicates_80_in_mean,
        "threshold": comparison.threshold,
        "censored_scratch": comparison.censored[0],
        "censored_keras": comparison.censored[1],
    }
    estimates = {"improvement": comparison.improvement}
    if comparison.power is not None:
        estimates |= {"power": comparison.power.whole, "power_in_mean": comparison.power.in_mean}
    for name, of in estimates.items():
        told |= {name: of.probability, f"{name}_low": of.low, f"{name}_high": of.high}
    return told


def settings(experiment: Experiment) -> tuple[Contest, ...]:
    """Return what is compared: as published, unless one protocol is chosen; like for like from each initializer."""
    published = Contest(
        "as published",
        Procedure("scratch", "uniform", experiment.adapted("article")),
        Procedure("keras", "glorot_uniform", experiment.adapted("keras")),
    )
    common = experiment.adapted(experiment.protocol or "keras")
    alike = tuple(
        Contest(
            f"like for like, {initializer}",
            Procedure("scratch", initializer, common),
            Procedure("keras", initializer, common),
        )
        for initializer in ("glorot_uniform", "uniform")
    )
    return alike if experiment.protocol else (published, *alike)


def procedures(experiment: Experiment) -> list[Procedure]:
    """Return every procedure of the settings once, the longest first: like for like shares Keras's published runs."""
    found = dict.fromkeys(p for setting in settings(experiment) for p in (setting.keras, setting.scratch))
    return sorted(found, key=lambda procedure: procedure.side)


def run_unseeded(
    experiment: Experiment,
    dataset: Dataset,
    advance: Callable[[int], None] = lambda replicates: None,
    finished: MutableMapping[str, pd.DataFrame] | None = None,
    place: Place = HERE,
) -> Unseeded:
    """Train `experiment.replicates` runs of every procedure and compare the sides.

    Parameters
    ----------
    experiment : Experiment
    dataset : Dataset
    advance : callable
        Called with the number of replicates just finished.
    finished : mutable mapping of str to DataFrame, optional
        Where finished shards are kept, and from where an interrupted run goes on.
    place : Place
        Where replicates run.

    Returns
    -------
    Unseeded

    Raises
    ------
    InputError
        If too few replicates of a procedure are left to compare, or the workers fail as a whole.
    """
    finished = {} if finished is None else finished
    trained = populations.train(experiment, dataset, procedures(experiment), advance, finished, place)
    return compare_sides(experiment, dataset, trained)


def compare_sides(
    experiment: Experiment, dataset: Dataset, trained: populations.Population, beside: Companion = ALONE
) -> Unseeded:
    """Compare the sides of every setting; `beside` does it."""
    compared, architecture = settings(experiment), experiment.architecture(dataset)
    chance, runs = dataset.chance_loss(architecture.loss, architecture.outputs), trained.runs
    calls = [
        (runs[each.scratch], runs[each.keras], stream(experiment.seed, "permutation test", each.name), chance)
        for each in compared
    ]
    names = (each.name for each in compared)
    comparisons = dict(zip(names, beside.call(in_two, partial(_compared, family=len(compared)), calls), strict=True))
    return Unseeded(compared, trained.trajectories, comparisons, trained.failures)


def _compared(
    scratch: Trajectories, keras: Trajectories, sequence: np.random.SeedSequence, chance: float, family: int
) -> Comparison:
    """Compare the sides of one setting."""
    return compare_runs(*scratch, *keras, np.random.default_rng(sequence), chance=chance, family=family)


class UnseededPart:
    """The unseeded experiment as a part of the main job.

    What Keras users run is float32, unless the experiment is about float64 alone.
    """

    title = "unseeded"

    def __init__(
        self, experiment: Experiment, dataset: Dataset, finished: MutableMapping[str, pd.DataFrame], place: Place
    ) -> None:
        self.experiment, self.dataset, self.finished, self.place = experiment, dataset, finished, place
        self.size, self.here = len(procedures(experiment)) * experiment.replicates, place.here
        self._begun: engine.Begun | None = None

    def begin(self, beside: Companion) -> None:
        """Let a companion begin with the replicates."""
        self._begun = populations.begin(
            self.experiment, self.dataset, procedures(self.experiment), self.finished, beside
        )

    def run(self, advance: Advance, beside: Companion) -> Found:
        """Train the replicates that are left, and compare both sides'."""
        given = self.experiment, self.dataset
        trained = populations.train(
            *given, procedures(self.experiment), advance, self.finished, self.place, self._begun
        )
        found = compare_sides(*given, trained, beside)
        compared = {
            each.name: {side.side: [side.initializer, side.protocol.name] for side in (each.scratch, each.keras)}
            for each in found.settings
        }
        verdicts = {"unseeded": {name: each.verdict for name, each in found.comparisons.items()}}
        tables = {"unseeded.parquet": found.trajectories, "unseeded_tests.csv": found.tests()}
        return Found(Status.YES, verdicts, tables, {"settings": compared}, found.failures)
