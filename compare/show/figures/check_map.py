"""The figure of a check: tensors by steps, coloured by deviation in units of the tolerance. Nothing is judged here."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure

from compare.show.figures.style import COLOURS, EDGES


def from_one(table: pd.DataFrame) -> pd.DataFrame:
    """Count steps and layers from 1, as people do; `label` is a tensor with its layer, one of each in a step."""
    layers = table["layer"].map(lambda layer: "" if pd.isna(layer) else f" {layer + 1:.0f}")
    named = table.assign(step=table["step"] + 1, label=table["tensor"] + layers)
    again = named.groupby(["what", "step", "label"]).cumcount()  # a layer may have two, as both moving averages
    return named.assign(label=named["label"] + again.map(lambda n: f" ({n + 1})" if n else ""))


def heatmap(ax: Axes, table: pd.DataFrame) -> object:
    """One situation's deviations, tensors by steps, the first one out of tolerance marked; returns the image."""
    labels = list(dict.fromkeys(table["label"]))
    steps = int(table["step"].max())
    grid = np.full((len(labels), steps), np.nan)
    grid[table["label"].map(labels.index), table["step"] - 1] = table["ratio"].clip(upper=EDGES[-1] * 0.99).to_numpy()
    colours = ListedColormap(COLOURS)
    image = ax.imshow(
        grid,
        cmap=colours,
        norm=BoundaryNorm(EDGES, colours.N),
        aspect="auto",
        interpolation="nearest",
        extent=(0.5, steps + 0.5, len(labels) - 0.5, -0.5),
    )
    ax.set_yticks(range(len(labels)), labels)
    ax.set_xlabel("step")
    ax.grid(visible=False)
    out = table.loc[~table["passed"]]
    if len(out):
        # In order of computation: the loss, then the backward pass from the last layer down.
        first = (
            out.loc[out["step"] == out["step"].min()].sort_values("layer", ascending=False, na_position="first").iloc[0]
        )
        ax.plot(first["step"], labels.index(first["label"]), "kx", markersize=8, markeredgewidth=2)
    return image


def draw_check(table: pd.DataFrame, headline: str) -> Figure:
    """Draw up to four situations: the first ones that are out of tolerance, then the first ones.

    Parameters
    ----------
    table : DataFrame
        Columns what, step, layer, tensor, ratio, passed.
    headline : str
        The verdict, above the panels.
    """
    wrong = list(dict.fromkeys(table.loc[~table["passed"], "what"]))
    shown = list(dict.fromkeys([*wrong, *table["what"]]))[:4]
    table = from_one(table)
    figure = Figure(figsize=(11, 1.6 + 2.8 * ((len(shown) + 1) // 2)), layout="constrained")
    axes = figure.subplots((len(shown) + 1) // 2, 2, squeeze=False).ravel()
    image = None
    for ax, what in zip(axes, shown, strict=False):
        image = heatmap(ax, table[table["what"] == what])
        ax.set_title(what)
    for ax in axes[len(shown) :]:
        ax.set_axis_off()
    if image is not None:
        bar = figure.colorbar(image, ax=list(axes), ticks=EDGES[1:-1], format="%g")  # type: ignore[arg-type]
        bar.set_label("deviation / tolerance (x: first beyond it)")
    figure.suptitle(headline, x=0.01, ha="left", fontsize=11)
    return figure
