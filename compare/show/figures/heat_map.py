"""A sweep's figures, from its recorded tables alone: the heat map of verdicts, and one cell's trajectories."""

from itertools import product
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from compare.runs.findings import COLUMNS, ROWS, cell_in_words, measures, said, spread
from compare.runs.record import Run
from compare.show.figures import plots, style
from compare.show.figures.style import LABELS, STYLE

# Apart in grey and for the colour-blind, and each with a mark of its own.
VERDICTS = {
    "parity": ("#A6CEE3", ""),
    "equivalent": ("#A6CEE3", ""),
    "parity in part": ("#CFE5F1", "~"),
    "equivalent in mean": ("#CFE5F1", ""),
    "inconclusive": ("#EEEEEE", "~"),
    "undecidable": ("#EEEEEE", "~"),
    "missing": ("#FFFFFF", "?"),
    "different": ("#D95F02", "x"),
    "no parity": ("#D95F02", "x"),
}
NUMBERS = 1000  # cells up to which each shows its number


def draw(run: Run) -> Figure:
    """Draw the heat map: one panel a mode; a cell's number is what `keras-parity show RUN --cell NUMBER` takes."""
    with mpl.rc_context(fname=STYLE):
        table = run.tables["sweep"]
        modes = [mode for mode in COLUMNS if (table["mode"] == mode).any()]
        wide = {mode: _grid(table[table["mode"] == mode], COLUMNS[mode]) for mode in modes}
        rows = max(len(grid) for grid in wide.values())
        columns = [len(grid.columns) for grid in wide.values()]
        figure = Figure(figsize=(max(5.0, 3.2 + 0.42 * sum(columns)), max(3.6, 2.4 + 0.3 * rows)))
        axes = figure.subplots(1, len(modes), squeeze=False, width_ratios=columns, sharey=True)[0]
        axes[0].invert_yaxis()
        for ax, (mode, grid) in zip(axes, wide.items(), strict=True):
            _panel(ax, grid, table.set_index("cell")["verdict"], len(table) <= NUMBERS)
            ax.set_title(mode)
        seen = [verdict for verdict in VERDICTS if (table["verdict"] == verdict).any()]
        handles = [
            Patch(facecolor=VERDICTS[v][0], edgecolor=style.LINE, label=f"{v} {VERDICTS[v][1]}".strip()) for v in seen
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(seen))
        figure.suptitle(run.manifest["verdicts"]["words"], x=0.01, ha="left", fontsize=11)
    return figure


def _grid(table: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    """The numbers of the cells, rows by columns, in the order of the sweep."""
    grid = table.pivot(index=list(ROWS), columns=list(columns), values="cell")
    index, header = (pd.MultiIndex.from_frame(table[list(names)].drop_duplicates()) for names in (ROWS, columns))
    return grid.loc[index, header]


def _panel(ax: Axes, grid: pd.DataFrame, verdicts: pd.Series, numbers: bool) -> None:
    codes = list(VERDICTS)
    values = np.array([[codes.index(verdicts[cell]) for cell in row] for row in grid.to_numpy()])
    colours = ListedColormap([colour for colour, _ in VERDICTS.values()])
    ax.pcolormesh(values, cmap=colours, norm=BoundaryNorm(range(len(codes) + 1), len(codes)), edgecolors="w")
    for row, column in product(*map(range, values.shape)):
        mark = VERDICTS[codes[values[row, column]]][1]
        number: Any = grid.iloc[row, column]
        text = f"{mark}\n{number}".strip() if numbers else mark
        ax.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=6)
    above = [", ".join(map(said, map(str, grid.columns.names), names)) for names in grid.columns]
    ax.set_xticks(np.arange(len(above)) + 0.5, above, rotation=90, fontsize=7)
    ax.set_yticks(np.arange(len(grid)) + 0.5, [", ".join(map(str, names)) for names in grid.index], fontsize=7)
    ax.grid(visible=False)


def draw_cell(run: Run, cell: int) -> Figure:
    """Draw one cell's trajectories: both sides' curves, or the range and median of their replicates."""
    settings: Any = run.tables["sweep"].set_index("cell").loc[cell]
    runs = run.tables["trajectories"]
    runs = runs[runs["cell"] == cell]
    with mpl.rc_context(fname=STYLE):
        figure = Figure(figsize=(9.6, 3.7))
        shown = measures(runs)
        axes = figure.subplots(1, len(shown), squeeze=False)[0]
        for ax, measure in zip(axes, shown, strict=True):
            for side in style.SIDES:
                values = runs[runs["side"] == side].pivot(index="replicate", columns="epoch", values=measure)
                if len(values) > 1:
                    plots.band(ax, values.columns.to_numpy(), spread(values), side)
                elif len(values):
                    ax.plot(values.columns, values.to_numpy()[0], label=style.NAMES[side], **style.SIDES[side])
            ax.set(xlabel="epoch", ylabel=LABELS[measure])
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
        title = f"cell {cell}, {settings['mode']}: {settings['verdict']}"
        figure.suptitle(f"{title}\n{cell_in_words(settings)}", x=0.01, ha="left", fontsize=10)
    return figure
