"""Lines on a terminal, in which text is text: no markup, no emoji, no escape sequence of a terminal."""

import sys

from rich.console import Console

from compare.phrases import visible


def console() -> Console:
    """The terminal at its own width; else with room for the tables."""
    return Console(width=None if sys.stdout.isatty() else 110, markup=False, emoji=False)


def say(text: str, style: str | None = None) -> None:
    """Print a line, or several."""
    console().print(visible(text), style=style, soft_wrap=True)
