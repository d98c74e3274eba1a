"""In which order edits are tried: the likeliest first, and after one that mends all those that may do so too."""

import linecache
from collections.abc import Callable, Sequence
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from compare.check.subject.attempts import Attempt
from compare.check.subject.edits import Edit, edits
from compare.check.subject.tracing import Watch
from compare.check.subject.units import Unit
from compare.check.subject.wordings import ARRAY, LIST, NUMBER

LATER = 1.5  # ranks, that what is not suspected is tried later
CLOSE = 8  # lines

Change = tuple[Unit, Edit]
Kinds = dict[str, dict[int, dict[str, str]]]  # of variables, by file, and by the first line of their function


def ordered(units: Sequence[Unit], asked: Attempt, kinds: Kinds) -> list[Change]:
    """Return the edits of these units, in the order in which they are tried."""
    every = []
    for unit in units:
        for edit in edits(unit.node, unit.names, kinds.get(unit.file, {}), unit.idle, asked.factors):
            near = [
                place
                for place, (file, first, last) in enumerate(asked.suspects)
                if file == unit.file and edit.first <= last and edit.last >= first
            ]
            suspected = near[0] if near else len(asked.suspects)
            every.append(((edit.rank + (0 if near else LATER), suspected), unit, edit))
    every.sort(key=lambda each: each[0])
    return [(unit, edit) for _, unit, edit in every]


class WatchKinds(Watch):
    """Notes of what kind the variables of the user's functions are, and the attributes of the objects among them."""

    def __init__(self, kinds: Kinds) -> None:
        super().__init__()
        self.kinds = kinds

    def __call__(self, frame: Any, event: str, argument: Any) -> None:
        """Be called as a profile function is."""
        super().__call__(frame, event, argument)
        code = frame.f_code
        if event == "return" and code in self.codes:
            values = dict(frame.f_locals)
            found = self.kinds.setdefault(code.co_filename, {}).setdefault(code.co_firstlineno, {})
            found |= {name: _kind(value) for name, value in values.items()}
            for value in values.values():
                if not isinstance(value, type | FunctionType | ModuleType):
                    found |= {f".{name}": _kind(each) for name, each in getattr(value, "__dict__", {}).items()}


def _kind(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{ARRAY}{value.ndim}"
    if isinstance(value, int | float | np.number):
        return NUMBER
    return LIST if isinstance(value, list | tuple) else type(value).__name__


def function_of(unit: Unit, edit: Edit) -> str:
    """Return the function that an edit is in, by the lines of those of its unit."""
    found = ""
    for _, name, first in unit.functions:
        found = name if first <= edit.first and not name.endswith(">") else found
    return found


def beside(changes: Sequence[Change], place: int) -> Callable[[int], int]:
    """Return how soon another edit is tried after one that mends all.

    The same change elsewhere, then where its function is called, then what is close by.
    """
    unit, mends = changes[place]
    function, change = function_of(unit, mends), mends.change
    call = f"{function.rpartition('.')[2]}("

    def soon(another: int) -> int:
        other = changes[another]
        its, edit = function_of(*other), other[1]
        if other[0].file == unit.file:
            if function == its and change and edit.change == change:
                return 0
            if call in linecache.getline(unit.file, edit.first):
                return 1
            if function == its and abs(edit.first - mends.first) <= CLOSE:
                return 2
        return 3

    return soon
