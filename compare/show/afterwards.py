"""What follows a finished run: pictures, its page, what is told. Each by itself: one that fails costs nothing else."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compare.phrases import complain
from compare.work.companion import ALONE, Companion


def prepare() -> None:
    """Make ready to make figures and pages: in a process beside, while this one does something else."""
    from compare.show.making import prepare

    prepare()


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

    def present(self, beside: Companion = ALONE, drawn: bool = True) -> None:
        """Draw the run's figures, if wanted, and write its page into the folder; a companion does all of it."""
        with self.each("drawing"):
            for what, failure in beside.call(_make_all, self.source, self.folder, drawn):
                self.tell(what, failure)


def _make_all(source: Path, folder: Path, drawn: bool) -> list[tuple[str, str]]:
    from compare.show.making import make_all  # with Matplotlib, which only the process that draws needs

    return make_all(source, folder, drawn)
