"""Draw a finished run's plots and report again, from its files alone; the run's own folder is never changed."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from compare import record
from compare import tensorboard as events
from compare.errors import InputError
from compare.history import find
from compare.progress import width


def report(
    run: str,
    /,
    *,
    out: Path = Path("results"),
    tensorboard: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    quiet: Annotated[bool, Parameter(negative="")] = False,
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
    as_json
        Print the verdicts and the report's path as JSON.
    quiet
        Print the verdict and the report's path alone.
    """
    found = record.read(find(run, out) if run.isdecimal() else Path(run))
    if found.manifest["kind"] == "report":
        raise InputError(
            f"`run` must be a folder with a run's numbers. Received: {found.folder}, drawn from another; name that one"
        )
    if tensorboard is not None:
        events.prepare(tensorboard)
    with record.recording(out, "report") as recorder:
        from compare import report as page
        from compare import summary
        from compare.drawing import draw

        draw(found, recorder.folder)
        page.write(found, recorder.folder)
        recorder.manifest = {"kind": "report", "command": f"keras-parity report {run}", "run": found.manifest}
        if tensorboard is not None:
            events.write(found, tensorboard)
        summary.tell(found, record.finished(recorder), Console(width=width()), summary.style(quiet, as_json))
    return 0
