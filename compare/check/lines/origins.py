"""Where a wrong value comes from: the expressions of a subject that a cause is told by, the likeliest first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from compare.check.lines.classified import NUMBER, RIGHT, SCALED, STALE, UNKNOWN, Values
from compare.check.lines.flow import MAKING, RENAMING, distinct
from compare.check.lines.known import REORDERED, Identity, primary, time_of
from compare.check.lines.loops import Loops
from compare.mathematics.functions import Array


@dataclass(frozen=True)
class Wrong:
    """A cause: a value of the subject that is not what it should be.

    Attributes
    ----------
    role : str
        Keras's quantity in whose place it stands.
    value : int
    events : tuple of int
        Where it comes from, the likeliest first: expressions that read what is right, and make what is not.
    confirmed : bool
        Whether what follows from it is Keras's, if it is put in Keras's place.
    stands_for : Identity or None
        Which other quantity it is, or how many times its own.
    """

    role: str
    value: int | None
    events: tuple[int, ...]
    confirmed: bool
    stands_for: Identity | None = None


@dataclass(frozen=True)
class Trial:
    """A value of the subject, tried in the place of one of Keras's quantities.

    Attributes
    ----------
    value : int
    role : str
    array : ndarray
        The value in Keras's shape, divided by `divisor`, which the subject takes out later.
    when : int
        The event that made it.
    divisor : float
    also : dict of role to array
        What else the value holds: a bias beside its kernel.
    read : bool
        Whether it is right as something else.
    """

    value: int
    role: str
    array: Array
    when: int
    divisor: float = 1.0
    also: Mapping[str, Array] = field(default_factory=dict)
    read: bool = False

    @property
    def timed(self) -> bool:
        """Whether what it is tried for is made at each time."""
        return time_of(self.role) != ""

    @property
    def replaced(self) -> dict[str, Array]:
        """What is tried in the place of what."""
        return {self.role: self.array, **self.also}


class Origins:
    """Where the values of one step come from; `outputs` are its new weights, and its loss."""

    def __init__(self, values: Values, outputs: Mapping[str, Array]) -> None:
        self.values, self.flow, self.outputs = values, values.flow, outputs
        self.loops = Loops(values)

    def told(self, trial: Trial, start: int) -> Wrong:
        """A cause, with the expressions that it comes from."""
        value, identity = trial.value, self.values.identity(trial.value)
        made = self.flow.last_made(start) if value == start else self.flow.made(value)
        if identity is not None and identity.step != self.flow.step:
            identity = None
        if identity is not None and f"d{identity.name[-2:]}" == trial.role and identity.name.startswith("update"):
            identity = replace(identity, name=trial.role, factor=identity.factor * self.values.rate)
        if identity is not None and identity.factor == trial.divisor and value != start:
            return self._standing_in(trial, made, replace(identity, factor=1.0))
        passed, ends = self.values.path(value, made, output=trial.role.startswith(("new ", "loss")))
        filling = [] if np.any(trial.array) else self.loops.filling(trial.role)
        filling += self.loops.unfilled(trial.role, trial.array)
        events = [
            *filling,
            *self._carried(trial.role, ends),
            *self._first_reads(ends),
            *self._sets(ends),
            *(self._at_fault(end) for end in ends),
        ]
        events += [*self._unexpected(ends), *self._calls(ends, made)]
        other = [event for end in ends for event in (*self._renamed(end, trial.role), *self._divided(end))]
        single = any(self.flow.single(end, source) for end in ends for source in self.flow.sources(end))
        events = [*other, *events] if single else [*events, *other]
        events += [each for end in ends for each in (*self._gathered(end), *self._aliased(end))]
        if made is not None:
            users = self.flow.users.get(value, []) if trial.role != "loss" else []
            function = self.flow.place(made).function
            handed = self.flow.handed_on(value, made, users[0] if users else self.flow.events[-1])
            events += [event for event in handed if self.flow.place(event).function == function]
            summed = any(
                self.values.kind(s) == SCALED and self.values.harmless(s)
                for end in ends
                for s in self.flow.sources(end)
            )
            # Elsewhere, what is summed is averaged later: here it is not.
            events = [made, *events] if summed else [*events[:1], made, *events[1:]]
            # What lies between reads what is nobody's, and may be what is wrong.
            between = [event for each in reversed(passed) if (event := self.flow.made(each)) is not None]
            functions = {function, *(self.flow.place(end).function for end in ends)}
            events += [event for event in between if self.flow.place(event).function in functions]
        if identity is not None and trial.divisor != 1:
            identity = replace(identity, factor=identity.factor / trial.divisor)
        return Wrong(trial.role, value, tuple(distinct(events)), True, identity)

    def not_finite(self) -> Wrong | None:
        """Where the first number that is not finite comes from; None where there is none."""
        for event in self.flow.events:
            value = self.flow.lifted(self.flow.value(event))
            if self.flow.place(event).kind not in MAKING or np.isfinite(self.flow.values[value]).all():
                continue
            if all(np.isfinite(self.flow.values[each]).all() for each in self.flow.sources(event)):
                _, ends = self.values.path(value, event)
                return Wrong("", value, tuple(distinct([*ends, event])), False)
        return None

    def _carried(self, role: str, ends: list[int]) -> list[int]:
        """Where what is of another time comes from: statements that carry a gradient on, or another time's slope."""
        found: list[int] = []
        for end in ends:
            for source in self.flow.sources(end):
                identity = self.values.identity(source)
                if identity is None or time_of(identity.name) in ("", time_of(role)) or not time_of(role):
                    continue
                made = self.flow.made(source)
                if made is not None and identity.name.startswith("d"):
                    found += self.flow.handed_on(source, made, end)
                elif made is not None and role.startswith("dZ") and not primary(identity.name):
                    found.append(made)
        return found

    def _calls(self, ends: list[int], made: int | None) -> list[int]:
        """The calls of functions that a wrong value was begun in, where it was made in another."""
        if made is None:
            return []
        function = self.flow.place(made).function
        found = []
        for end in ends:
            call: int | None = self.flow.members.get(end, [end])[0]
            inside = self.flow.place(end).function != function
            while call is not None and self.flow.place(call).function != function:
                call = self.flow.call(call)
            if inside and call is not None:
                found.append(call)
        return found

    def _standing_in(self, trial: Trial, made: int | None, identity: Identity) -> Wrong:
        """A right value in a wrong place: where it is made, and where it is taken for another."""
        users = self.flow.users.get(trial.value, ())
        readers = [event for event in users if self.values.kind(self.flow.value(event)) == UNKNOWN]
        if made is None or not readers:
            events = [*([made] if made is not None else []), *readers[:1]]
        else:
            handed = self.flow.handed_on(trial.value, made, max(readers, key=self.flow.when))
            returned = [event for event in handed if self.flow.place(event).target == "return"]
            given = [event for event in handed if event not in returned]
            call = self.flow.passing(trial.value, self.flow.members.get(readers[0], readers)[0])
            handing = [call] if call is not None else []
            events = [*given, made, *returned, *self.flow.tests(made, readers[0]), *handing, readers[0]]
        return Wrong(trial.role, trial.value, tuple(distinct(events)), True, identity)

    def _first_reads(self, events: list[int]) -> list[int]:
        """Where what is stale among the sources of these is first looked at: there it should have been another."""
        stale = {
            (identity.name, identity.step)
            for event in events
            for source in self.flow.sources(event)
            if (identity := self.values.identity(source)) is not None and self.values.kind(source) == STALE
        }
        first: dict[tuple[str, int], int] = {}
        for event in self.flow.events if stale else ():
            value = self.flow.value(event)
            identity = self.values.identity(value)
            if identity is not None and (identity.name, identity.step) in stale and self.values.kind(value) == STALE:
                first.setdefault((identity.name, identity.step), event)
        return sorted(distinct(first.values()))

    def _sets(self, events: list[int]) -> list[int]:
        """The statements that set a number by which a value is too large, or that the learning rate is not."""
        found = []
        for event in events:
            mine = self.values.identity(self.flow.value(event))
            if mine is None or mine.factor == 1:
                continue
            # An update's factor may have been told as its gradient's, and the other way round.
            factors = mine.factor, mine.factor * self.values.rate, mine.factor / self.values.rate
            for read in self.flow.numbers(event):
                number = float(self.flow.values[self.flow.value(read)].item())
                if not number:
                    continue
                off = [abs(each * number / self.flow.samples - 1) for each in factors]
                off += [abs(number / self.values.rate / each - 1) for each in factors]
                if min(off) < 1e-6:
                    given = self.flow.set(self.flow.text(read), self.flow.value(read), event)
                    found.append(self.flow.passing(self.flow.value(read), event) if given is None else given)
        return distinct(event for event in found if event is not None)

    def _unexpected(self, events: list[int]) -> list[int]:
        """The statements that set a number that these read, and that is neither a count of samples nor the rate."""
        plain = {0.0, 1.0, -1.0, 2.0, 0.5, float(self.flow.samples), self.values.rate}
        found = []
        for event in events:
            for read in self.flow.beside(event):
                value = self.flow.value(read)
                array = self.flow.values[value]
                if array.size > 1 or float(array.item()) in plain or self.values.identity(value) is not None:
                    continue
                given = self.flow.set(self.flow.text(read), value, event)
                if given is not None and self.flow.place(given).function == self.flow.place(event).function:
                    found.append(given)
        return distinct(found)

    def _renamed(self, event: int, role: str) -> list[int]:
        """Statements that gave a source of an event the name it is read by, where another value may have been meant."""
        found: list[int] = []
        members = self.flow.members.get(event, [event])
        reads = {
            self.flow.lifted(self.flow.value(read)): self.flow.text(read)
            for read in self.flow.reads.get(members[-1], ())
        }
        for source in self.flow.sources(event):
            identity = self.values.identity(source)
            if self.flow.values[source].size == 1 or source not in self.flow.maker:
                continue
            given = self.flow.set(reads.get(source, ""), source, event)
            maker = self.flow.place(self.flow.maker[source])
            if given is not None and self.flow.place(given).node in RENAMING and self.flow.place(given) != maker:
                found.append(given)
            if self.flow.single(event, source):
                found += self.flow.handed_on(source, self.flow.maker[source], event)[-1:]
            if self.flow.place(event).kind == "changed" and self.values.kind(source) == NUMBER:
                found.append(self.flow.maker[source])  # an array that was made to be filled
            if self.values.kind(source) not in (RIGHT, SCALED) or identity is None:
                continue
            # The derivative may be of anything; and what is no quantity of Keras's stands where one should.
            factor = role.startswith("dZ") and not identity.name.startswith("d")
            early = identity.name.startswith("new ") and not role.startswith("new ")
            if factor and given is not None:
                found.append(given)
            if early or (not factor and not primary(identity.name) and self.flow.made(source) is not None):
                found += [*([given] if given is not None else []), self._origin(identity, event)]
        return found

    def _aliased(self, event: int) -> list[int]:
        """The statement that gave what an event's statement changes in place its name, if it was another's before."""
        place = self.flow.place(event)
        targets = {
            at.target
            for other in self.flow.events
            if (at := self.flow.place(other)).kind == "changed"
            and (at.file, at.statement) == (place.file, place.statement)
        }
        given = [
            other
            for other in self.flow.events
            if other < self.flow.when(event)
            and (at := self.flow.place(other)).kind == "value"
            and (at.target in targets and at.function == place.function)
        ]
        return [each for each in given[-1:] if self.flow.place(each).node in ("Name", "Attribute")]

    def _gathered(self, event: int) -> list[int]:
        """Where the list that an event reads was filled."""
        names = [
            self.flow.text(read) for read in self.flow.reads.get(event, ()) if self.flow.place(read).node == "Name"
        ]
        several = [name for name in dict.fromkeys(names) if names.count(name) > 1]
        function = self.flow.place(event).function
        return [
            other
            for other in self.flow.events
            if other < event
            and self.flow.place(other).node == "Call"
            and self.flow.place(other).function == function
            and any(self.flow.text(other).startswith(f"{name}.append(") for name in several)
        ]

    def _origin(self, identity: Identity, otherwise: int) -> int:
        """The first event of the step that makes a quantity, in whatever form."""
        return next(self._showing(identity.name, identity.step), otherwise)

    def _showing(self, name: str, step: int) -> Iterator[int]:
        """The events whose value is a quantity of a step, in whatever form."""
        for event in self.flow.events:
            identity = self.values.identity(self.flow.lifted(self.flow.value(event)))
            if identity is not None and (identity.name, identity.step) == (name, step):
                yield event

    def _divided(self, event: int) -> list[int]:
        """Where else a gradient that is divided twice was divided by the number of samples."""
        n = self.flow.samples
        mine = self.values.identity(self.flow.value(event))
        if mine is None or n == 1 or abs(mine.factor * n - 1) > 1e-6:
            return []
        seen: list[int] = []
        waiting = [self.flow.value(event)]
        while waiting:
            value = waiting.pop(0)
            made = self.flow.made(value)
            if value in seen or made is None:
                continue
            seen.append(value)
            its = self.values.identity(value)
            for source in self.flow.sources(made):
                identity = self.values.identity(source)
                if identity is None or not identity.name.startswith("d") or self.values.kind(source) == STALE:
                    continue
                if its is not None and its.factor == 1 and abs(identity.factor / n - 1) < 1e-6:
                    return [made]
                waiting.append(source)
        return []

    def _at_fault(self, event: int) -> int:
        """The event, or the call that it happened in, if what it is a part of is right in other calls."""
        first = self.flow.members.get(event, [event])[0]
        call = self.flow.call(first)
        if call is None:
            return event
        site, mine = self.flow.place(event), self.flow.members.get(event, [event])
        for other in self.flow.events:
            value = self.flow.lifted(self.flow.value(other))
            if (
                other not in mine
                and self.flow.place(other) == site
                and (self.values.vouches(value) or self.values.harmless(value))
            ):
                elsewhere = self.flow.call(other)
                if elsewhere is not None and self.flow.place(elsewhere) != self.flow.place(call):
                    return call
        return event

    def unconfirmed(self, name: str) -> Wrong | None:
        """Where an output begins to be wrong, if no value on the way explains it."""
        start = self.values.start(self.outputs[name], self.values.quantities[name])
        made = None if start is None else self.flow.last_made(start)
        if start is None or made is None:
            return self._left_alone(name)
        identity = self.values.identity(start)
        if identity is not None and name == f"new {identity.name}" and self.flow.place(made).kind == "load":
            return self._left_alone(name)  # it is only looked at from another side
        _, ends = self.values.path(start, made, output=True)
        missing = self.loops.turning(name[4:]) if name != "loss" and f"d{name[4:]}" not in self.values.present else []
        turned = [
            made
            for end in ends
            for source in self.flow.sources(end)
            if (of := self.values.identity(source)) is not None and of.how == REORDERED
            if (made := self.flow.made(source)) is not None
        ]
        events = [*missing, *turned, *self.loops.short(), *self._first_reads(ends), *map(self._at_fault, ends)]
        before = self._right(name)  # then it is changed once more
        events += [] if before is None else [self.flow.call(before) or before]
        return Wrong(name, start, tuple(distinct(events)), False) if events else None

    def _left_alone(self, name: str) -> Wrong | None:
        """A weight that nothing changes: where it is made and not kept, or others are changed, and the loop of that."""
        dropped = self._right(name)
        if dropped is not None:
            return Wrong(name, self.flow.value(dropped), (dropped,), False)
        for other, value in sorted(self.outputs.items(), key=lambda each: each[0][:5] != name[:5]):
            right = self.values.quantities[other.removeprefix("new ")]
            if other in ("loss", name) or np.array_equal(value, right):
                continue
            start = self.values.start(value, self.values.quantities[other])
            made = None if start is None else self.flow.last_made(start)
            if made is not None:
                given = [self.flow.set(self.flow.text(n), self.flow.value(n), made) for n in self.flow.numbers(made)]
                counts = [event for event in given if event is not None and self.flow.place(event).kind == "value"]
                return Wrong(
                    name, None, (*counts, *self.loops.turning(name[4:]), *self.loops.around(made), made), False
                )
        return None

    def _right(self, name: str) -> int | None:
        """The event that makes a quantity as it should be, if one does."""
        values = (self.flow.lifted(self.flow.value(event)) for event in self._showing(name, self.flow.step))
        makers = (self.flow.made(value) for value in values if self.values.kind(value) == RIGHT)
        return next((made for made in makers if made is not None), None)
