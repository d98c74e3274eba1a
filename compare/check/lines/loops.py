"""The loops of a subject's step: which one turns too seldom, or leaves a layer, a sample or a part of an array out."""

import re

import numpy as np

from compare.check.lines.classified import RIGHT, SCALED, Values
from compare.check.lines.events import distinct
from compare.mathematics.functions import Array

FEW = 6  # turns of a loop, which may as well be over layers


class Loops:
    """The loops that one step went through."""

    def __init__(self, values: Values) -> None:
        self.values, self.flow = values, values.flow

    def turning(self, name: str) -> list[int]:
        """The loop over layers that others like a gradient are made in, whatever it calls; none if there is none."""
        if not name:  # the loss is of no layer
            return []
        makers = [
            self.flow.when(event)
            for event in (*self.flow.events, *self.flow.members)
            if (identity := self.values.identity(self.flow.value(event))) is not None
            and re.match(rf"d{name[0]}\d+\b", identity.name)
            and not identity.name.startswith(f"d{name}")
            and self.values.kind(self.flow.value(event)) in (RIGHT, SCALED)
            and self.flow.made(self.flow.value(event)) == event
        ]
        inside = {
            events[0]: len({sum(turn < maker for turn in events) for maker in makers} - {0}) for events in self._turns()
        }
        return sorted((event for event, count in inside.items() if count > 0), key=lambda event: -inside[event])[:1]

    def turns(self, loop: int, first: int, last: int) -> bool:
        """Whether a loop goes on to another turn between two events."""
        return bool(self.flow.where(self.flow.place(loop).__eq__, self.flow.when(first) + 1, last))

    def turned_at(self, event: int) -> list[int]:
        """The loop that an event stands in; in a function that calls itself, the condition before it."""
        return self.flow.last(event, "loop") or self.flow.last(event, "test")

    def filling(self, role: str) -> list[int]:
        """Where gradients like one that is left zero are computed, for other layers, and the loop that does so."""
        values = distinct(self.flow.value(event) for event in (*self.flow.events, *self.flow.members))
        for value in sorted(values, key=self.values.when):
            identity = self.values.identity(value)
            alike = identity.name.removeprefix("part of ") if identity is not None else ""
            if alike[:2] == role[:2] and alike != role:
                made = self.flow.made(value)
                loops = [*self.turning(role[1:]), *self.flow.last(made, "loop")] if made is not None else []
                if made is not None and loops:
                    return [*loops, made]
        return []

    def unfilled(self, role: str, array: Array) -> list[int]:
        """The loops that leave a part of an array zero, and fill the rest as Keras does."""
        right = self.values.quantities[role]
        if right.shape != array.shape:
            return []
        alike = np.isclose(array, right, rtol=self.values.library.relative)
        if alike.all() or not (alike | (array == 0)).all():
            return []
        found: list[int] = []
        for axis, length in enumerate(right.shape):
            others = tuple(other for other in range(right.ndim) if other != axis)
            filled = int((alike & (right != 0)).any(axis=others).sum())
            counts = (filled, filled * self.flow.samples)
            if filled < length:
                found += [events[0] for events in self._turns() if len(events) in counts]
        return found

    def _turns(self) -> list[list[int]]:
        """The turns of each loop: the events that set its variable."""
        turns: dict[int, list[int]] = {}
        for event in self.flow.where(lambda at: at.kind == "loop"):
            turns.setdefault(int(self.flow.trace.events[event, 0]), []).append(event)
        return list(turns.values())

    def short(self) -> list[int]:
        """Loops that are gone through once less, or once more, than there are samples, each time that they begin."""
        n = self.flow.samples
        rounds = ((events, self._rounds(events)) for events in self._turns() if n > FEW)
        return [events[0] for events, lengths in rounds if all(abs(length - n) == 1 for length in lengths)]

    def _rounds(self, events: list[int]) -> list[int]:
        """How many turns a loop makes each time that it begins: where what it counts by is smaller than before."""
        numbers = [self.flow.values[self.flow.value(event)] for event in events]
        if any(number.ndim for number in numbers):
            return [len(events)]
        begins = [turn for turn in range(1, len(events)) if numbers[turn] <= numbers[turn - 1]]
        return [int(length) for length in np.diff([0, *begins, len(events)])]
