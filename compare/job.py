"""What the main job does, in order: run the parts, record them, draw them, print what was found."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from compare import parity, provenance, record, summary
from compare.article import run_article
from compare.companion import ALONE, Companion
from compare.config import Experiment
from compare.data import Dataset
from compare.engine import Failure
from compare.matched import cases, run_matched
from compare.place import HERE, Place
from compare.progress import progress, width
from compare.reference import load_keras
from compare.unseeded import begin_unseeded, procedures, run_unseeded


def perform(
    experiment: Experiment,
    dataset: Dataset,
    recorder: record.Recorder,
    place: Place = HERE,
    beside: Companion = ALONE,
    how: summary.Style = "tables",
    events: Path | None = None,
) -> int:
    """Run the experiment's parts into the recorder's folder; tell what was found and return the exit status.

    `beside` takes a part of the work; `events` is a folder for TensorBoard's files.
    """
    recorder.begin(asdict(experiment), {dataset.name: dataset.sha256})
    verdicts: dict[str, Any] = {}
    compared: dict[str, Any] = {}
    failures: list[Failure] = []
    speed: list[dict[str, Any]] = []
    parts = experiment.parts
    with progress(quiet=how == "quiet") as stage:
        begun = begin_unseeded(experiment, dataset, recorder.shards, beside) if "unseeded" in parts else None
        # These take a second to import; the companion has begun.
        from compare import report, tensorboard
        from compare.drawing import begin_drawing

        if place.here or parts != ("unseeded",):
            with stage("loading TensorFlow", 1):
                load_keras()
        if "article" in parts:
            with stage("the article", 1):
                article = run_article(dataset)
            recorder.table("article.parquet", article.trajectories)
            recorder.table("article_table.csv", article.table)
            recorder.table("article_parity.csv", article.parity)
            verdicts["article"] = {"passed": article.passed, "first_wrong_step": article.first_wrong_step}
        if "matched" in parts:
            with stage("matched", len(cases(experiment)) * experiment.pairs) as advance:
                matched = run_matched(experiment, dataset, advance)
            recorder.table("trajectories.parquet", matched.trajectories)
            recorder.table("noise_floor.parquet", matched.floor)
            recorder.table("parity.csv", matched.parity)
            verdicts["matched"] = {"passed": matched.passed}
            speed = matched.speed
        if "unseeded" in parts:
            with stage("unseeded", len(procedures(experiment)) * experiment.replicates) as advance:
                unseeded = run_unseeded(experiment, dataset, advance, recorder.shards, place, begun)
            recorder.table("unseeded.parquet", unseeded.trajectories)
            recorder.table("unseeded_tests.csv", unseeded.tests())
            compared = {
                each.name: {side.side: [side.initializer, side.protocol.name] for side in (each.scratch, each.keras)}
                for each in unseeded.settings
            }
            failures = unseeded.failures
            verdicts["unseeded"] = {name: each.verdict for name, each in unseeded.comparisons.items()}
        passed = all(part.get("passed", True) for part in verdicts.values())
        recorder.manifest = _manifest(experiment, dataset, {"passed": passed, **verdicts}, compared, failures)
        recorder.manifest["speed"] = speed
        recorder.finish()
        with stage("drawing", 1):
            found = recorder.read()
            figures = begin_drawing(found, recorder.folder, beside)
            report.write(found, recorder.folder)
            list(figures.results())
        if events is not None:
            with stage("TensorBoard", 1):
                tensorboard.write(found, events)
    summary.tell(found, record.finished(recorder), Console(width=width()), how)
    return 0 if passed else 1


def _manifest(
    experiment: Experiment,
    dataset: Dataset,
    verdicts: dict[str, Any],
    settings: dict[str, Any],
    failures: list[Failure],
) -> dict[str, Any]:
    return {
        "kind": "run",
        "command": provenance.command_line(("run",), asdict(experiment), asdict(Experiment())),
        "config": asdict(experiment),
        "protocols": {each.name: asdict(each) for each in map(experiment.adapted, ("article", "keras"))},
        "settings": settings,
        "layers": list(experiment.units(dataset)),
        "seeds": {
            "seed": experiment.seed,
            "matched_pairs": [experiment.seed + k for k in range(experiment.pairs)],
        },
        "data": {
            "name": dataset.name,
            "n": dataset.n,
            "features": list(dataset.feature_names),
            "classes": list(dataset.class_names),
            "sha256": dataset.sha256,
        },
        "code": provenance.code(),
        "env": provenance.environment(),
        "keras_training": "fit" if experiment.keras_fit else "compiled graph, bit-equal to fit",
        "tolerances": {
            "bar": parity.BARS,
            "floor_factor": parity.FLOOR_FACTOR,
            "judged_by_floor_from": parity.NEAR_BAR,
        },
        "failures": [failure.record() for failure in failures],
        "missing": sum(len(failure.shard) for failure in failures),
        "verdicts": verdicts,
    }
