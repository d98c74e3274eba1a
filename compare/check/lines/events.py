"""What happened in one traced step: events, the values that they made or read, and where.

Where a place makes one value for each sample of the batch, all of them together are a value too: a loop over samples
then reads as code for whole batches does.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import TypeVar

import numpy as np

from compare.check.lines.known import Form, squeezed
from compare.check.subject.tracing import Place, Trace
from compare.mathematics.functions import Array

Each = TypeVar("Each")

MAKING = ("part", "value", "changed")
COMPUTING = ("BinOp", "UnaryOp", "Call", "Subscript")
FEWEST = 3  # samples: of fewer, what is made for each is not told from what is made for each layer


class Events:
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
            if self.place(event).kind == "changed" and self.place(read).node == "Call":
                self.reads[event] += self.reads.get(read, ())  # what a call for its effect was given
        self.maker: dict[int, int] = {}
        for event in self.events:
            self.maker.setdefault(self._value[event], event)
        self._look_into()
        self.members: dict[int, list[int]] = {}
        self.stack: dict[int, int] = {}
        self._gather()
        self._at: dict[int, list[int]] = {}
        for event in self.events:
            self._at.setdefault(self._site[event], []).append(event)
        self._with: dict[int, list[int]] = {}
        for event, value in enumerate(trace.events[:, 1].tolist()):
            self._with.setdefault(value, []).append(event)
        # What is asked again and again, of steps of many thousand events.
        self._texts: dict[Place, str] = {}
        self._sources: dict[int, list[int]] = {}
        self._accumulating: dict[int, bool] = {}

    def _look_into(self) -> None:
        """Take an array that is first seen as it is read for made of what lies in it, or for a part of what it lies in.

        So it is where one of them is a view of the other.
        """
        made: dict[bytes, int] = {}  # by its numbers, the event that made an array last
        for event in self.events:
            value = self.values[self._value[event]]
            if self.maker[self._value[event]] != event or value.size < FEWEST:
                continue
            if self.place(event).kind in ("load", "loop") and event not in self.reads:
                self.reads[event] = _parts(value.tobytes(), made) or _wholes(value, made)
            elif np.unique(value).size > 2:
                made[value.tobytes()] = event

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
                makers = [self.maker[self._value[event]] for event in members]  # two samples' masks may be alike
                if sum(maker in members for maker in makers) < len(members) - 1 or len(set(makers)) == 1:
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

    def where(self, told: Callable[[Place], bool], first: int = 0, last: int | None = None) -> list[int]:
        """The events of this step from one on and before another, in order, at the places that something is true of."""
        found = [events for site, events in self._at.items() if told(self.trace.sites[site])]
        end = self.events[-1] + 1 if last is None else last
        return sorted(chain.from_iterable(each[bisect_left(each, first) : bisect_left(each, end)] for each in found))

    def whose(self, values: Iterable[int]) -> list[int]:
        """The events of all steps that are traced whose value is one of these, in order."""
        return sorted(chain.from_iterable(self._with.get(value, ()) for value in values))

    def makes_array(self, event: int) -> bool:
        """Whether an event makes, and does not only read, an array."""
        return self.place(event).kind in MAKING and self.values[self._value[event]].size > 1

    def computes(self, event: int) -> bool:
        """Whether an event is the first to compute a value, of others."""
        place = self.place(event)
        return self.maker[self._value[event]] == event and place.kind in ("part", "value") and place.node in COMPUTING

    def when(self, event: int) -> int:
        """When it happened, or ended."""
        return self.members[event][-1] if event in self.members else event

    def lifted(self, value: int) -> int:
        """The value of a whole loop that a value is one sample's of; itself, if it is of none."""
        event = self.maker.get(value)
        return self._value[self.stack[event]] if event is not None and event in self.stack else value

    def sources(self, event: int) -> list[int]:
        """The values that an event's value was computed from, without itself."""
        if event not in self._sources:
            self._sources[event] = self._read(event)
        return self._sources[event]

    def _read(self, event: int) -> list[int]:
        own = self._value[event]
        stack = event if event in self.members else self.stack.get(event)
        members = self.members.get(event, [event])
        if event != stack and stack is not None and self.accumulates(stack):
            members = [self.members[stack][0], event]  # what it began with, too
        found: dict[int, None] = {}
        for member in members:
            for read in self.reads.get(member, ()):
                value = self._value[read]
                if stack is None:
                    found[value if self._sum(value) else self.lifted(value)] = None
                elif self.stack.get(self.maker[value]) != stack:
                    found[self.lifted(value)] = None
        return [each for each in found if each != own]

    def _sum(self, value: int) -> bool:
        """Whether a value is what a loop over samples has added up in the end."""
        stack = self.stack.get(self.maker[value])
        return stack is not None and value == self._value[self.members[stack][-1]] and self.accumulates(stack)

    def accumulates(self, event: int) -> bool:
        """Whether what a place makes for a sample is made of what it made for the one before."""
        if event not in self._accumulating:
            members = self.members[event]
            own = {self._value[member] for member in members}
            self._accumulating[event] = any(self._value[r] in own for each in members for r in self.reads.get(each, ()))
        return self._accumulating[event]

    def single(self, event: int, source: int) -> bool:
        """Whether an event outside a loop over samples reads one sample's value of it alone."""
        stack = self.maker.get(source)
        if stack not in self.members or event in self.members or event in self.stack:
            return False
        own = {self._value[member] for member in self.members[stack]}
        return len({self._value[read] for read in self.reads.get(event, ())} & own) == 1

    def numbers(self, event: int, depth: int = 3) -> list[int]:
        """The events that read the numbers a value was computed from."""
        found = []
        for read in self.reads.get(self.members.get(event, [event])[-1], ()):
            if self.values[self._value[read]].size == 1:
                if self.place(read).kind == "load":
                    found.append(read)
                elif depth:
                    found += self.numbers(read, depth - 1) or ([read] if self.place(read).node == "Call" else [])
        return found

    def beside(self, event: int) -> list[int]:
        """The events that read or take out something in the statement of an event, each expression once."""
        place = self.place(event)
        here = self.where(
            lambda at: (
                at.statement == place.statement
                and at.file == place.file
                and (at.kind == "load" or at.node in ("Subscript", "Attribute"))
            )
        )
        return list({self.text(other): other for other in here}.values())

    def statement(self, event: int) -> str:
        """The text of an event's statement; of a block's, its head."""
        place = self.place(event)
        lines = self._lines[place.file][place.statement - 1 : place.statement_end]
        return b"\n".join(lines).decode(errors="replace")

    def text(self, event: int) -> str:
        """An event's expression as it is written, on one line."""
        return self.written(self.place(event))

    def written(self, place: Place) -> str:
        """The expression at a place, on one line."""
        if place not in self._texts:
            lines = self._lines[place.file][place.first - 1 : place.last]
            lines[-1] = lines[-1][: place.end]
            lines[0] = lines[0][place.column :]
            self._texts[place] = " ".join(b" ".join(lines).decode(errors="replace").split())
        return self._texts[place]

    def find(self, array: Array) -> int | None:
        """The latest value of this step with these numbers, in whatever shape; None if there is none."""
        wanted = np.sort(array, axis=None)
        for event in reversed(self.events):
            value = self.values[self._value[event]]
            if value.size == array.size and np.array_equal(np.sort(value, axis=None), wanted, equal_nan=True):
                return self._value[event]
        return None


def _parts(whole: bytes, made: Mapping[bytes, int]) -> list[int]:
    """The events that made what lies in an array, the largest of what overlaps."""
    found: list[tuple[int, int, int]] = []
    for numbers, event in sorted(made.items(), key=lambda each: -len(each[0])):
        at = whole.find(numbers) if len(numbers) < len(whole) else -1
        if at >= 0 and all(at + len(numbers) <= first or last <= at for first, last, _ in found):
            found.append((at, at + len(numbers), event))
    return [event for *_, event in sorted(found)]


def _wholes(part: Array, made: Mapping[bytes, int]) -> list[int]:
    """The event that made what an array lies in last."""
    if np.unique(part).size <= 2:
        return []
    return sorted(event for numbers, event in made.items() if part.tobytes() in numbers)[-1:]


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
