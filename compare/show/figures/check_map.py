"""The figure of a check: what is not clean, tensors by situations. Nothing is judged here."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure

from compare.phrases import listed
from compare.show.figures.style import COLOURS, EDGES, LINE


def from_one(table: pd.DataFrame) -> pd.DataFrame:
    """Count steps and layers from 1, as people do; `label` is a tensor with its layer, one of each in a step."""
    layers = table["layer"].map(lambda layer: "" if pd.isna(layer) else f" {layer + 1:.0f}")
    named = table.assign(step=table["step"] + 1, label=table["tensor"] + layers)
    again = named.groupby(["what", "step", "label"]).cumcount()  # a layer may have two, as both moving averages
    return named.assign(label=named["label"] + again.map(lambda n: f" ({n + 1})" if n else ""))


def heatmap(ax: Axes, largest: pd.DataFrame) -> object:
    """Draw the largest deviation of each tensor in each situation, in units of its tolerance; return the image."""
    colours = ListedColormap(COLOURS)
    # The last bin has an end, and what is beyond it is in it.
    grid = largest.clip(upper=EDGES[-1] * 0.99).to_numpy(np.float64)
    image = ax.imshow(grid, cmap=colours, norm=BoundaryNorm(EDGES, colours.N), aspect="auto")
    ax.set_xticks(range(len(largest.columns)), list(largest.columns), rotation=45, ha="right")
    ax.set_yticks(range(len(largest.index)), list(largest.index))
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    return image


def draw_check(table: pd.DataFrame, headline: str) -> Figure:
    """Draw the situations and tensors that are out of tolerance somewhere; all of them, where none is.

    Parameters
    ----------
    table : DataFrame
        Columns what, step, layer, tensor, ratio, passed.
    headline : str
        The verdict, above the map.
    """
    table = from_one(table)
    wrong = table.loc[~table["passed"]]
    shown = table if wrong.empty else wrong
    every = [list(dict.fromkeys(table[name])) for name in ("what", "label")]
    seen = {*shown["what"], *shown["label"]}
    rows, columns = ([each for each in of if each in seen] for of in every)
    # What is wrong and has no ratio is not finite.
    ratios = table.assign(ratio=table["ratio"].where(table["passed"], table["ratio"].fillna(np.inf)))
    largest = ratios.pivot_table("ratio", "what", "label", "max").reindex(index=rows, columns=columns)
    width = max(8.0, 4.6 + 0.62 * len(columns))
    figure = Figure(figsize=(width, 2.8 + 0.3 * len(rows)), layout="constrained")
    ax = figure.subplots()
    image = heatmap(ax, largest)
    first = None if wrong.empty else _first(wrong)
    begun: Any = wrong.groupby(["what", "label"], as_index=False)["step"].min()
    for what, label, step in begun.itertuples(index=False):
        dark, begins = largest.loc[what, label] > EDGES[-4], (what, label) == first
        boxed: dict[str, Any] = {"color": LINE, "weight": "bold", "bbox": {"facecolor": "white", "edgecolor": LINE}}
        looks = boxed if begins else {"color": "white" if dark else LINE}
        ax.text(columns.index(label), rows.index(what), f"{step}", ha="center", va="center", fontsize=8, **looks)
    if first is not None:
        words = f"Number: the first wrong step; boxed, where it begins. {_left_out(every, (rows, columns))}"
        figure.supxlabel(textwrap.fill(words, int(13 * width)), x=0.01, ha="left", fontsize=9)
    bar = figure.colorbar(image, ax=ax, ticks=EDGES[1:-1], format="%g", fraction=0.05)  # type: ignore[arg-type]
    bar.set_label("largest deviation,\nin units of the tolerance")
    figure.suptitle(textwrap.fill(headline, int(11 * width)), x=0.01, ha="left", fontsize=11)
    return figure


def _first(wrong: pd.DataFrame) -> tuple[str, str]:
    """Situation and tensor of the first one out of tolerance, in the first situation that has one.

    In order of computation: the loss, then the backward pass from the last layer down.
    """
    of = wrong[wrong["what"] == wrong["what"].iloc[0]]
    first = of.sort_values(["step", "layer"], ascending=[True, False], na_position="first").iloc[0]
    return first["what"], first["label"]


def _left_out(every: Sequence[list[str]], shown: Sequence[list[str]]) -> str:
    """Say what is clean and so not shown; by name where that is short."""
    situations, tensors = ([each for each in of if each not in kept] for of, kept in zip(every, shown, strict=True))
    together = [each.replace(" ", "\N{NO-BREAK SPACE}") for each in tensors]  # a layer's number stays on its line
    counted = zip((situations, together), ("situations", "tensors"), strict=True)
    told = [listed(of) if len(of) <= 3 else f"{len(of)} {kind}" for of, kind in counted if of]
    return f"Clean, and left out: {'; '.join(told)}." if told else ""
