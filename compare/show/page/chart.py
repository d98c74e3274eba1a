"""Geometry of the report's small charts: arrays to SVG paths and ticks. A template draws them, CSS colours them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from matplotlib.ticker import LogLocator, MaxNLocator
from numpy.typing import ArrayLike, NDArray

from compare.show.ends import End, span

# In SVG units, about a CSS pixel: a chart's text stays legible on the narrowest telephone and in a third of a page.
WIDTH = 340
LEFT, RIGHT, TOP, BOTTOM = 46, 332, 8, 178
BELOW = 36  # the labels of the x axis
ROW = 13  # of text

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """A line through (x, y), or with `low` the band between `low` and y.

    Attributes
    ----------
    look : str
        CSS classes: what it is ("line", "band", "dots") and whose ("keras", "scratch", ...).
    x, y, low : ndarray of shape (n,)
    """

    look: str
    x: ArrayLike
    y: ArrayLike
    low: ArrayLike | None = None


@dataclass(frozen=True)
class Axis:
    """An axis: values from `low` to `high` at the pixels from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False
    whole: bool = False

    def __call__(self, values: ArrayLike) -> Array:
        """Return the pixels of values; what lies beyond the ends is drawn at them, NaN nowhere."""
        ends = np.clip(np.asarray(values, np.float64), self.low, self.high)
        low, high = self.low, self.high
        if self.log:
            low, high, ends = np.log(low), np.log(high), np.log(ends)
        return self.start + (ends - low) / (high - low) * (self.end - self.start)

    def ticks(self) -> list[tuple[float, str]]:
        """Return the pixels and labels of a few round values."""
        values: ArrayLike = []
        if self.log:
            subs = (1.0, 2.0, 5.0) if self.high / self.low < 1e3 else (1.0,)
            values = LogLocator(subs=subs).tick_values(self.low, self.high)
        if len(inside := self._inside(values)) < 3:
            inside = self._inside(MaxNLocator(5, integer=self.whole).tick_values(self.low, self.high))
        return [(round(float(self(value)), 1), f"{value:g}") for value in inside]

    def _inside(self, values: ArrayLike) -> Array:
        values = np.asarray(values, np.float64)
        return values[(values >= self.low) & (values <= self.high)]


@dataclass(frozen=True)
class Names:
    """An axis of names, one a row, from the top."""

    labels: list[str]

    def __call__(self, row: float) -> float:
        """Return a row's middle, in pixels."""
        return TOP + (row + 0.5) * self.high

    @property
    def high(self) -> float:
        """How high a row is."""
        return max(ROW, (BOTTOM - TOP) / len(self.labels))

    @property
    def start(self) -> float:
        """The lower end, in pixels."""
        return TOP + self.high * len(self.labels)

    def ticks(self) -> list[tuple[float, str]]:
        """Return the pixels and names of the rows."""
        return [(round(self(row), 1), label) for row, label in enumerate(self.labels)]


@dataclass(frozen=True)
class Chart:
    """A chart ready to be written.

    Attributes
    ----------
    title, xlabel : str
    paths : list of (look, d)
    x, y : Axis, or Names
    epochs : bool
        Whether x is what the view's reading is taken at.
    """

    title: str
    xlabel: str
    paths: list[tuple[str, str]]
    x: Axis
    y: Axis | Names
    epochs: bool = True


def chart(
    title: str,
    xlabel: str,
    curves: Iterable[Curve],
    log: bool = False,
    ylim: tuple[float, float] | None = None,
    epochs: bool = True,
) -> Chart:
    """Lay curves out in common axes; `ylim` where charts are to be compared.

    NaN leaves gaps, infinity is drawn at the edge. A log axis becomes a linear one if a value is not positive.
    """
    curves = list(curves)
    x = Axis(*_range([each.x for each in curves]), LEFT, RIGHT, whole=epochs)
    heights = [each.y for each in curves] + [each.low for each in curves if each.low is not None]
    low, high = ylim or _range(heights, margin=0.04)
    if log and ylim is None:
        smallest, high = _range(heights)
        log, low = smallest > 0, smallest if smallest > 0 else low
    y = Axis(low, high, BOTTOM, TOP, log=log)
    return Chart(title, xlabel, [(each.look, _path(each, x, y)) for each in curves], x, y, epochs)


