"""What the page is made of: answers, views of curves with a reading at one epoch, tables. Values only, no markup."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from compare.runs.findings import Table
from compare.show.page.chart import Chart

FORMS = {"loss": "{:.6g}", "accuracy": "{:.4f}"}

UNKNOWN = "\N{EN DASH}"  # in the reading, where a series has no value

State = Literal["yes", "no", "open", "note"]


@dataclass(frozen=True)
class Answer:
    """A short answer to one of the page's two questions: how it went, about what, in words."""

    state: State
    about: str
    words: str


@dataclass(frozen=True)
class Series:
    """A series in the reading's table: its texts at x = 0, every, 2 every, ...

    Attributes
    ----------
    texts : list of str
    every : int
    exact : bool
        Whether it has a value at its own x alone; else it holds until the next.
    """

    texts: list[str]
    every: int = 1
    exact: bool = False

    def at(self, x: int) -> str:
        """Return the text at x, as the script does."""
        known = x // self.every < len(self.texts) and not (self.exact and x % self.every)
        return self.texts[x // self.every] if known else UNKNOWN

    @property
    def last(self) -> int:
        """The x of its last value."""
        return self.every * (len(self.texts) - 1)


@dataclass(frozen=True)
class Reading:
    """The values under the pointer: a table of series, read at one x from `first` to `last`.

    Attributes
    ----------
    xlabel : str
    last : int
    columns : tuple of str
    rows : list of (look, name, cells)
        `look` is the CSS class of the curve, for its mark; a cell may be None.
    first : int
    """

    xlabel: str
    last: int
    columns: tuple[str, ...]
    rows: list[tuple[str, str, list[Series | None]]]
    first: int = 0

    @property
    def opens(self) -> int:
        """The x at which the first series ends: the last at which all have values, so that there is most to compare."""
        return self.first + min(cell.last for *_, row in self.rows for cell in row if cell)

    def data(self) -> dict[str, Any]:
        """Return what the script needs to read another x."""
        cells = [
            [cell and {"texts": cell.texts, "every": cell.every, "exact": cell.exact} for cell in row]
            for *_, row in self.rows
        ]
        return {"first": self.first, "last": self.last, "cells": cells}


@dataclass(frozen=True)
class View:
    """Charts that are looked at together, and chosen by `choice`: of what kind, which."""

    title: str
    choice: dict[str, str]
    charts: list[Chart]
    reading: Reading


@dataclass(frozen=True)
class Listing:
    """A table with what the page adds to it.

    Attributes
    ----------
    table : Table
    states : list of State or None
        The mark beside each row's first cell.
    intervals : list of (low, middle, high), optional
        For each row an interval in units of its margin, or None: drawn in a column of its own.
    folded : bool
        Long: shown when it is asked for.
    links : list of str or None, optional
        For each row the page that its second cell opens, from the run's folder.
    """

    table: Table
    states: list[State | None] = field(default_factory=list)
    intervals: list[tuple[float, float, float] | None] | None = None
    folded: bool = False
    links: list[str | None] | None = None

    @property
    def filled(self) -> list[int]:
        """The columns that hold anything."""
        rows = self.table.rows
        return [k for k in range(len(self.table.columns)) if any(row[k] is not None for row in rows)]

    @property
    def keys(self) -> list[list[Any]]:
        """What the script sorts numbers by: of several in a cell the first; nothing for an empty cell."""
        firsts = [[value[0] if isinstance(value, tuple) else value for value in row] for row in self.table.rows]
        return [["" if value is None else value for value in row] for row in firsts]


@dataclass(frozen=True)
class MatrixCell:
    """One verdict in a matrix: what it is, its mark, and which of the section's views it opens, if any."""

    label: str
    state: State
    view: int | None


@dataclass(frozen=True)
class Matrix:
    """Verdicts by settings.

    Attributes
    ----------
    title : str
    header : list of list of (name, how many columns it spans)
        One list a setting, the outermost first.
    rows : list of (name, cells)
    """

    title: str
    header: list[list[tuple[str, int]]]
    rows: list[tuple[str, list[MatrixCell | None]]]


@dataclass(frozen=True)
class Line:
    """A line of a user's file, with what its expressions make.

    Attributes
    ----------
    number : int
        From 1.
    text : str
    makes : str
        The quantities, in few words; "" for none.
    says : str
        What is wrong about it, or every expression with its quantity; "" for nothing.
    guilty : bool
    """

    number: int
    text: str
    makes: str = ""
    says: str = ""
    guilty: bool = False


@dataclass(frozen=True)
class Source:
    """A user's file, annotated: the lines that are shown of it, from its top; `folded` until they are asked for."""

    title: str
    lines: list[Line]
    folded: bool = False


@dataclass(frozen=True)
class Section:
    """What one kind of run says: to each of the two questions, and at length.

    Attributes
    ----------
    name : str
        Its id on the page.
    title, lead : str
    agree, sure : list of Answer
    keys : list of (look, name)
        The legend: which curve is whose.
    views : list of View
    listings : list of Listing
    matrices : list of Matrix
        Stand before the views, which they open.
    sources : list of Source
        Stand before all else on the page; folded ones before the section's views.
    """

    name: str
    title: str
    lead: str
    agree: list[Answer]
    sure: list[Answer]
    keys: list[tuple[str, str]] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    matrices: list[Matrix] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)

    @property
    def choices(self) -> dict[str, list[str]]:
        """What a view can be chosen by, and the options of each."""
        names = dict.fromkeys(name for view in self.views for name in view.choice)
        return {name: list(dict.fromkeys(view.choice[name] for view in self.views)) for name in names}


def texts(values: ArrayLike, form: str) -> list[str]:
    """Return numbers as the reading shows them."""
    return ["0" if value == 0 else form.format(value) for value in np.asarray(values, np.float64).tolist()]
