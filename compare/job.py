"""What the main job does, in order: run the parts, record them, draw them, print what was found."""

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

from compare import parity, record, report, summary
from compare.article import run_article
from compare.config import Experiment
from compare.data import Dataset
from compare.drawing import draw
from compare.matched import cases, run_matched
from compare.unseeded import procedures, run_unseeded


def perform(experiment: Experiment, dataset: Dataset, recorder: record.Recorder) -> int:
    """Run the experiment's parts into the recorder's folder; print tables and return the exit status."""
    verdicts: dict[str, Any] = {}
    compared: dict[str, Any] = {}
    with _progress() as stage:
        with stage("loading TensorFlow", 1):
            _import_keras()
        if "article" in experiment.parts:
            with stage("the article", 1):
                article = run_article(dataset)
            recorder.table("article.parquet", article.trajectories)
            recorder.table("article_table.csv", article.table)
            recorder.table("article_parity.csv", article.parity)
            verdicts["article"] = {"passed": article.passed, "first_wrong_step": article.first_wrong_step}
        if "matched" in experiment.parts:
            with stage("matched", len(cases(experiment)) * experiment.pairs) as advance:
                matched = run_matched(experiment, dataset, advance)
            recorder.table("trajectories.parquet", matched.trajectories)
            recorder.table("noise_floor.parquet", matched.floor)
            recorder.table("parity.csv", matched.parity)
            verdicts["matched"] = {"passed": matched.passed}
        if "unseeded" in experiment.parts:
            with stage("unseeded", len(procedures(experiment)) * experiment.replicates) as advance:
                unseeded = run_unseeded(experiment, dataset, advance)
            recorder.table("unseeded.parquet", unseeded.trajectories)
            recorder.table("unseeded_tests.csv", unseeded.tests())
            compared = {
                each.name: {side.side: [side.initializer, side.protocol.name] for side in (each.scratch, each.keras)}
                for each in unseeded.settings
            }
            verdicts["unseeded"] = {name: each.verdict for name, each in unseeded.comparisons.items()}
        passed = all(part.get("passed", True) for part in verdicts.values())
        recorder.manifest = _manifest(experiment, dataset, {"passed": passed, **verdicts}, compared)
        recorder.finish()
        with stage("drawing", 1):
            found = record.read(recorder.folder)
            draw(found, recorder.folder)
            report.write(found, recorder.folder)
    summary.print_run(record.read(recorder.folder), record.finished(recorder), Console(width=_width()))
    return 0 if passed else 1


def _manifest(
    experiment: Experiment, dataset: Dataset, verdicts: dict[str, Any], settings: dict[str, Any]
) -> dict[str, Any]:
    return {
        "kind": "run",
        "command": _command(experiment),
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
        "code": record.code(),
        "env": record.environment(),
        "keras_training": "fit" if experiment.keras_fit else "compiled graph, bit-equal to fit",
        "tolerances": {
            "bar": parity.BARS,
            "floor_factor": parity.FLOOR_FACTOR,
            "judged_by_floor_from": parity.NEAR_BAR,
        },
        "verdicts": verdicts,
    }


def _command(experiment: Experiment) -> str:
    """Return the command that repeats the run: every setting that is not the default."""
    words = ["keras-parity", "run"]
    for field in fields(experiment):
        value, option = getattr(experiment, field.name), field.name.replace("_", "-")
        if value == field.default:
            continue
        if isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
        else:
            words += [f"--{option}", *map(str, value if isinstance(value, tuple) else (value,))]
    return shlex.join(words)


def _import_keras() -> None:
    """Import the reference without the lines that TensorFlow's C++ parts print, whatever its log level, at import."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        import keras_ref  # noqa: F401
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _width() -> int | None:
    """A terminal's own width; else room for the tables."""
    return None if sys.stdout.isatty() else 110


@contextmanager
def _progress() -> Iterator[Any]:
    """Show what is being done, on stderr: bars on a terminal, else a line a stage. Yields `stage(name, total)`."""
    console = Console(stderr=True)
    bars = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )

    @contextmanager
    def stage(name: str, total: int) -> Iterator[Any]:
        if not console.is_terminal:
            print(f"{name} ...", file=sys.stderr, flush=True)
        task = bars.add_task(name, total=total)
        yield lambda done=1: bars.advance(task, done)
        bars.update(task, completed=total)

    with bars:
        yield stage
