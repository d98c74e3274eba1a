"""What a person looks at: functions from axes and arrays to artists. Nothing is computed here."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator, StrMethodFormatter
from numpy.typing import ArrayLike

from compare.show.figures.style import FLOOR, LINE, NAMES, SIDES
from compare.show.gaps import Gaps


def curves(ax: Axes, epochs: ArrayLike, values: Mapping[str, ArrayLike]) -> None:
    """Both sides' curves of one pair, each of shape (epochs,)."""
    for side, style in SIDES.items():
        ax.plot(epochs, values[side], label=NAMES[side], **style)


def gaps(ax: Axes, found: Gaps, epsilon: float, smallest: float) -> None:
    """The gap between the sides over the noise floor, on a log scale; of the pair nearest to its tolerance, and of all.

    Parameters
    ----------
    found : Gaps
    epsilon : float
        Machine epsilon.
    smallest : float
        Where a gap of zero is drawn: the lower end of the axis.
    """
    epochs, nearest = np.arange(found.gap.shape[1]), found.nearest
    floor, color = np.maximum(found.floor[nearest], smallest), SIDES["scratch"]["color"]
    ax.fill_between(epochs, smallest, floor, color=FLOOR, linewidth=0, label="its noise floor")
    most = np.maximum(found.gap.max(axis=0), smallest)
    ax.plot(epochs, most, color=color, linewidth=0.6, alpha=0.5, label="largest gap of all pairs")
    gap = np.maximum(found.gap[nearest], smallest)
    ax.plot(epochs, gap, color=color, linewidth=1.2, label="pair nearest to its tolerance")
    ax.plot(epochs, found.tolerated[nearest], color=LINE, linewidth=1.2, label="its tolerance")
    ax.axhline(epsilon, color=LINE, linewidth=1.0, linestyle=":", label="machine epsilon")
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:.0e}"))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_ylim(bottom=smallest)


def band(ax: Axes, x: ArrayLike, low: ArrayLike, median: ArrayLike, high: ArrayLike, side: str) -> None:
    """One side's replicates: the range as a band, the median as a line; each of shape (epochs,)."""
    color = SIDES[side]["color"]
    hatch = {"keras": None, "scratch": "////"}[side]
    ax.fill_between(x, low, high, facecolor=(color, 0.18), edgecolor=(color, 0.35), hatch=hatch, linewidth=0.0)
    ax.plot(x, median, label=f"{NAMES[side]}, median and range", **SIDES[side])


def distributions(ax: Axes, values: Mapping[str, ArrayLike], bins: list[float], medians: Mapping[str, float]) -> None:
    """Both sides' replicates as histograms over common bins, their medians marked; values of shape (replicates,)."""
    for side, style in SIDES.items():
        filled = side == "keras"
        ax.hist(
            values[side],
            bins=bins,
            histtype="stepfilled" if filled else "step",
            color=style["color"],
            alpha=0.6 if filled else 1.0,
            linewidth=1.4,
            linestyle="-" if filled else style["linestyle"],
            label=NAMES[side],
            zorder=style["zorder"],
        )
        ax.axvline(medians[side], color=style["color"], linewidth=1.4, linestyle=style["linestyle"], zorder=1)


def article(ax: Axes, epochs: ArrayLike, runs: Mapping[str, ArrayLike], at: ArrayLike, published: ArrayLike) -> None:
    """The published points over what the recipe gives here, and the run without the bug beside Keras."""
    ax.plot(epochs, runs["keras"], label="Keras", **SIDES["keras"])
    ax.plot(epochs, runs["without the bug"], label="without the bug", **SIDES["scratch"])
    ax.plot(epochs, runs["article"], color=LINE, linewidth=1.2, label="the article's network, run here", zorder=4)
    ax.plot(at, published, "o", color=LINE, markerfacecolor="white", markersize=6, label="published", zorder=5)
