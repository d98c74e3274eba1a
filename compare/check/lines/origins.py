"""Where a wrong value comes from: the expressions of a subject that a cause is told by, the likeliest first."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from compare.check.lines.classified import RIGHT, SCALED, UNKNOWN, Values, layer_of
from compare.check.lines.events import MAKING, distinct
from compare.check.lines.known import REORDERED, REPORTED, RESHAPED, Identity, time_of
from compare.check.lines.leads import Leads
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
    decided_by : tuple of str
        Classes whose objects are where none should be, perhaps, and lists that hold too much.
    """

    role: str
    value: int | None
    events: tuple[int, ...]
    confirmed: bool
    stands_for: Identity | None = None
    decided_by: tuple[str, ...] = ()


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
        self.leads = Leads(values, self.loops)

    def told(self, trial: Trial, start: int) -> Wrong:
        """A cause, with the expressions that it comes from."""
        value, identity = trial.value, self.values.identity(trial.value)
        made = self.flow.last_made(start) if value == start else self.flow.made(value)
        if identity is not None and identity.step != self.flow.step:
            identity = None
        if identity is not None and identity.how == REORDERED:
            return Wrong("all gradients", value, tuple(self._computed(value)), True, identity)
        if identity is not None and f"d{identity.name[-2:]}" == trial.role and identity.name.startswith("update"):
            identity = replace(identity, name=trial.role, factor=identity.factor * self.values.rate)
        if lost := self.leads.overwritten(value, self.values.quantities[trial.role] * trial.divisor):
            part = None if identity is None else replace(identity, factor=1.0)
            return Wrong(trial.role, value, tuple(distinct([*lost, *([made] if made is not None else [])])), True, part)
        if identity is not None and identity.factor == trial.divisor and value != start:
            return self._standing_in(trial, made, replace(identity, factor=1.0))
        passed, ends = self.values.path(value, made, output=trial.role.startswith(("new ", *REPORTED)))
        filling = [] if np.any(trial.array) else [*self.leads.truncated(), *self.loops.filling(trial.role)]
        filling += self.loops.unfilled(trial.role, trial.array)
        if made is not None and trial.role.startswith("d"):
            function = self.flow.place(made).function
            filling += [loop for loop in self.loops.short() if self.flow.place(loop).function == function]
        events = [
            *(self.leads.changed(ends) if trial.role in REPORTED else []),
            *filling,
            *self.leads.carried(trial.role, ends),
            *self.leads.unfinished(ends),
            *self.leads.first_reads(ends),
            *self.leads.sets(ends),
            *(self.leads.at_fault(end) for end in ends),
            *self.leads.chosen(ends),
            *self.leads.handed(ends),
        ]
        events += [*self.leads.misplaced(ends, trial.role), *self.leads.unexpected(ends), *self.leads.calls(ends, made)]
        other = [event for end in ends for event in (*self.leads.renamed(end, trial.role), *self.leads.divided(end))]
        single = any(self.flow.single(end, source) for end in ends for source in self.flow.sources(end))
        events = [*other, *events] if single else [*events, *other]
        events += [each for end in ends for each in (*self.leads.gathered(end), *self.leads.aliased(end))]
        if made is not None:
            users = self.flow.users.get(value, []) if trial.role not in REPORTED else []
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
        deciding = self.leads.deciding(made, identity, ends)
        role = "all gradients" if len(trial.also) > 1 else trial.role
        return Wrong(role, value, tuple(distinct(events)), True, identity, deciding)

    def not_finite(self) -> Wrong | None:
        """Where the first number that is not finite comes from; None where there is none."""
        for event in self.flow.events:
            value, place = self.flow.lifted(self.flow.value(event)), self.flow.place(event)
            if place.kind not in MAKING or np.isfinite(self.flow.values[value]).all():
                continue
            computes = place.kind == "changed" or place.node in ("BinOp", "UnaryOp", "Call")
            if not computes or "empty" in self.flow.text(event).split("(")[0]:
                continue  # it is only taken out of something, or not filled yet
            if all(np.isfinite(self.flow.values[each]).all() for each in self.flow.sources(event)):
                _, ends = self.values.path(value, event)
                return Wrong("", value, tuple(distinct([*ends, event])), False)
        return None

    def _standing_in(self, trial: Trial, made: int | None, identity: Identity) -> Wrong:
        """A right value in a wrong place: where it is made, and where it is taken for another."""
        users = self.flow.users.get(trial.value, ())
        readers = [event for event in users if self.values.kind(self.flow.value(event)) == UNKNOWN]
        if made is None or not readers:
            events = [*([made] if made is not None else []), *readers[:1]]
        else:
            handed = self.flow.handed_on(trial.value, made, max(readers, key=self.flow.when))
            unchanged = self.flow.handed_back(trial.value, made, max(readers, key=self.flow.when))
            returned = [event for event in handed if self.flow.place(event).target == "return"]
            given = [event for event in handed if event not in returned]
            call = self.flow.passing(trial.value, self.flow.members.get(readers[0], readers)[0])
            handing = [call] if call is not None else []
            events = [*given, made, *unchanged, *returned, *self.flow.tests(made, readers[0]), *handing, readers[0]]
        return Wrong(trial.role, trial.value, tuple(distinct(events)), True, identity)

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
        absent = name not in REPORTED and f"d{name[4:]}" not in self.values.present
        missing = self.loops.turning(name[4:]) if absent else []
        turned = [
            made
            for end in ends
            for source in self.flow.sources(end)
            if (of := self.values.identity(source)) is not None and of.how in (REORDERED, RESHAPED)
            for made in self._computed(source)
        ]
        events = [
            *self.leads.repeated(made),
            *missing,
            *turned,
            *self.loops.short(),
            *self.leads.first_reads(ends),
            *map(self.leads.at_fault, ends),
            *self.leads.handed(ends),
        ]
        before = self._right(name)  # then it is changed once more
        events += [] if before is None else [self.flow.call(before) or before]
        return Wrong(name, start, tuple(distinct(events)), False) if events else None

    def _computed(self, value: int) -> list[int]:
        """The event that made a value, and those that computed or turned round what it is put together from."""
        found: list[int] = []
        waiting = [value]
        while waiting:
            made = self.flow.made(waiting.pop(0))
            if made is None or made in found:
                continue
            found.append(made)
            waiting += self.flow.sources(made) if self.flow.place(made).node not in ("BinOp", "UnaryOp") else []
        computed = [event for event in found if self.flow.place(event).node in ("BinOp", "UnaryOp")]
        return [*filter(self._reorders, found), *found[:1], *computed]

    def _reorders(self, event: int) -> bool:
        """Whether an event only puts the numbers of an array in another order."""
        value = self.flow.value(event)
        alike = [each for each in self.flow.sources(event) if self.flow.alike(each, value)]
        numbers = self.flow.values[value].ravel()
        return bool(alike) and not any(np.array_equal(self.flow.values[each].ravel(), numbers) for each in alike)

    def _left_alone(self, name: str) -> Wrong | None:
        """A weight that nothing changes: where it is made and not kept, or others are changed, and the loop of that."""
        dropped = self._right(name) or self._right("all new weights")
        if dropped is not None:
            return Wrong(name, self.flow.value(dropped), (dropped,), False)
        makers: list[tuple[str, int]] = []
        for other, value in sorted(self.outputs.items(), key=lambda each: each[0][:5] != name[:5]):
            right = self.values.quantities[other.removeprefix("new ")]
            if other in (*REPORTED, name) or np.array_equal(value, right):
                continue
            start = self.values.start(value, self.values.quantities[other])
            made = None if start is None else self.flow.last_made(start)
            if made is not None:
                makers.append((other, made))
        if not makers:
            return None
        _, first = makers[0]
        given = [self.flow.set(self.flow.text(n), self.flow.value(n), first) for n in self.flow.numbers(first)]
        counts = [event for event in given if event is not None and self.flow.place(event).kind == "value"]
        beside = [made for other, made in makers if layer_of(other) == layer_of(name)]
        events = [*counts, *self.loops.turning(name[4:]), *self.loops.turned_at(first), first, *beside]
        return Wrong(name, None, tuple(distinct(events)), False)

    def _right(self, name: str) -> int | None:
        """The event that makes a quantity as it should be, if one does."""
        values = (self.flow.lifted(self.flow.value(event)) for event in self.leads.showing(name, self.flow.step))
        makers = (self.flow.made(value) for value in values if self.values.kind(value) == RIGHT)
        return next((made for made in makers if made is not None), None)
