"""A sweep's tables, told on a terminal."""

from typing import Any

import pandas as pd

from compare.runs.findings import Column, Table, cell_in_words
from compare.runs.record import Run
from compare.show.terminal.lines import say
from compare.show.terminal.tables import print_table

TO_LOOK_AT = ("no parity", "different", "undecidable", "parity in part", "missing")
SHOWN = 20  # cells of these that the terminal lists


def tables(run: Run) -> None:
    """Print the cells by verdict, and those to look at."""
    table = run.tables["sweep"]
    counts = table.pivot_table("cell", ["mode", "data", "layers"], "verdict", "count", fill_value=0, sort=False)
    columns = tuple(Column(str(name)) for name in counts.index.names) + tuple(
        Column(str(name), "{:d}") for name in counts.columns
    )
    rows = [(*names, *map(int, of)) for names, of in zip(counts.index, counts.to_numpy(), strict=True)]
    print_table(Table(f"Parity matrix: {len(table)} cells, by verdict", columns, rows))
    bad: Any = table[table["verdict"].isin(TO_LOOK_AT)]
    for cell in bad.head(SHOWN).itertuples():
        say(f"cell {cell.cell}: {cell.verdict}{_what(cell)}; {cell.mode}, {cell_in_words(cell)}")
    if len(bad) > SHOWN:
        say(f"... and {len(bad) - SHOWN} more: sweep.csv has all")
    say("")


def _what(cell: Any) -> str:
    """What decided, where something did; of a cell in parity in part, how much."""
    if cell.verdict == "parity in part":
        return f" ({cell.decided:.0%} of epochs decided)"
    return "" if cell.verdict == "undecidable" or pd.isna(cell.what) else f" ({cell.what.replace('_', ' ')})"
