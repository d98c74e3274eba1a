"""How values flow through one traced step: what made each, from what, and what was made of it."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from compare.check.subject.tracing import Trace
from compare.mathematics.functions import Array

MAKING = ("part", "value", "changed")


class Place(NamedTuple):
    """A site, as a trace tells it."""

    file: int
    first: int
    column: int
    last: int
    end: int
    statement: int
    statement_end: int
    function: str
    kind: str
    target: str


class Flow:
    """One step of a trace. Events are numbers within the whole trace, values too."""

    def __init__(self, trace: Trace, step: int) -> None:
        self.trace, self.step = trace, step
        self.events = [int(event) for event in np.flatnonzero(trace.events[:, 2] == step)]
        self.values: list[Array] = trace.values
        self.reads: dict[int, list[int]] = {}
        for event, read in trace.reads.tolist():
            self.reads.setdefault(event, []).append(read)
        self.maker: dict[int, int] = {}
        for event in self.events:
            self.maker.setdefault(self.value(event), event)

    def value(self, event: int) -> int:
        """The number of an event's value."""
        return int(self.trace.events[event, 1])

    def place(self, event: int) -> Place:
        """Where an event happened."""
        return Place(*self.trace.sites[int(self.trace.events[event, 0])])

    def sources(self, event: int) -> list[int]:
        """The values that an event's value was computed from, without itself."""
        own = self.value(event)
        return [each for each in dict.fromkeys(self.value(read) for read in self.reads.get(event, ())) if each != own]

    def last_made(self, value: int) -> int | None:
        """The last event that made a value from others: of a weight that an update leaves as it was, the update."""
        return next(
            (
                event
                for event in reversed(self.events)
                if self.value(event) == value
                and (self.place(event).kind == "changed" or self.maker[value] == event)
                and self.reads.get(event)
            ),
            None,
        )

    def tests(self, first: int, last: int) -> list[int]:
        """The conditions that were looked at between two events of one function."""
        function = self.place(first).function
        return [
            event
            for event in self.events
            if first < event < last and self.place(event).kind == "test" and self.place(event).function == function
        ]

    def made(self, value: int) -> int | None:
        """The event that made a value in this step; None if it was there before, or came from outside."""
        event = self.maker.get(value)
        if event is None or (not self.sources(event) and self.place(event).kind in ("load", "loop")):
            return None
        return event

    @cached_property
    def users(self) -> dict[int, list[int]]:
        """For each value, the events that made another from it."""
        found: dict[int, list[int]] = {}
        for event in self.events:
            if self.maker[self.value(event)] == event:
                for value in self.sources(event):
                    found.setdefault(value, []).append(event)
        return found

    def text(self, event: int) -> str:
        """An event's expression as it is written."""
        return written(self.trace, self.place(event))

    def find(self, array: Array) -> int | None:
        """The latest value of this step with these numbers, in whatever shape; None if there is none."""
        wanted = np.sort(array, axis=None)
        found = None
        for event in self.events:
            value = self.values[self.value(event)]
            if value.size == array.size and np.array_equal(np.sort(value, axis=None), wanted, equal_nan=True):
                found = self.value(event)
        return found


def written(trace: Trace, place: Place) -> str:
    """The text of a place, on one line."""
    lines = trace.sources[place.file].encode().splitlines()[place.first - 1 : place.last]
    lines[-1] = lines[-1][: place.end]
    lines[0] = lines[0][place.column :]
    return " ".join(b" ".join(lines).decode(errors="replace").split())


def distinct(values: Iterable[int]) -> list[int]:
    """Each once, in order."""
    return list(dict.fromkeys(values))


def shaped(value: Array, shape: Sequence[int]) -> list[Array]:
    """A value in a shape: as it is, and turned round, where either fits; one number as often as is needed."""
    if value.size == 1 and len(shape) == 1:
        return [np.full(shape, value.item())]
    squeezed = tuple(length for length in value.shape if length != 1)
    wanted = tuple(length for length in shape if length != 1)
    found = [value.reshape(shape)] if squeezed == wanted else []
    if squeezed[::-1] == wanted and value.ndim > 1 and len(wanted) > 1:
        found.append(value.reshape(squeezed).T.reshape(shape))
    return found
