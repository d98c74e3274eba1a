"""Tables for a terminal."""

import sys

from rich.console import Console
from rich.table import Table as Shown

from compare.runs.findings import Table


def console() -> Console:
    """The terminal at its own width; else with room for the tables."""
    return Console(width=None if sys.stdout.isatty() else 110)


def shown(table: Table) -> Shown:
    """A table for the terminal; a grouped one opens each group in bold and names it once."""
    found = Shown(title=table.title, title_justify="left")
    for column in table.columns:
        found.add_column(column.name, justify="right" if column.right else "left")
    group = None
    for row, texts in zip(table.rows, table.texts, strict=True):
        opens = table.grouped and row[0] != group
        if opens:
            found.add_section()
        found.add_row(*([""] if table.grouped and not opens else texts[:1]), *texts[1:], style="bold" if opens else "")
        group = row[0]
    return found