def distributions(title: str, xlabel: str, end: End) -> Chart:
    """Lay out where each side's runs end, as the share of them that ends below, over the margin about Keras's mean."""
    low, high = span(np.concatenate(list(end.values.values())))
    x = np.linspace(low, high, RIGHT - LEFT)  # a pixel apart
    curves = [
        Curve(f"line {side}", x, np.searchsorted(np.sort(values), x, side="right") / len(values))
        for side, values in end.values.items()
    ]
    if end.tested:
        about, mean = np.array([-1, 1]) * end.margin + end.mean, end.mean + end.difference
        curves.insert(0, Curve("zone", about, [1, 1], [0, 0]))
        curves += [
            Curve("span", [end.mean + end.low, end.mean + end.high], [0.05, 0.05]),
            Curve("point", [mean], [0.05]),
        ]
    return chart(title, xlabel, curves, ylim=(0.0, 1.0), epochs=False)


def cells(
    title: str, xlabel: str, labels: list[str], looks: NDArray[np.str_], mark: tuple[int, int] | None = None
) -> Chart:
    """Lay out a map: a row a label, a column a step from 1 on, each cell in its CSS classes; `mark` is (row, step)."""
    steps = looks.shape[1]
    left = max(LEFT, 8 + 6 * max(map(len, labels)))  # names may be longer than numbers; a letter takes about 6
    x, y = Axis(0.5, steps + 0.5, left, RIGHT, whole=True), Names(labels)
    lefts = x(np.arange(steps + 1) + 0.5)
    paths = []
    for look in filter(None, np.unique(looks)):
        boxes = [
            f"M{lefts[column]:.1f},{TOP + row * y.high:.1f}H{lefts[column + 1]:.1f}v{y.high:.1f}H{lefts[column]:.1f}z"
            for row, column in zip(*np.nonzero(looks == look), strict=True)
        ]
        paths.append((str(look), "".join(boxes)))
    if mark is not None:
        at, up = float(x(mark[1])), y(mark[0])
        paths.append(("mark", f"M{at - 4:.1f},{up - 4:.1f}l8,8m0,-8l-8,8"))
    return Chart(title, xlabel, paths, x, y)


def interval(low: float, middle: float, high: float, reach: float = 3.0) -> list[tuple[str, str]]:
    """Lay out an interval in units of its margin, 120 by 18; arrows where it goes on beyond `reach` margins."""
    x = Axis(-reach, reach, 6, 114)
    left, at, right = (float(each) for each in x([low, middle, high]))
    inside = [float(each) for each in x([-1, 1])]
    paths = [
        ("zone", f"M{inside[0]:.0f},1H{inside[1]:.0f}V17H{inside[0]:.0f}Z"),
        ("grid", "M60,1V17"),
        ("span", f"M{left:.1f},9H{right:.1f}"),
        ("point", f"M{at:.1f},9h0"),
    ]
    if low < -reach:
        paths.append(("span", "M8,4.5l-5,4.5 5,4.5"))
    if high > reach:
        paths.append(("span", "M112,4.5l5,4.5-5,4.5"))
    return paths


def _range(series: Iterable[ArrayLike], margin: float = 0.0) -> tuple[float, float]:
    pooled = np.concatenate([np.ravel(np.asarray(each, np.float64)) for each in series])
    finite = pooled[np.isfinite(pooled)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    room = (high - low) * margin
    return (low - room, high + room) if high > low else (low, low + (abs(low) or 1.0))


def _path(curve: Curve, x: Axis, y: Axis) -> str:
    across, up = x(curve.x), y(curve.y)
    if curve.low is None:
        return _line(across, up, apart="dots" in curve.look.split())
    down = y(curve.low)
    fine = np.isfinite(up) & np.isfinite(down)
    return _line(np.r_[across[fine], across[fine][::-1]], np.r_[up[fine], down[fine][::-1]]) + "Z"


def _line(across: Array, up: Array, apart: bool = False) -> str:
    """A path that lifts the pen over NaN, or between all points; each start is a dot, so that one point shows."""
    words, drawing = [], False
    for px, py in zip(across.tolist(), up.tolist(), strict=True):
        fine = bool(np.isfinite(py))
        if fine:
            words.append(f"L{px:.1f},{py:.1f}" if drawing else f"M{px:.1f},{py:.1f}h0")
        drawing = fine and not apart
    return "".join(words)
