"""The command `sweep`: the parity matrix, a grid of settings."""

from typing import Annotated

from cyclopts import Parameter

from compare.commands.options import Telling, Working
from compare.experiments.grid import Sweep

DEFAULT = Sweep()


def sweep(
    *,
    grid: Annotated[Sweep, Parameter(name="*")] = DEFAULT,
    working: Working = Working(),
    telling: Telling = Telling(),
) -> int:
    """Ask of every cell of a grid of settings whether the sides agree: one table, one heat map.

    Examples: `keras-parity sweep --workers 2`, `keras-parity sweep --data digits --layers 32 32-16 --modes matched`.
    """
    from compare.commands.main_job import perform, present
    from compare.data.dataset import load
    from compare.experiments.cost import of_sweep, runs
    from compare.experiments.sweep import sweep_job
    from compare.limits import check_within
    from compare.runs.recorder import recording
    from compare.sides.sides import scratch_network
    from compare.work.companion import companion
    from compare.work.engine import ready
    from compare.work.place import usual_place

    grid = working.settings(grid, "sweep")
    datasets = {name: load(name, standardise=grid.standardise, values=True) for name in grid.data}
    telling.note([note for each in datasets.values() for note in each.notes])
    place = usual_place(runs(grid), working.workers, working.scheduler)
    check_within(*of_sweep(grid, datasets).at(place), working.at_any_cost, telling.quiet)
    for cell in grid.cells():
        scratch_network(cell.architecture(datasets[cell.data], grid))  # says now what it does not have
    ready(place)
    with companion(place.companion) as beside:
        with recording(working.out, "sweep", working.resume) as recorder:
            status, free = perform(sweep_job(grid, datasets, recorder.shards, place), recorder, beside, telling)
        present(recorder.finished, free, telling)
    return status
