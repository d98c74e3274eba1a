"""How values flow through one traced step: what made each, from what, and what was made of it.

Where a place makes one value for each sample of the batch, all of them together are a value too: a loop over samples
then reads as code for whole batches does.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TypeVar

import numpy as np

from compare.check.lines.known import Form, squeezed
from compare.check.subject.tracing import Place, Trace
from compare.mathematics.functions import Array

Each = TypeVar("Each")

MAKING = ("part", "value", "changed")
RENAMING = ("Name", "Attribute", "ListComp", "BinOp")  # of a value that was there already
# Methods that keep what they are given.
KEEPING = re.compile(r"\.(append|appendleft|insert|extend|push|setdefault|update)$")
FEWEST = 3  # samples: of fewer, what is made for each is not told from what is made for each layer


class Flow:
    """One step of a trace. Events and values are numbers; those that stand for a whole loop come after the others."""

    def __init__(self, trace: Trace, step: int, samples: int) -> None:
        self.trace, self.step, self.samples = trace, step, samples
        self.events = [int(event) for event in np.flatnonzero(trace.events[:, 2] == step)]
        with np.errstate(all="ignore"):  # buffers that are made before they are filled hold anything
            self.values: list[Array] = [value.astype(np.float64) for value in trace.values]
        self.indices = {n for n, value in enumerate(trace.values) if value.ndim == 1 and value.dtype.kind in "iu"}
        self._forms: dict[int, Form] = {}
        self._lines = [source.encode().splitlines() for source in trace.sources]
        self._site: dict[int, int] = dict(enumerate(trace.events[:, 0].tolist()))
        self._value: dict[int, int] = dict(enumerate(trace.events[:, 1].tolist()))
        self.reads: dict[int, list[int]] = {}
        for event, read in trace.reads.tolist():
            self.reads.setdefault(event, []).append(read)
        self.maker: dict[int, int] = {}
        for event in self.events:
            self.maker.setdefault(self._value[event], event)
        self.members: dict[int, list[int]] = {}
        self.stack: dict[int, int] = {}
        self._gather()

    def _gather(self) -> None:
        """Put together what a place makes for each sample."""
        if self.samples < FEWEST:
            return
        groups: dict[tuple[int, tuple[int, ...]], list[int]] = {}
        for event in self.events:
            value = self.values[self._value[event]]
            if value.size > 1 or self.place(event).kind in MAKING:
                groups.setdefault((self._site[event], value.shape), []).append(event)
        for (site, _), events in groups.items():
            turns, rest = divmod(len(events), self.samples)
            if rest or not turns:
                continue
            for turn in range(turns):
                members = events[turn::turns]
                arrays = [self.values[self._value[event]] for event in members]
                makes = sum(self.maker[self._value[event]] == event for event in members)
                if makes < len(members) - 1:
                    continue  # it only reads what others make, or the same for every sample
                number = len(self.trace.events) + len(self.members)
                self.members[number] = members
                self._site[number], self._value[number] = site, len(self.values)
                self.values.append(np.stack(arrays))
                self.maker[self._value[number]] = number
                for event in members:
                    self.stack[event] = number

    def value(self, event: int) -> int:
        """The number of an event's value."""
        return self._value[event]

    def form(self, value: int) -> Form:
        """What of a value stays the same whatever its shape."""
        if value not in self._forms:
            self._forms[value] = Form.of(self.values[value])
        return self._forms[value]

    def place(self, event: int) -> Place:
        """Where an event happened."""
        return self.trace.sites[self._site[event]]

    def makes_array(self, event: int) -> bool:
        """Whether an event makes, and does not only read, an array."""
        return self.place(event).kind in MAKING and self.values[self._value[event]].size > 1

    def when(self, event: int) -> int:
        """When it happened, or ended."""
        return self.members[event][-1] if event in self.members else event

    def lifted(self, value: int) -> int:
        """The value of a whole loop that a value is one sample's of; itself, if it is of none."""
        event = self.maker.get(value)
        return self._value[self.stack[event]] if event is not None and event in self.stack else value

    def sources(self, event: int) -> list[int]:
        """The values that an event's value was computed from, without itself."""
        own = self._value[event]
        members = self.members.get(event, [event])
        stack = event if event in self.members else self.stack.get(event)
        found: dict[int, None] = {}
        for member in members:
            for read in self.reads.get(member, ()):
                if stack is None or self.stack.get(self.maker[self._value[read]]) != stack:
                    found[self.lifted(self._value[read])] = None
        return [each for each in found if each != own]

    def accumulates(self, event: int) -> bool:
        """Whether what a place makes for a sample is made of what it made for the one before."""
        own = {self._value[member] for member in self.members[event]}
        return any(self._value[read] in own for member in self.members[event] for read in self.reads.get(member, ()))

    def single(self, event: int, source: int) -> bool:
        """Whether an event outside a loop over samples reads one sample's value of it alone."""
        stack = self.maker.get(source)
        if stack not in self.members or event in self.members or event in self.stack:
            return False
        own = {self._value[member] for member in self.members[stack]}
        return len({self._value[read] for read in self.reads.get(event, ())} & own) == 1

    def made(self, value: int) -> int | None:
        """The event that made a value in this step; None if it was there before, or came from outside."""
        event = self.maker.get(value)
        if event is None or (not self.sources(event) and self.place(event).kind in ("load", "loop")):
            return None
        return event

    def last_made(self, value: int) -> int | None:
        """The last event that made a value of others: of a weight that an update leaves as it was, the update.

        What was changed in a function is seen again where the function was called: there it is not made.
        """
        first = self.made(value)
        if first is not None and self.place(first).kind == "changed" and self.sources(first):
            return first
        return next(
            (
                event
                for event in reversed(self.events)
                if self._value[event] == value
                and (
                    self.maker[value] == event
                    or self.place(event).kind == "changed"
                    or self.place(event).node in ("BinOp", "UnaryOp")
                )
                and self.reads.get(event)
            ),
            None,
        )

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
        return [
            event
            for event in self.events
            if first < event < last and self.place(event).kind == "test" and self.place(event).function == function
        ]

    def handed_on(self, value: int, first: int, last: int) -> list[int]:
        """Statements between two events that only give a value another name, return it, or leave it as it is."""
        first, last = self.when(first), self.when(last)
        elements = {self._value[event] for event in self.members.get(self.maker[value], ())} | {value}
        found = []
        for event in self.events:
            if first < event <= last and self._value[event] in elements:
                place = self.place(event)
                named = place.kind == "value" and place.target and "[" not in place.target and place.node in RENAMING
                if named or place.kind == "changed":
                    found.append(event)
        return found

    def handed_back(self, value: int, first: int, last: int) -> list[int]:
        """Calls between two events that return what they are given as it is, each after what was tested in it."""
        first, last = self.when(first), self.when(last)
        elements = {self._value[event] for event in self.members.get(self.maker[value], ())} | {value}
        found = []
        for event in self.events:
            given = [read for read in self.reads.get(event, ()) if self._value[read] in elements]
            between = first < event <= last and self._value[event] in elements
            if between and given and self.place(event).node == "Call":
                inside = self.events[bisect_left(self.events, given[0]) : bisect_left(self.events, event)]
                found += [*(each for each in inside if self.place(each).kind == "test"), event]
        return found

    def set(self, name: str, value: int, before: int) -> int | None:
        """The last statement before an event that gave a name of its function, or an attribute, this value."""
        last, function = self.when(before), self.place(before).function
        for event in range(last - 1, -1, -1):
            if value not in (self._value[event], self.lifted(self._value[event])):
                continue
            place = self.place(event)
            here = "." in name or place.function == function
            if here and place.target == name and place.kind in ("value", "changed"):
                return event
        return None

    def stored(self, value: int, before: int) -> int | None:
        """The last statement before an event that put a value into a list, an item or an attribute."""
        origin = value
        while (made := self.made(origin)) is not None and self.place(made).node not in ("BinOp", "UnaryOp"):
            alike = [each for each in self.sources(made) if np.array_equal(self._sizes(each), self._sizes(origin))]
            if not alike:
                break
            origin = alike[0]
        last = self.when(before)
        for event in reversed(self.events[: bisect_left(self.events, last)]):
            place = self.place(event)
            if place.kind != "value":
                continue
            kept = "[" in place.target or "." in place.target
            if kept and origin in (self._value[event], self.lifted(self._value[event])):
                return event
            keeps = place.node == "Call" and KEEPING.search(self.text(event).split("(")[0]) is not None
            if keeps and origin in {self.lifted(self._value[read]) for read in self.reads.get(event, ())}:
                return event
        return None

    def _sizes(self, value: int) -> Array:
        return np.sort(self.values[value], axis=None)

    def named(self, read: int) -> int | None:
        """The statement that gave what is read its name, if it has changed since: it was another's too."""
        place, name = self.place(read), self.text(read)
        for event in reversed(self.events[: bisect_left(self.events, read)]):
            at = self.place(event)
            if at.target == name and at.function == place.function:
                changed = at.kind == "value" and self._value[event] != self._value[read]
                return event if changed and self.values[self._value[event]].size > 1 else None
        return None

    def passing(self, value: int, event: int) -> int | None:
        """The call that an event happened in, if it was handed this value."""
        call = self.call(event)
        return call if call is not None and value in self.sources(call) else None

    def numbers(self, event: int, depth: int = 3) -> list[int]:
        """The events that read the numbers a value was computed from."""
        found = []
        for read in self.reads.get(self.members.get(event, [event])[-1], ()):
            if self.values[self._value[read]].size == 1:
                if self.place(read).kind == "load":
                    found.append(read)
                elif depth:
                    found += self.numbers(read, depth - 1)
        return found

    def beside(self, event: int) -> list[int]:
        """The events that read or take out something in the statement of an event, each expression once."""
        place = self.place(event)
        found = {
            self.text(other): other
            for other in self.events
            if (at := self.place(other)).statement == place.statement
            and at.file == place.file
            and (at.kind == "load" or at.node == "Subscript")
        }
        return list(found.values())

    def statement(self, event: int) -> str:
        """The text of an event's statement; of a block's, its head."""
        place = self.place(event)
        lines = self._lines[place.file][place.statement - 1 : place.statement_end]
        return b"\n".join(lines).decode(errors="replace")

    def call(self, event: int) -> int | None:
        """The call that an event happened in, of a function of its file; None if it cannot be told."""
        function, start = self.place(event).function, self.when(event)
        name, returned = function.rsplit(".", 1)[-1], None
        for other in self.events:
            if other <= start:
                continue
            place = self.place(other)
            if place.function == function:
                if place.kind == "value" and place.target in ("return", ""):
                    returned = self._value[other]
            elif place.node == "Call":
                called = self.text(other).split("(")[0].rsplit(".", 1)[-1]
                if called == name or (returned is not None and self._value[other] == returned):
                    return other
        return None

    def called(self, event: int) -> tuple[str, str] | None:
        """The name that a call goes by, and that of the function of the user's which ran, where they are two."""
        members = self.members.get(event, [event])
        before = [other for other in self.events if other < members[-1]][-1:]
        if self.place(event).node != "Call" or not before or self.place(before[0]).target != "return":
            return None
        name = self.text(event).split("(")[0].rsplit(".", 1)[-1]
        ran = self.place(before[0]).function.rsplit(".", 1)[-1]
        return (name, ran) if name.isidentifier() and name != ran else None

    def text(self, event: int) -> str:
        """An event's expression as it is written, on one line."""
        place = self.place(event)
        lines = self._lines[place.file][place.first - 1 : place.last]
        lines[-1] = lines[-1][: place.end]
        lines[0] = lines[0][place.column :]
        return " ".join(b" ".join(lines).decode(errors="replace").split())

    def find(self, array: Array) -> int | None:
        """The latest value of this step with these numbers, in whatever shape; None if there is none."""
        wanted = np.sort(array, axis=None)
        for event in reversed(self.events):
            value = self.values[self._value[event]]
            if value.size == array.size and np.array_equal(np.sort(value, axis=None), wanted, equal_nan=True):
                return self._value[event]
        return None


def distinct(values: Iterable[Each]) -> list[Each]:
    """Each once, in order."""
    return list(dict.fromkeys(values))


def shaped(value: Array, shape: Sequence[int]) -> list[Array]:
    """A value in a shape: as it is, and turned round, where either fits; one number as often as is needed."""
    if value.size == 1 and len(shape) == 1:
        return [np.full(shape, value.item())]
    own, wanted = squeezed(value.shape), squeezed(shape)
    found = [value.reshape(shape)] if own == wanted else []
    if own[::-1] == wanted and len(wanted) > 1:
        found.append(value.reshape(own).T.reshape(shape))
    return found
