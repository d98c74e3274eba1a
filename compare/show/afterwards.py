"""What follows a finished run: pictures, its page, what is told. Each by itself: one that fails costs nothing else."""

import shlex
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from compare.phrases import complain
from compare.runs.record import Run
from compare.work.companion import ALONE, Companion, Shared


def prepare() -> None:
    """Make ready to make figures and pages: in a process beside, while this one does something else."""
    from compare.show.making import prepare

    prepare()


class Early:
    """Figures that a companion draws before their run is finished, from tables that are its own already.

    Parameters
    ----------
    beside : Companion
    folder : Path
        Where they are until then.
    """

    def __init__(self, beside: Companion, folder: Path) -> None:
        self.beside, self._folder = beside, folder
        self._drawn: Shared[list[str]] | None = None

    def prepare(self) -> None:
        """Let the companion make ready."""
        self.beside.share(prepare, [()])

    def draw(self, run: Run) -> None:
        """Begin to draw all of a run's figures."""
        self._drawn = self.beside.share(_draw_all, [(run, self._folder)])

    def moved(self, folder: Path) -> list[str]:
        """Wait for the figures, move them into a folder, and return their names."""
        names = [name for drawn in self._drawn.results() for name in drawn] if self._drawn is not None else []
        for path in self._folder.iterdir() if names else ():
            shutil.move(path, folder)
        return names


NOT_EARLY = Early(ALONE, Path())


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
        self.folder, self.source = folder, again or folder
        self.failed = False
        self._again = f"keras-parity report {shlex.quote(str(self.source))}"

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

    def present(self, beside: Companion = ALONE, drawn: bool = True, early: Early = NOT_EARLY) -> None:
        """Draw the run's figures, if wanted, and write its page into the folder; a companion does all of it.

        What was drawn early is not drawn again.
        """
        with self.each("drawing"):
            there = early.moved(self.folder)
            for what, failure in beside.call(_make_all, self.source, self.folder, drawn, there):
                self.tell(what, failure)


# Matplotlib is imported by the process that draws, which alone needs it.


def _make_all(source: Path, folder: Path, drawn: bool, there: Sequence[str]) -> list[tuple[str, str]]:
    from compare.show.making import make_all

    return make_all(source, folder, drawn, there)


def _draw_all(run: Run, folder: Path) -> list[str]:
    from compare.show.making import draw_all

    return draw_all(run, folder)
