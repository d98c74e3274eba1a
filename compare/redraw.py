"""Draw a finished run again, from its files alone; the run's own folder is never changed."""

from pathlib import Path

from rich.console import Console

from compare import record


def redraw(run: Path, /, *, out: Path = Path("results")) -> int:
    """Draw a finished run's plots again into a folder of their own, and print its tables.

    Parameters
    ----------
    run
        The run's folder.
    out
        The folder for the new plots' folder.
    """
    found = record.read(run)
    with record.recording(out, "redraw") as recorder:
        from compare import summary
        from compare.drawing import draw

        draw(found, recorder.folder)
        recorder.manifest = {"kind": "redraw", "command": f"keras-parity redraw {run}", "run": found.manifest}
        summary.print_run(found, record.finished(recorder), Console())
    return 0
