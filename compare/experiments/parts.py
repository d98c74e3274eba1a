"""A job: which parts it has, and what its manifest tells beside what the parts found."""

from collections.abc import MutableMapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from compare.agreement import tolerance
from compare.data.dataset import Dataset
from compare.experiments.article import ArticlePart
from compare.experiments.experiment import Experiment
from compare.experiments.matched import MatchedPart
from compare.experiments.part import Part
from compare.experiments.unseeded import UnseededPart
from compare.runs.provenance import command_line
from compare.work.place import Place

Finished = MutableMapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Job:
    """What a command has done: its parts, and what its manifest tells in any case.

    Attributes
    ----------
    parts : list of Part
    config : dict
        The settings, which an interrupted run goes on with.
    data : dict of str to str
        Each data set's checksum.
    manifest : dict
    """

    parts: list[Part]
    config: dict[str, Any]
    data: dict[str, str]
    manifest: dict[str, Any]


def main_job(experiment: Experiment, dataset: Dataset, finished: Finished, place: Place) -> Job:
    """Return the job of the command `run`."""
    made: dict[str, Part] = {
        "article": ArticlePart(dataset),
        "matched": MatchedPart(experiment, dataset),
        "unseeded": UnseededPart(experiment, dataset, finished, place),
    }
    _, *layers = experiment.architecture(dataset).sizes
    manifest = {
        "kind": "run",
        "command": command_line(("run",), asdict(experiment), asdict(Experiment())),
        "config": asdict(experiment),
        "protocols": {each.name: asdict(each) for each in map(experiment.adapted, ("article", "keras"))},
        "settings": {},
        "layers": layers,
        "seeds": {
            "seed": experiment.seed,
            "matched_pairs": [experiment.seed + k for k in range(experiment.pairs)],
        },
        "data": described(dataset) | {"features": list(dataset.feature_names), "classes": list(dataset.class_names)},
        "keras_training": "fit" if experiment.keras_fit else "compiled graph, bit-equal to fit",
        "tolerances": {
            "bar": {dtype: float(tolerance.least(1.0, dtype)) for dtype in experiment.dtypes},
            "floor_factor": tolerance.FACTOR,
            "least_ulp": tolerance.LEAST,
            "loosest": tolerance.LOOSEST,
            "probe": tolerance.PROBE,
        },
        "speed": [],
    }
    parts = [made[name] for name in experiment.parts]
    return Job(parts, asdict(experiment), {dataset.name: dataset.sha256}, manifest)


def described(dataset: Dataset) -> dict[str, Any]:
    """What a manifest says of data."""
    told = {"name": dataset.name, "n": dataset.n, "sha256": dataset.sha256}
    return told if dataset.first_column is None else told | {"first_column": dataset.first_column}
