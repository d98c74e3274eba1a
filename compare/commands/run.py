"""The command `run`: the article reproduced, both sides matched, both sides unseeded."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from compare.commands.options import Flag, Telling, Working
from compare.experiments.experiment import Experiment, quick

DEFAULT = Experiment()


def run(
    *,
    experiment: Annotated[Experiment, Parameter(name="*")] = DEFAULT,
    working: Working = Working(),
    tensorboard: Path | None = None,
    telling: Telling = Telling(),
    quick_look: Annotated[Flag, Parameter(name="--quick")] = False,
) -> int:
    """Train a scratch network and Keras side by side, compare them, record and plot everything.

    Examples: `keras-parity run --quick`, `keras-parity run --data wine --standardise --layers 16 3`,
    `keras-parity run --only matched --dtype float64 --seed 7`,
    `keras-parity run --data breast_cancer --standardise --output sigmoid --optimizer "adam(learning_rate=0.001)"`.

    Parameters
    ----------
    tensorboard
        A folder for the curves as TensorBoard event files, both sides overlaid.
    quick_look
        Everything, small: at most 10 epochs, 2 pairs, 20 replicates.
    """
    if quick_look:
        experiment = quick(experiment)
    from compare.commands import main_job
    from compare.data.dataset import load
    from compare.experiments import parts
    from compare.experiments.cost import of_run
    from compare.limits import check_within
    from compare.runs.recorder import recording
    from compare.show.figures.tensorboard import prepare
    from compare.sides.sides import scratch_network
    from compare.work.companion import companion
    from compare.work.engine import ready
    from compare.work.place import usual_place

    experiment = working.settings(experiment, "run")
    place = usual_place(experiment.replicates, working.workers, working.scheduler)
    with companion(place.companion) as beside:
        dataset = load(
            experiment.data, index_column=experiment.index_column, standardise=experiment.standardise, values=True
        )
        telling.note(dataset.notes)
        check_within(*of_run(experiment, dataset).at(place), working.at_any_cost, telling.quiet)
        scratch_network(experiment.architecture(dataset))  # says now what it does not have
        ready(place)
        if tensorboard is not None:
            prepare(tensorboard)
        with recording(working.out, "run", working.resume) as recorder:
            job = parts.main_job(experiment, dataset, recorder.shards, place)
            status, free = main_job.perform(job, recorder, beside, telling)
        main_job.present(recorder.finished, free, telling, tensorboard)
    return status
