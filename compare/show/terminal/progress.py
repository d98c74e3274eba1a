"""What a person sees while a command works: bars on a terminal, else a line a stage."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn


@contextmanager
def silent(name: str, total: int) -> Iterator[Any]:
    """A stage that nobody watches."""
    yield lambda done=1: None


@contextmanager
def progress(quiet: bool = False) -> Iterator[Any]:
    """Show what is being done, unless quiet, on stderr. Yields `stage(name, total)`; that yields `advance(done=1)`."""
    console = Console(stderr=True)
    bars = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=quiet or not console.is_terminal,
    )

    @contextmanager
    def stage(name: str, total: int) -> Iterator[Any]:
        if not (quiet or console.is_terminal):
            print(f"{name} ...", file=sys.stderr, flush=True)
        task = bars.add_task(name, total=total)
        yield lambda done=1: bars.advance(task, done)
        bars.update(task, completed=total)

    with bars:
        yield stage
