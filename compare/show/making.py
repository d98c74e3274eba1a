"""Makes a recorded run's figures and its page, in two processes where there can be two."""

from functools import lru_cache
from pathlib import Path

from compare.runs.record import Run, read
from compare.show.figures import drawing
from compare.show.page import page
from compare.work.companion import in_two

PAGE = "the page"


def prepare() -> None:
    """Find fonts and read templates, which whatever is made first would have to wait for."""
    drawing.warm_up()
    page.template()


def make_all(source: Path, folder: Path, drawn: bool) -> list[tuple[str, str]]:
    """Make a recorded run's figures and page in a folder, in two processes if there can be two; return what failed."""
    run = _read(source)
    figures = drawing.figures(run) if drawn else {}
    made = in_two(_made, [(source, folder, what) for what in (*figures, PAGE)])
    _read.cache_clear()
    return [each for each in made if each is not None]


@lru_cache(maxsize=1)
def _read(source: Path) -> Run:
    """A run, which a copy of this process then has too."""
    return read(source)


def _made(source: Path, folder: Path, what: str) -> tuple[str, str] | None:
    """Draw a figure, or write the page. A failure is a value too, so that the others are made."""
    try:
        if what == PAGE:
            page.write(_read(source), folder)
        else:
            drawing.draw(_read(source), folder, what)
    except Exception as error:  # whatever it is: a run's numbers and the rest do not go with it
        return what if what == PAGE else f"drawing {what}", f"{type(error).__name__}: {error}"
    return None
