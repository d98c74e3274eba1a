"""Reads a CSV file as the article does, but says which cell is wrong where pandas would guess."""

from __future__ import annotations

import csv
import math
import reprlib
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from compare.data.reading import check_readable
from compare.errors import InputError

_MISSING = frozenset({"", "nan", "na", "n/a", "#n/a", "<na>", "null", "none"})
_Row = tuple[int, list[str]]


class Columns(NamedTuple):
    """What a file holds.

    Attributes
    ----------
    X : ndarray of shape (n, n_features)
        Finite features, each number the double nearest to what the file spells.
    labels : ndarray of shape (n,)
        The target, none missing: int objects if all cells are whole numbers, else float64 if all are
        numbers, else str objects.
    feature_names : tuple of str
        Of the columns of `X`.
    first : str or None
        What was made of the first column where that was not said, and why, in words.
    """

    X: NDArray[np.float64]
    labels: NDArray[Any]
    feature_names: tuple[str, ...]
    first: str | None


def read_csv(path: str | Path, *, index_column: bool | None = None) -> Columns:
    """Read a comma-separated UTF-8 file: a header line, then features, the target last.

    Parameters
    ----------
    path : str or Path
        The file.
    index_column : bool, optional
        Whether the first column is an index, and no feature. By default it is one if it has no name, or if it is a
        running number.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    InputError
        If the file cannot be read or holds anything else; lines are counted from 1, the header included.
    """
    where = f"in {str(path)!r}"
    rows = _read_rows(path)
    if not rows:
        raise InputError(f"`data` must have a header and rows. Received: an empty file, {str(path)!r}")
    header, rows = rows[0][1], rows[1:]
    if len(header) == 1:
        mark = next((mark for mark in ";\t|" if mark in header[0]), None)
        fix = f"It looks separated by {mark!r}: save it with commas" if mark else "The target follows features"
        raise InputError(f"`data` must have comma-separated columns. Received: a single column {where}. {fix}")
    if not rows:
        raise InputError(f"`data` must have rows below its header. Received: a header only, {where}")
    for line, cells in rows:
        if len(cells) != len(header):
            raise InputError(
                f"`data` must have {len(header)} cells in every line, as in its header. "
                f"Received: {len(cells)} in line {line} {where}"
            )
    names = tuple(name or f"column {i}" for i, name in enumerate(header, 1))
    column = [cells[0] for _, cells in rows]
    found = None if index_column is not None else _index(header[0], column)
    first = int(bool(found) if index_column is None else index_column)
    features = names[first:-1]
    if not features:
        raise InputError(
            f"`data` must have features between index and target. Received: two columns {where}. "
            "If the first is no index, say index_column=False (--no-index-column)"
        )
    _check_header(features, where)
    if index_column:
        _check_index(column, names[0], where)
    X = np.array(
        [
            [_feature(cell, name, line, where) for cell, name in zip(cells[first:-1], features, strict=True)]
            for line, cells in rows
        ]
    )
    labels = _parse_labels(rows, f"the target column {names[-1]!r} {where}")
    told = f"{names[0]!r} is {'an index and no feature' if first else 'a feature'}"
    why = f"being {found or 'no running number'}"
    return Columns(X, labels, features, f"{told}, {why}" if index_column is None else None)


def _read_rows(path: str | Path) -> list[_Row]:
    """The lines that are not blank, as (number of the line in the file, cells without outer spaces)."""
    rows: list[_Row] = []
    end = 0
    try:
        check_readable(Path(path))
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, skipinitialspace=True, strict=True)
            for cells in reader:
                start, end = end + 1, reader.line_num
                if len(cells) > 1 or any(map(str.strip, cells)):
                    rows.append((start, [cell.strip() for cell in cells]))
    except (FileNotFoundError, InputError):
        raise
    except UnicodeDecodeError:
        raise InputError(
            f"`data` must be UTF-8 text. Received: other bytes in {str(path)!r}. Save it as CSV UTF-8"
        ) from None
    except csv.Error as error:
        raise InputError(
            f"`data` must be well-formed CSV. Received: {error}, from line {end + 1} on in {str(path)!r}"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"`data` must be a readable file. Received: {str(path)!r}: {reason}") from None
    return rows


def _check_header(features: tuple[str, ...], where: str) -> None:
    """Refuse a sample that stands where the header should; whole numbers may be pandas' default names."""
    numbers = [_number(name) for name in features]
    if None not in numbers and (_fractional(numbers) or len(set(numbers)) < len(numbers)):
        raise InputError(
            f"`data` must start with a header. Received: the number {features[0]} as a column {where}. "
            "Add a first line of names"
        )


def _index(name: str, cells: list[str]) -> str | None:
    """What makes a column an index: pandas writes one without a name, others count the rows; None if it is none."""
    if not name:
        return "without a name"
    numbers = [_number(cell) for cell in cells]
    steps = [None not in two and two[1] - two[0] == 1 for two in pairwise(numbers)]  # type: ignore[operator]
    return "a running number" if all(steps) and not _fractional(numbers) else None


def _check_index(cells: list[str], name: str, where: str) -> None:
    """Refuse a feature that would be lost as the index: no index repeats fractions."""
    numbers = [_number(cell) for cell in cells]
    if None not in numbers and _fractional(numbers) and len(set(numbers)) < len(numbers):
        raise InputError(
            f"`data` must have an index as its first column. Received: repeated fractions in column {name!r} "
            f"{where}. If it is a feature, say index_column=False (--no-index-column)"
        )


def _feature(cell: str, column: str, line: int, where: str) -> float:
    number = _number(cell)
    if number is not None and math.isfinite(number):
        return number
    if number is None and cell.lower() not in _MISSING:
        expected, fix = "numeric features", "Encode the column as numbers, or remove it"
    else:
        expected, fix = "finite numbers and no empty cells", "Fill the cell, or remove the row"
    raise InputError(
        f"`data` must hold {expected}. Received: {reprlib.repr(cell)} in column {column!r}, line {line} {where}. {fix}"
    )


def _parse_labels(rows: list[_Row], where: str) -> NDArray[Any]:
    """Labels as whole numbers, other numbers or text, whichever fits all of them first."""
    cells = [row[-1] for _, row in rows]
    numbers = [_number(cell) for cell in cells]
    named = any(v is None and cell.lower() not in _MISSING for cell, v in zip(cells, numbers, strict=True))
    for (line, _), cell, number in zip(rows, cells, numbers, strict=True):
        finite = named if number is None else math.isfinite(number) or (named and math.isinf(number))
        if not cell or not finite:
            raise InputError(
                f"`data` must have a target in every row. Received: {cell!r} in line {line} of {where}. "
                "Fill the cell, or remove the row"
            )
    if named:
        return np.array(cells, dtype=object)
    try:
        return np.array([int(cell) for cell in cells], dtype=object)
    except ValueError:
        return np.array(numbers, dtype=np.float64)


def _number(cell: str) -> float | None:
    """The number a cell spells; None if it spells none, or groups digits as Python does (1_000)."""
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        return None


def _fractional(values: list[float | None]) -> bool:
    return any(value is not None and value % 1 != 0 for value in values)
