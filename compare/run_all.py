"""The main job: the article reproduced, both sides matched, both sides unseeded; recorded, drawn and judged."""

import sys
from pathlib import Path

if not __package__:  # run as a script: this folder's `statistics` must not stand in for the standard library's
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from typing import Annotated, Literal

from cyclopts import Parameter

from compare.companion import companion
from compare.config import Experiment, Part, quick
from compare.data import load
from compare.errors import InputError
from compare.place import usual_place
from compare.record import interrupted, recording
from compare.reference import load_keras
from compare.summary import style
from compare.tensorboard import prepare

Many = Parameter(consume_multiple=True, negative="")


def run(
    *,
    data: str = Experiment.data,
    index_column: bool = Experiment.index_column,
    standardise: Annotated[bool, Parameter(negative="")] = Experiment.standardise,
    layers: Annotated[tuple[int, ...] | None, Many] = Experiment.layers,
    learning_rate: float = Experiment.learning_rate,
    epochs: int | None = Experiment.epochs,
    batch_size: int | None = Experiment.batch_size,
    protocol: Literal["article", "keras"] | None = Experiment.protocol,
    only: Annotated[tuple[Part, ...] | None, Many] = Experiment.only,
    pairs: int = Experiment.pairs,
    replicates: int = Experiment.replicates,
    seed: int = Experiment.seed,
    dtype: Literal["float32", "float64", "both"] = Experiment.dtype,
    keras_fit: Annotated[bool, Parameter(negative="")] = Experiment.keras_fit,
    workers: int | None = None,
    scheduler: str | None = None,
    resume: Path | None = None,
    out: Path = Path("results"),
    tensorboard: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    quiet: Annotated[bool, Parameter(negative="")] = False,
    quick_look: Annotated[bool, Parameter(name="--quick", negative="")] = False,
    redraw: Path | None = None,
) -> int:
    """Train a scratch network and Keras side by side, compare them, record and plot everything.

    Examples: `keras-parity run --quick`, `keras-parity run --data wine --standardise --layers 16 3`,
    `keras-parity run --only matched --dtype float64 --seed 7`.

    Parameters
    ----------
    data
        iris, wine, breast_cancer, digits, or the path of a CSV file: first column an index, last column the target.
    index_column
        Whether a CSV file's first column is an index.
    standardise
        Bring every feature to zero mean and unit variance.
    layers
        Units of each layer, the last one the number of classes. Default: 6 10 8 and the number of classes.
    learning_rate
        SGD's step size.
    epochs
        Epochs of every protocol. Default: 200 (article), 30 (keras).
    batch_size
        Batch size of the keras protocol. Default: 32.
    protocol
        article (full batch) or keras (shuffled batches). Default: both.
    only
        The parts to run: article, matched, unseeded. Default: all; the article's on iris only.
    pairs
        Matched runs for each protocol, dtype and source of the initial weights.
    replicates
        Unseeded runs a side.
    seed
        Where all randomness comes from.
    dtype
        float32, float64 or both.
    keras_fit
        Train Keras with plain `fit` rather than with the same numbers from one compiled graph.
    workers
        Processes that run the unseeded replicates, 1 for this one. Default: one for every 500 a side, at most one a
        core; below 500, from 100 on, this one and one beside it.
    scheduler
        Address of a Dask scheduler whose workers run them instead, as tcp://HOST:8786.
    resume
        Go on with an interrupted run, with its settings: its folder, *.partial.
    out
        The folder for the run's folder.
    tensorboard
        A folder for the curves as TensorBoard event files, both sides overlaid.
    as_json
        Print the verdicts and the report's path as JSON.
    quiet
        Print the verdict and the report's path alone.
    quick_look
        Everything, small: at most 10 epochs, 2 pairs, 20 replicates.
    redraw
        Run nothing; draw this finished run's folder again, as `keras-parity report` does.
    """
    if redraw is not None:
        from compare.redraw import report

        return report(str(redraw), out=out, tensorboard=tensorboard, as_json=as_json, quiet=quiet)
    experiment = Experiment(
        data=data,
        index_column=index_column,
        standardise=standardise,
        layers=layers,
        learning_rate=learning_rate,
        epochs=epochs,
        batch_size=batch_size,
        protocol=protocol,
        only=only,
        pairs=pairs,
        replicates=replicates,
        seed=seed,
        dtype=dtype,
        keras_fit=keras_fit,
    )
    if quick_look:
        experiment = quick(experiment)
    if resume is not None:
        if experiment != Experiment():
            raise InputError(f"`resume` takes the settings of the run. Received: {resume} and others; leave them out")
        experiment = Experiment(**interrupted(resume, "run"))
    place = usual_place(experiment.replicates, workers, scheduler)
    with companion(place.companion and "unseeded" in experiment.parts) as beside:
        beside.later(load_keras)  # which takes as long as the next lines
        dataset = load(experiment.data, index_column=experiment.index_column, standardise=experiment.standardise)
        experiment.units(dataset)
        if tensorboard is not None:
            prepare(tensorboard)
        with recording(out, "run", resume) as recorder:
            from compare.job import perform  # not before the input is known to be good: it takes seconds

            return perform(experiment, dataset, recorder, place, beside, style(quiet, as_json), tensorboard)


if __name__ == "__main__":
    from compare.cli import main

    sys.exit(main(["run", *sys.argv[1:]]))
