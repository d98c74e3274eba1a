"""What follows a finished run: pictures, its page, what is told. Each by itself: one that fails costs nothing else."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compare.phrases import complain
from compare.runs.record import Run
from compare.show.figures.drawing import begin_drawing
from compare.show.page import page
from compare.work.companion import ALONE, Companion


class Afterwards:
    """Does things with a finished run, and tells of those that fail in a line each.

    Parameters
    ----------
    folder : Path
        Where pictures and page come.
    again : Path, optional
        The run's own folder, where that is another one.

    Attributes
    ----------
    failed : bool
        Whether one of them did.
    """

    def __init__(self, folder: Path, again: Path | None = None) -> None:
        self.folder = folder
        self.failed = False
        self._again = f"keras-parity report {shlex.quote(str(again or folder))}"

    @contextmanager
    def each(self, what: str) -> Iterator[None]:
        """Do one thing; whatever it raises is told, and goes no further. An interrupt does."""
        try:
            yield
        except Exception as error:  # whatever it is: the run is finished, and stays
            self.tell(what, f"{type(error).__name__}: {error}")
        except BaseException as error:
            error.add_note(f"the run is finished: {self._again}")
            raise

    def tell(self, what: str, failure: str) -> None:
        """Tell of one thing that failed, and how to have it made again."""
        self.failed = True
        complain(f"{what} failed ({failure}); the run is finished and kept: {self._again}")

    def present(self, run: Run, beside: Companion = ALONE) -> None:
        """Draw a run's figures and write its page into the folder."""
        with self.each("drawing"):
            figures = begin_drawing(run, self.folder, beside)
            self.write(run)
            for name, failure in figures.results():
                if failure:
                    self.tell(f"drawing {name}", failure)

    def write(self, run: Run) -> None:
        """Write a run's page into the folder."""
        with self.each("the page"):
            page.write(run, self.folder)
