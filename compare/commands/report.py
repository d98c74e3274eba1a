"""The command `report`: a finished run's plots and report again, from its files; the run's own folder never changes."""

from pathlib import Path

from compare.commands.options import Telling
from compare.errors import InputError


def report(
    run: str,
    /,
    *,
    out: Path = Path("results"),
    tensorboard: Path | None = None,
    telling: Telling = Telling(),
) -> int:
    """Draw a finished run's plots and report again into a folder of their own, and print its tables.

    Example: `keras-parity report results/0001-run-20261123T214141Z`.

    Parameters
    ----------
    run
        The run's folder, or its number.
    out
        The folder of runs: where a number is looked up, and where the new folder comes.
    tensorboard
        A folder for the run's curves as TensorBoard event files, both sides overlaid.
    """
    from compare.runs import record
    from compare.runs.history import find
    from compare.runs.recorder import recording
    from compare.show.afterwards import Afterwards
    from compare.show.figures import tensorboard as events
    from compare.show.terminal import summary

    found = record.read(find(run, out) if run.isdecimal() else Path(run))
    if found.manifest["kind"] == "report":
        raise InputError(
            f"`run` must be a folder with a run's numbers. Received: {found.folder}, drawn from another; name that one"
        )
    if tensorboard is not None:
        events.prepare(tensorboard)
    with recording(out, "report") as recorder:
        recorder.manifest = {"kind": "report", "command": f"keras-parity report {run}", "run": found.manifest}
    after = Afterwards(recorder.finished, again=found.folder)
    after.present()
    if tensorboard is not None:
        with after.each("TensorBoard"):
            events.write(found, tensorboard)
    with after.each("telling"):
        summary.tell(found, recorder.finished, quiet=telling.quiet, as_json=telling.as_json)
    return 2 if after.failed else 0
