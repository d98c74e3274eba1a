"""A check's report on a terminal: the verdict in colour, each place in a file a link to it."""

import re
from pathlib import Path

from rich.console import Console
from rich.text import Text

from compare.phrases import visible

PLACE = re.compile(r"^  line: (?P<place>(?P<file>.+?):(?P<line>\d+))(?: in |: )")


def tell(text: str, passed: bool) -> None:
    """Print a report's text; where the output is no terminal, it is the text alone."""
    console = Console(highlight=False, soft_wrap=True)
    for number, line in enumerate(visible(text).splitlines()):
        shown = Text(line)
        if not number:
            shown.stylize("bold green" if passed else "bold red")
        elif found := PLACE.match(line):
            link = f"{Path(found['file']).resolve().as_uri()}#{found['line']}"  # editors' terminals open it there
            shown.stylize(f"bold link {link}", found.start("place"), found.end("place"))
        console.print(shown)
