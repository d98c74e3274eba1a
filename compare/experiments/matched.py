"""The matched experiment: both sides start from the same weights and see the same batches, and must stay equal."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import pandas as pd

from compare.agreement import parity
from compare.data.dataset import Dataset
from compare.experiments.experiment import Experiment
from compare.experiments.judgement import judge_pairs, row
from compare.experiments.pair import Course, train_keras, train_pair, trajectory
from compare.experiments.part import Advance, Found, Status
from compare.recipe.protocol import Protocol
from compare.recipe.streams import stream
from compare.runs.verdict import in_part, out_of_tolerance
from compare.sides.sides import DRAWN_BY, initial_weights
from compare.work.companion import Companion

FIT_EPOCHS = 10  # of a run, in which Keras's own `fit`, which takes long, is held to the compiled run


@dataclass(frozen=True)
class Matched:
    """What the matched experiment found, as tidy tables.

    Attributes
    ----------
    trajectories : DataFrame
        protocol, dtype, drawn_by, side, replicate (the pair), epoch, loss, accuracy.
    floor : DataFrame
        The noise floor: protocol, dtype, drawn_by, replicate, epoch, loss, accuracy.
    parity : DataFrame
        One row a comparison: what, protocol, dtype, drawn_by, replicate, layer, tensor, and a `parity.Difference`.
    pairs : DataFrame
        One row a pair: protocol, dtype, drawn_by, replicate, verdict, decided (how many epochs could be), epochs.
    speed : list of dict
        protocol, dtype, side, microseconds: a step's, in the fastest run. A sign, not a benchmark.
    """

    trajectories: pd.DataFrame
    floor: pd.DataFrame
    parity: pd.DataFrame
    pairs: pd.DataFrame
    speed: list[dict[str, Any]] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether both sides agree, and no pair is undecidable."""
        return self.status == Status.YES

    @property
    def status(self) -> Status:
        """Whether every comparison is within its tolerance, and no pair is undecidable."""
        if not self.parity["passed"].all():
            return Status.NO
        return Status.UNDECIDABLE if (self.pairs["verdict"] == "undecidable").any() else Status.YES


def cases(experiment: Experiment) -> list[tuple[Protocol, str, str]]:
    """Return what is run `pairs` times: protocol, dtype, and who draws the initial weights."""
    return list(product(experiment.protocols, experiment.dtypes, DRAWN_BY))


def run_matched(experiment: Experiment, dataset: Dataset, advance: Advance = lambda: None) -> Matched:
    """Train both sides from equal weights on equal batches, and compare them.

    Parameters
    ----------
    experiment : Experiment
    dataset : Dataset
    advance : callable
        Called after each pair.

    Returns
    -------
    Matched
    """
    trajectories, floors, pairs = [], [], []
    rows: list[dict[str, Any]] = []
    fastest: dict[tuple[str, str, str], float] = {}
    for protocol, dtype, drawn_by in cases(experiment):
        architecture, steps = experiment.architecture(dataset, dtype), protocol.epochs * protocol.steps(dataset.n)
        trained = []
        for number in range(experiment.pairs):
            orders = protocol.orders(stream(experiment.seed, "matched", protocol.name, str(number)), dataset.n)
            start = initial_weights(architecture, experiment.seed + number, drawn_by)
            course = Course(architecture, dataset, protocol, orders, start)
            trained.append(train_pair(course, experiment.keras_fit))
            for side, seconds in trained[-1].seconds.items():
                key = (protocol.name, dtype, side)
                fastest[key] = min(fastest.get(key, math.inf), seconds / steps * 1e6)
            advance()
        noise = [
            stream(experiment.seed, "floor", protocol.name, drawn_by, str(number)) for number in range(len(trained))
        ]
        for number, (pair, judged) in enumerate(zip(trained, judge_pairs(trained, noise), strict=True)):
            case = {"protocol": protocol.name, "dtype": dtype, "drawn_by": drawn_by, "replicate": number}
            found, floor = judged.rows, judged.floor
            pairs.append({**case, "verdict": judged.verdict, "decided": judged.decided, "epochs": protocol.epochs})
            if number == 0 and drawn_by == "scratch":
                found += _same_keras(pair.course)
            rows += [{**case, **each} for each in found]
            for side, (loss, accuracy) in pair.trajectories.items():
                trajectories.append(trajectory(loss, accuracy, side=side, **case))
            floors.append(trajectory(floor.loss, floor.accuracy, **case))
    names = ("protocol", "dtype", "side", "microseconds")
    speed = [dict(zip(names, (*key, round(of, 1)), strict=True)) for key, of in fastest.items()]
    series, floor_table = (pd.concat(each, ignore_index=True) for each in (trajectories, floors))
    return Matched(series, floor_table, pd.DataFrame(rows), pd.DataFrame(pairs), speed)


def _same_keras(course: Course) -> list[dict[str, Any]]:
    """Keras's plain fit and its compiled run must agree bit for bit, for some epochs: loss, accuracy and weights."""
    protocol = replace(course.protocol, epochs=min(FIT_EPOCHS, course.protocol.epochs))
    course = replace(course, protocol=protocol, orders=course.orders[: protocol.epochs])
    (one, weights), (other, others) = (train_keras(course, plain_fit) for plain_fit in (False, True))
    series = [("loss", one.loss, other.loss), ("accuracy", one.accuracy, other.accuracy)]
    series += [("weights", a.ravel(), b.ravel()) for a, b in zip(weights, others, strict=True)]
    return [row("fit = compiled", parity.judge(a, b, 0.0, 0.0), tensor=name) for name, a, b in series]


class MatchedPart:
    """The matched experiment as a part of the main job."""

    title = "matched"
    here = True

    def __init__(self, experiment: Experiment, dataset: Dataset) -> None:
        self.experiment, self.dataset = experiment, dataset
        self.size = len(cases(experiment)) * experiment.pairs

    def begin(self, beside: Companion) -> None:
        """Do nothing: this process does it all."""

    def run(self, advance: Advance, beside: Companion) -> Found:
        """Train and compare every pair."""
        matched = run_matched(self.experiment, self.dataset, advance)
        tables = {
            "trajectories.parquet": matched.trajectories,
            "noise_floor.parquet": matched.floor,
            "parity.csv": matched.parity,
            "pairs.csv": matched.pairs,
        }
        told = matched.pairs["verdict"].value_counts()
        verdict = {
            "passed": matched.passed,
            "undecidable": int(told.get("undecidable", 0)),
            "in_part": int(told.get("parity in part", 0)),
            "in_part_words": in_part(matched.pairs),
            "decided": float(matched.pairs["decided"].sum() / matched.pairs["epochs"].sum()),
            "out": out_of_tolerance(matched.parity),
        }
        verdicts = {"matched": verdict}
        return Found(matched.status, verdicts, tables, {"speed": matched.speed})
