"""Tables for a terminal."""

from rich.table import Table as Shown

from compare.phrases import visible
from compare.runs.findings import Table
from compare.show.terminal.lines import console


def print_table(table: Table) -> None:
    """Print a table; a grouped one opens each group in bold and names it once."""
    found = Shown(title=visible(table.title), title_justify="left")
    for column in table.columns:
        found.add_column(visible(column.name), justify="right" if column.right else "left")
    group = None
    for row, cells in zip(table.rows, table.texts, strict=True):
        texts = list(map(visible, cells))
        opens = table.grouped and row[0] != group
        if opens:
            found.add_section()
        found.add_row(*([""] if table.grouped and not opens else texts[:1]), *texts[1:], style="bold" if opens else "")
        group = row[0]
    console().print(found)
