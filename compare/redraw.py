"""Draw a finished run's plots and report again, from its files alone; the run's own folder is never changed."""

from pathlib import Path

from rich.console import Console

from compare import record
from compare import tensorboard as events


def report(run: Path, /, *, out: Path = Path("results"), tensorboard: Path | None = None) -> int:
    """Draw a finished run's plots and report again into a folder of their own, and print its tables.

    Example: `keras-parity report results/0001-run-20261123T214141Z`.

    Parameters
    ----------
    run
        The run's folder.
    out
        The folder for the new folder.
    tensorboard
        A folder for the run's curves as TensorBoard event files, both sides overlaid.
    """
    found = record.read(run)
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
        summary.print_run(found, record.finished(recorder), Console())
    return 0
