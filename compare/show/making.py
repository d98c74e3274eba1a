"""Makes a recorded run's figures and its page, in two processes where there can be two."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from compare.runs.record import Run, read
from compare.show.figures import drawing
from compare.show.page import page
from compare.work.companion import in_two

PAGE = "the page"


def prepare() -> None:
    """Find fonts and read templates, which whatever is made first would have to wait for."""
    drawing.warm_up()
    page.template()


def draw_all(run: Run, folder: Path) -> list[str]:
    """Draw a run's figures in a folder, and return the names of those that could be drawn."""
    return [what for what in drawing.figures(run) if _tried(drawing.draw, run, folder, what) is None]


def make_all(source: Path, folder: Path, drawn: bool, there: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Make a recorded run's page in a folder, and its figures but for those that are there, if they are wanted.

    In two processes if there can be two. Returns what failed.
    """
    figures = drawing.figures(_read(source)) if drawn else {}
    made = in_two(_made, [(source, folder, what) for what in (*figures, PAGE) if what not in there])
    _read.cache_clear()
    return [each for each in made if each is not None]


@lru_cache(maxsize=1)
def _read(source: Path) -> Run:
    """A run, which a copy of this process then has too."""
    return read(source)


def _made(source: Path, folder: Path, what: str) -> tuple[str, str] | None:
    """Draw a figure, or write the page. A failure is a value too, so that the others are made."""
    if what == PAGE:
        failure = _tried(page.write, _read(source), folder)
    else:
        failure = _tried(drawing.draw, _read(source), folder, what)
    return None if failure is None else (what if what == PAGE else f"drawing {what}", failure)


def _tried(make: Callable[..., object], *arguments: Any) -> str | None:
    """Make something, and return how it failed: a run's numbers and the rest do not go with it."""
    try:
        make(*arguments)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None
