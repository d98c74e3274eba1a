"""A run's curves as TensorBoard event files: one TensorBoard run a side, the same tags, so that it overlays them."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from compare.errors import InputError
from compare.recipe.protocol import MEASURES
from compare.runs import findings
from compare.runs.record import Run


def prepare(directory: Path) -> Path:
    """Make the folder, before anything is trained.

    Raises
    ------
    InputError
        If it cannot be made, or TensorBoard, whose writer is used, is not installed.
    """
    if importlib.util.find_spec("tensorboard") is None:
        raise InputError(
            f"`tensorboard` needs the package tensorboard. Received: {directory} and no such package; "
            "pip install 'keras-parity[tensorboard]'"
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"`tensorboard` must be a folder that can be written to. Received: {directory} ({reason}); name another"
        ) from None
    return directory


def write(run: Run, directory: Path) -> None:
    """Write every curve of a run below `directory`, in a folder with the run's name.

    See them with `tensorboard --logdir DIRECTORY`; the step is the epoch.

    Raises
    ------
    InputError
        If the run has no curves: a check.
    """
    import tensorflow as tf

    told = list(curves(run))
    if not told:
        raise InputError(f"`tensorboard` is for runs with curves. Received: {run.folder}, a {run.manifest['kind']}")
    top = directory / run.folder.with_suffix("").name
    for name, curve in told:
        writer = tf.summary.create_file_writer(str(top / name))
        with writer.as_default():
            for row in curve.itertuples():
                for measure in findings.measures(curve):
                    tf.summary.scalar(measure, getattr(row, measure), step=row.Index)
        writer.close()


def curves(run: Run) -> Iterator[tuple[str, pd.DataFrame]]:
    """Return each curve's TensorBoard run, and its columns loss and accuracy by epoch.

    Matched runs: every pair's; unseeded ones: each setting's median; the article's: each network's; a sweep's: each
    cell's median.
    """
    if "sweep" in run.tables:
        for (cell, side), of_cell in run.tables["trajectories"].groupby(["cell", "side"]):
            yield f"sweep/cell {cell}/{side}", of_cell.groupby("epoch")[list(MEASURES)].median()
    elif "trajectories" in run.tables:
        keys = ["protocol", "dtype", "drawn_by", "replicate", "side"]
        for (protocol, dtype, drawn_by, pair, side), curve in run.tables["trajectories"].groupby(keys, sort=False):
            yield f"matched/{protocol}/{dtype}/weights by {drawn_by}/pair {pair}/{side}", curve.set_index("epoch")
    if "unseeded" in run.tables:
        for setting, sides in findings.settings(run).items():
            for side, runs in sides.items():
                medians = {measure: runs[measure].median() for measure in MEASURES}
                yield f"unseeded/{setting}/median of {side}", pd.DataFrame(medians)
    if "article" in run.tables:
        for network, curve in run.tables["article"].groupby("network", sort=False):
            yield f"article/{network}", curve.set_index("epoch")
