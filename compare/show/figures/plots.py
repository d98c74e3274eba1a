"""What a person looks at: functions from axes and arrays to artists. Nothing is computed here."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator, StrMethodFormatter
from numpy.typing import ArrayLike

from compare.show.ends import End
from compare.show.figures.style import ARTICLE, ARTICLE_DOTS, DOTS, FLOOR, LINE, NAMES, OTHER, POINT, SIDES, ZONE
from compare.show.gaps import Gaps


def curves(ax: Axes, epochs: ArrayLike, values: Mapping[str, ArrayLike], dots: bool = False) -> None:
    """Both sides' curves of one pair, each of shape (epochs,); as dots where they may alternate."""
    for side, style in SIDES.items():
        ax.plot(epochs, values[side], label=NAMES[side], **(DOTS[side] if dots else style))


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
    floor = np.maximum(found.floor[nearest], smallest)
    ax.fill_between(epochs, smallest, floor, color=FLOOR, linewidth=0, label="its noise floor")
    most = np.maximum(found.gap.max(axis=0), smallest)
    ax.plot(epochs, most, color=OTHER, linewidth=0.8, label="largest gap of all pairs")
    gap = np.maximum(found.gap[nearest], smallest)
    ax.plot(epochs, gap, label="pair nearest to its tolerance", **{**DOTS["scratch"], "markersize": 3.0})
    ax.plot(epochs, found.tolerated[nearest], color=LINE, linewidth=1.2, label="its tolerance")
    ax.axhline(epsilon, color=LINE, linewidth=1.0, linestyle=":", label="machine epsilon")
    if found.judged[nearest] < len(epochs):
        span = found.judged[nearest] - 0.5, len(epochs) - 0.5
        ax.axvspan(*span, facecolor="none", edgecolor=ZONE, hatch="//", linewidth=0, label="moved too far to judge")
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:.0e}"))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_ylim(bottom=smallest)


def band(ax: Axes, x: ArrayLike, quantiles: ArrayLike, side: str) -> None:
    """One side's replicates, Keras's filled and scratch's outlined: a line through the median, quartiles, 5 to 95 %.

    Parameters
    ----------
    quantiles : array_like of shape (5, epochs)
        Of 5, 25, 50, 75 and 95 %.
    """
    low, first, median, third, high = np.asarray(quantiles)
    color = SIDES[side]["color"]
    for below, above, alpha, stroke in ((low, high, 0.18, ":"), (first, third, 0.35, (0, (4, 2)))):
        if side == "keras":
            ax.fill_between(x, below, above, facecolor=(color, alpha), linewidth=0.0)
        else:
            ax.plot(x, np.transpose([below, above]), color=color, linewidth=0.9, linestyle=stroke)
    ax.plot(x, median, label=f"{NAMES[side]}: median, quartiles, 5 to 95 % of runs", **SIDES[side])


MARGIN = "Keras's final mean, give or take the margin of equivalence"
MEAN = "scratch's final mean, 90 % interval"


def ending(ax: Axes, x: float, end: End) -> None:
    """Beside the curves, at `x`: the margin about Keras's final mean, and on it scratch's mean with its interval."""
    ax.vlines(x, end.mean - end.margin, end.mean + end.margin, color=ZONE, linewidth=11, label=MARGIN)
    ax.errorbar([x], [end.mean + end.difference], yerr=_reach(end), label=MEAN, **POINT)


def distributions(ax: Axes, end: End) -> None:
    """Both sides' cumulative distributions of where runs end, over the margin about Keras's mean."""
    if end.tested:
        ax.axvspan(end.mean - end.margin, end.mean + end.margin, color=ZONE, linewidth=0, label=MARGIN)
    for side, style in SIDES.items():
        ax.ecdf(end.values[side], label=NAMES[side], **style)
    if end.tested:
        ax.errorbar([end.mean + end.difference], [0.04], xerr=_reach(end), label=MEAN, **POINT)


def _reach(end: End) -> list[list[float]]:
    """How far the interval goes below and above the mean."""
    return [[end.difference - end.low], [end.high - end.difference]]


def article(
    ax: Axes,
    epochs: ArrayLike,
    runs: Mapping[str, ArrayLike],
    at: ArrayLike,
    published: ArrayLike,
    dots: bool = False,
) -> None:
    """The published points over what the recipe gives here, and the run without the bug beside Keras."""
    looks, here = (DOTS, ARTICLE_DOTS) if dots else (SIDES, ARTICLE)
    ax.plot(epochs, runs["keras"], label="Keras", **looks["keras"])
    ax.plot(epochs, runs["without the bug"], label="without the bug", **looks["scratch"])
    ax.plot(epochs, runs["article"], label="the article's network, run here", **here)
    ax.plot(at, published, "o", color=LINE, markerfacecolor="white", markersize=6, label="published", zorder=5)
