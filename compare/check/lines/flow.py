"""How values flow through one traced step: what made each, by which names and calls it was handed on, who reads it."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import cached_property

import numpy as np

from compare.check.lines.events import COMPUTING, Events
from compare.check.subject.tracing import Place

RENAMING = ("Name", "Attribute", "ListComp", "BinOp")  # of a value that was there already
# Methods that keep what they are given.
KEEPING = re.compile(r"\.(append|appendleft|insert|extend|push|setdefault|update)$")


class Flow(Events):
    """The values of one step, each with the events that made it and those that took it further."""

    def made(self, value: int) -> int | None:
        """The event that made a value in this step; None if it was there before, or came from outside."""
        event = self.maker.get(value)
        if event is None:
            return None
        read = self.place(event).kind in ("load", "loop") or self.place(event).node == "Name"
        return None if read and not self.sources(event) else event

    def last_made(self, value: int) -> int | None:
        """The last event that made a value of others: of a weight that an update leaves as it was, the update.

        What was changed in a function is seen again where the function was called: there it is not made. Another number
        may be equal to one that was made before.
        """
        first = self.made(value)
        if self.values[value].ndim == 0:
            same = self.here(value)
            return next((e for e in same if self.place(e).node in COMPUTING and self.sources(e)), first)
        if first is not None and self.place(first).kind == "changed" and self.sources(first):
            return first
        return next(
            (
                event
                for event in reversed(self.here(value))
                if (
                    self.maker[value] == event
                    or self.place(event).kind == "changed"
                    or self.place(event).node in ("BinOp", "UnaryOp")
                )
                and self.reads.get(event)
            ),
            None,
        )

    def here(self, *values: int) -> list[int]:
        """The events of this step whose value is one of these."""
        found = self.whose(values)
        return found[bisect_left(found, self.events[0]) : bisect_right(found, self.events[-1])]

    def _elements(self, value: int) -> set[int]:
        """A value, and those of the single samples that it stands for."""
        return {self._value[event] for event in self.members.get(self.maker.get(value, -1), ())} | {value}

    @cached_property
    def _ended(self) -> dict[str, list[int]]:
        return {}

    @cached_property
    def users(self) -> dict[int, list[int]]:
        """For each value, the events that made another from it."""
        found: dict[int, list[int]] = {}
        for event in dict.fromkeys([*self.events, *self.members]):
            if self.maker[self._value[event]] == event and event not in self.stack:
                for value in self.sources(event):
                    found.setdefault(value, []).append(event)
        for event in self.stack:  # what a loop adds up is its last sample's value
            if self.maker[self._value[event]] == event:
                for value in self.sources(event):
                    found.setdefault(value, []).append(event)
        return found

    def filled_further(self, value: int) -> bool:
        """Whether a value is an array half filled, or a sum half made, which the same statement goes on with."""
        made = self.maker.get(value)
        if made is None or self.place(made).kind != "changed":
            return False
        return any(self.place(user) == self.place(made) for user in self.users.get(value, ()))

    def tests(self, first: int, last: int) -> list[int]:
        """The conditions that were looked at between two events of one function."""
        function = self.place(first).function
        first, last = self.when(first), self.when(last)
        return self.where(lambda at: at.kind == "test" and at.function == function, first + 1, last)

    def handed_on(self, value: int, first: int, last: int) -> list[int]:
        """Statements between two events that only give a value another name, return it, or leave it as it is."""
        first, last = self.when(first), self.when(last)
        found = []
        for event in self.here(*self._elements(value)):
            if first < event <= last:
                place = self.place(event)
                named = place.kind == "value" and place.target and "[" not in place.target and place.node in RENAMING
                if named or place.kind == "changed":
                    found.append(event)
        return found

    def handed_back(self, value: int, first: int, last: int) -> list[int]:
        """Calls between two events that return what they are given as it is, each after what was tested in it."""
        first, last = self.when(first), self.when(last)
        elements = self._elements(value)
        found = []
        for event in self.here(*elements):
            given = [read for read in self.reads.get(event, ()) if self._value[read] in elements]
            if first < event <= last and given and self.place(event).node == "Call":
                found += [*self.where(lambda at: at.kind == "test", given[0], event), event]
        return found

    def set(self, name: str, value: int, before: int) -> int | None:
        """The last statement before an event that gave a name of its function, or an attribute, this value."""
        last, function = self.when(before), self.place(before).function
        alike = self.whose(each for each in self._elements(value) if value in (each, self.lifted(each)))
        for event in reversed(alike[: bisect_left(alike, last)]):
            place = self.place(event)
            here = "." in name or place.function == function
            if here and place.target == name and place.kind in ("value", "changed"):
                return event
        return None

    def stored(self, value: int, before: int) -> int | None:
        """The last statement before an event that put a value into a list, an item or an attribute.

        Else the first call after which it lay in one that the call was given.
        """
        origin = value
        while (made := self.made(origin)) is not None and self.place(made).node not in ("BinOp", "UnaryOp"):
            alike = [each for each in self.sources(made) if self.alike(each, origin)]
            if not alike:
                break
            origin = alike[0]
        last, lay = self.when(before), None

        def puts(place: Place) -> bool:
            keeps = place.node == "Call" and KEEPING.search(self.written(place).split("(")[0]) is not None
            return place.kind in ("value", "changed") and (keeps or "[" in place.target or "." in place.target)

        for event in reversed(self.where(puts, last=last)):
            place = self.place(event)
            kept = "[" in place.target or "." in place.target
            if kept and origin in (self._value[event], self.lifted(self._value[event])):
                if place.kind == "value":
                    return event
                lay = event
            if place.node == "Call" and origin in {
                self.lifted(self._value[read]) for read in self.reads.get(event, ())
            }:
                return event
        return lay

    def named(self, read: int) -> int | None:
        """The statement that gave what is read its name, if it has changed since: it was another's too."""
        place, name = self.place(read), self.text(read)
        given = self.where(lambda at: at.target == name and at.function == place.function, last=read)
        if not given or self.place(given[-1]).kind != "value" or self._value[given[-1]] == self._value[read]:
            return None
        return given[-1] if self.values[self._value[given[-1]]].size > 1 else None

    def passing(self, value: int, event: int) -> int | None:
        """The call that an event happened in, if it was handed this value."""
        call = self.call(event)
        return call if call is not None and value in self.sources(call) else None

    def call(self, event: int) -> int | None:
        """The call that an event happened in, of a function of its file; None if it cannot be told."""
        function, start = self.place(event).function, self.when(event)
        name, returned = function.rsplit(".", 1)[-1], None
        ends = self._ends(function)
        for other in ends[bisect_right(ends, start) :]:
            if self.place(other).function == function:
                returned = self._value[other]
            elif self._named(other) == name or (returned is not None and self._value[other] == returned):
                return other
        return None

    def _ends(self, function: str) -> list[int]:
        """What a function returns, and the calls in others."""
        if function not in self._ended:  # asked of many events of few functions
            self._ended[function] = self.where(
                lambda at: (
                    at.kind == "value" and at.target in ("return", "")
                    if at.function == function
                    else at.node in ("Call", "Attribute")
                )  # a property is called by its name alone
            )
        return self._ended[function]

    def _named(self, event: int) -> str:
        """The name that a call goes by."""
        return self.text(event).split("(")[0].rsplit(".", 1)[-1]

    def calls(self, event: int) -> Iterator[int]:
        """The calls that an event happened in, the innermost first."""
        call = self.call(event)
        while call is not None:
            yield call
            call = self.call(call)

    def last(self, event: int, *kinds: str) -> list[int]:
        """The last event of these kinds before another, in its function; none if there is none."""
        function = self.place(event).function
        return self.where(lambda at: at.kind in kinds and at.function == function, last=self.when(event))[-1:]

    def alike(self, one: int, other: int) -> bool:
        """Whether two values hold the same numbers, in whatever order."""
        return np.array_equal(np.sort(self.values[one], axis=None), np.sort(self.values[other], axis=None))

    def returned(self, event: int) -> int | None:
        """The statement that returned the value of a call of a function of the user's."""
        end = bisect_left(self.events, self.when(event))
        before = self.events[end - 1] if end else None
        ended = before is not None and self.place(before).target == "return"
        return before if ended and self.place(event).node == "Call" else None

    def called(self, event: int) -> tuple[str, str] | None:
        """The name that a call goes by, and that of the function of the user's which ran, where they are two."""
        returned = self.returned(event)
        if returned is None:
            return None
        name = self._named(event)
        ran = self.place(returned).function.rsplit(".", 1)[-1]
        return (name, ran) if name.isidentifier() and name != ran else None
