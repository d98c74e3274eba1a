"""How every figure of panels is laid out: its size, its axes, one legend below, and the finding above."""

from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter
from numpy.typing import NDArray


def panelled(rows: int, columns: int, **settings: Any) -> tuple[Figure, NDArray[Any]]:
    """Make a figure with rows and columns of panels."""
    figure = Figure(figsize=(0.8 + 4.4 * columns, 1.1 + 2.8 * rows))
    return figure, figure.subplots(rows, columns, squeeze=False, **settings)


def finish(figure: Figure, finding: str, ncols: int = 4) -> Figure:
    """Put one legend of all panels below them, and the finding above them."""
    drawn: dict[str, Artist] = {}
    for ax in figure.axes:
        handles, labels = ax.get_legend_handles_labels()
        drawn |= dict(zip(labels, handles, strict=True))
    figure.legend(drawn.values(), drawn, loc="outside lower center", ncols=ncols)
    figure.suptitle(finding, x=0.01, ha="left", fontsize=11)
    return figure


def log(ax: Axes) -> None:
    """A log axis whose ticks read 0.2, 0.5, 1, 2, 5."""
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.yaxis.set_minor_locator(NullLocator())
