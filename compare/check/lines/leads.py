"""What besides the expressions that a wrong value begins at may be wrong: what they read, and how it came there."""

from collections.abc import Iterator

import numpy as np

from compare.check.lines.classified import NUMBER, RIGHT, SCALED, STALE, Values
from compare.check.lines.deciding import decisions
from compare.check.lines.events import distinct, shaped
from compare.check.lines.flow import RENAMING
from compare.check.lines.known import Identity, primary, read_for, time_of
from compare.check.lines.loops import Loops
from compare.mathematics.functions import Array


class Leads:
    """The places that a wrong value's ends lead to: the events that read what is right, and make what is not."""

    def __init__(self, values: Values, loops: Loops) -> None:
        self.values, self.flow, self.loops = values, values.flow, loops

    def carried(self, role: str, ends: list[int]) -> list[int]:
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

    def calls(self, ends: list[int], made: int | None) -> list[int]:
        """The calls of functions that a wrong value was begun in, where it was made in another."""
        if made is None:
            return []
        function = self.flow.place(made).function
        found = []
        for end in ends:
            if self.flow.place(end).function != function:
                calls = self.flow.calls(self.flow.members.get(end, [end])[0])
                found += [call for call in calls if self.flow.place(call).function == function][:1]
        return found

    def unfinished(self, ends: list[int]) -> list[int]:
        """The loop that decides when a sum is read, where these have read it before it was Keras's."""
        found: list[int] = []
        for end in ends:
            added = [
                user
                for source in self.flow.sources(end)
                for user in self.flow.users.get(source, ())
                if user > self.flow.when(end) and self.values.whole(self.flow.value(user))
                if not self.values.whole(source) and self.values.kind(source) != NUMBER
            ]
            for event in (end, *self.flow.calls(end)) if added else ():
                found += [loop for loop in self.flow.last(event, "loop") if self.loops.turns(loop, end, max(added))]
        return distinct(found)

    def overwritten(self, value: int, right: Array) -> list[int]:
        """The statement that put a value where another one was, to which it should have been added."""
        array, relative = self.flow.values[value], self.values.library.relative
        for event in self.flow.here(value):
            place = self.flow.place(event)
            if place.kind != "value" or place.target in ("", "return"):
                continue
            for missing in (whole - array for whole in shaped(right, array.shape)):
                for other in self.flow.where(place.__eq__, last=event):
                    lost = self.flow.values[self.flow.value(other)]
                    if (
                        lost.shape == array.shape
                        and np.abs(lost - missing).max() <= relative * np.abs(missing).max()
                        and np.any(lost)
                    ):
                        return [event]
        return []

    def misplaced(self, events: list[int], role: str) -> list[int]:
        """Where a quantity that Keras does not compute this one from was put where it is read."""
        found = []
        for event in events:
            for source in self.flow.sources(event):
                identity = self.values.identity(source)
                if identity is None or self.values.kind(source) not in (RIGHT, SCALED):
                    continue
                if not primary(identity.name) or read_for(identity.name, role, self.values.library.takes):
                    continue
                found.append(self.flow.stored(source, event))
        return distinct(event for event in found if event is not None)

    def first_reads(self, events: list[int]) -> list[int]:
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

    def sets(self, events: list[int]) -> list[int]:
        """The statements that set a number by which a value is too large, or that the learning rate is not."""
        found: list[int | None] = []
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
                # A count of samples, the learning rate, a factor; or what is divided by.
                like = number / self.flow.samples, number / self.values.rate, number
                off = [abs(one * each - 1) for one in like for each in (*factors, *(1 / each for each in factors))]
                if min(off) < 1e-6:
                    value = self.flow.value(read)
                    given = self.flow.set(self.flow.text(read), value, event)
                    returned = self.flow.returned(read if given is None else given)
                    set_by = [each for each in (given, returned) if each is not None]
                    found += set_by or [self.flow.passing(value, event)]
        return distinct(event for event in found if event is not None)

    def unexpected(self, events: list[int]) -> list[int]:
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

    def renamed(self, event: int, role: str) -> list[int]:
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
            if early:
                found = [*reversed([*self.flow.calls(event)]), *found]
                names = (self.flow.named(read) for read in self.flow.beside(event))
                found = [*(given for given in names if given is not None), *found]
        return found

    def aliased(self, event: int) -> list[int]:
        """The statement that gave what an event's statement changes in place its name, if it was another's before."""
        place = self.flow.place(event)
        changed = self.flow.where(
            lambda at: at.kind == "changed" and (at.file, at.statement) == (place.file, place.statement)
        )
        targets = {self.flow.place(other).target for other in changed}
        given = self._given(targets, self.flow.when(event), place.function)
        return [each for each in given if self.flow.place(each).node in ("Name", "Attribute")]

    def truncated(self) -> list[int]:
        """Where what has a fraction was put into an array of whole numbers, after where that was made."""
        raw = self.flow.trace.values
        found: list[int] = []
        for event in self.flow.where(lambda at: at.kind == "changed"):
            if raw[self.flow.value(event)].dtype.kind not in "iub":
                continue
            given = (
                self.flow.values[self.flow.lifted(self.flow.value(read))] for read in self.flow.reads.get(event, ())
            )
            if any(np.any(value % 1) for value in given):
                found += [*self._given({self.flow.place(event).target}, event), event]
        return distinct(found)

    def _given(self, names: set[str], before: int, function: str | None = None) -> list[int]:
        """The last event before another that gave something one of these names, in a function; none if none did."""
        return self.flow.where(
            lambda at: at.kind == "value" and at.target in names and function in (None, at.function), last=before
        )[-1:]

    def repeated(self, event: int) -> list[int]:
        """The call in which an array is changed that the same statement changed before, and the loop around it."""
        place, stack = self.flow.place(event), self.flow.stack.get(event, event)
        before = [self.flow.made(source) for source in self.flow.sources(event)]
        again = any(made is not None and self.flow.place(made) == place for made in before)
        if place.kind != "changed" or not (again or (stack in self.flow.members and self.flow.accumulates(stack))):
            return []
        call = self.flow.call(event)
        return [event if call is None else call, *self.loops.turned_at(event if call is None else call)]

    def changed(self, events: list[int]) -> list[int]:
        """What has changed an array in place that these read: where it was given another name, and where it changed."""
        makers = [self.flow.made(source) for event in events for source in self.flow.sources(event)]
        changed = [made for made in makers if made is not None and self.flow.place(made).kind == "changed"]
        return [each for made in changed for each in (*self.aliased(made), made)]

    def gathered(self, event: int) -> list[int]:
        """Where the list that an event reads was filled."""
        names = [
            self.flow.text(read) for read in self.flow.reads.get(event, ()) if self.flow.place(read).node == "Name"
        ]
        several = [name for name in dict.fromkeys(names) if names.count(name) > 1]
        function = self.flow.place(event).function
        filling = tuple(f"{name}.append(" for name in several)
        return self.flow.where(
            lambda at: at.node == "Call" and at.function == function and self.flow.written(at).startswith(filling),
            last=event,
        )

    def _origin(self, identity: Identity, otherwise: int) -> int:
        """The first event of the step that makes a quantity, in whatever form."""
        return next(self.showing(identity.name, identity.step), otherwise)

    def showing(self, name: str, step: int) -> Iterator[int]:
        """The events whose value is a quantity of a step, in whatever form."""
        for event in self.flow.events:
            identity = self.values.identity(self.flow.lifted(self.flow.value(event)))
            if identity is not None and (identity.name, identity.step) == (name, step):
                yield event

    def divided(self, event: int) -> list[int]:
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

    def at_fault(self, event: int) -> int:
        """The event, or the call that it happened in, if what it is a part of is right in other calls."""
        first = self.flow.members.get(event, [event])[0]
        call = self.flow.call(first)
        if call is None:
            return event
        for other in self._right_ones(event):
            elsewhere = self.flow.call(other)
            if elsewhere is not None and self.flow.place(elsewhere) != self.flow.place(call):
                return call
        return event

    def chosen(self, ends: list[int]) -> list[int]:
        """The conditions behind which these happened in calls from places that make what is right in other turns."""
        found: list[int] = []
        for end in ends:
            call = self.flow.call(self.flow.members.get(end, [end])[0])
            if call is not None and any(self._called_from(other, call) for other in self._right_ones(end)):
                found += self.flow.last(call, "test")
        return distinct(found)

    def handed(self, ends: list[int]) -> list[int]:
        """The calls that these happened in, where they were handed what an earlier call from the same place made."""
        found: list[int] = []
        for end in ends:
            call = self.flow.call(self.flow.members.get(end, [end])[0])
            for source in () if call is None else self.flow.sources(call):
                made = self.flow.made(source)
                if call is not None and made is not None and self._called_from(made, call):
                    found.append(call)
        return distinct(found)

    def _called_from(self, event: int, call: int) -> bool:
        """Whether an event happened in a call from the place of this one."""
        other = self.flow.call(event)
        return other is not None and self.flow.place(other) == self.flow.place(call)

    def _right_ones(self, event: int) -> Iterator[int]:
        """The other events of an event's place whose values are right."""
        site, mine = self.flow.place(event), self.flow.members.get(event, [event])
        for other in self.flow.where(site.__eq__):
            value = self.flow.lifted(self.flow.value(other))
            if other not in mine and (self.values.vouches(value) or self.values.harmless(value)):
                yield other

    def _adds(self, event: int) -> bool:
        """Whether a statement makes something of what was there: in place, or under the same name."""
        place = self.flow.place(event)
        named = (self.flow.text(read) for read in self.flow.reads.get(event, ()))
        return place.kind == "changed" or place.target in named

    def deciding(self, made: int | None, identity: Identity | None, ends: list[int]) -> tuple[str, ...]:
        """The classes of methods that are right elsewhere; of gradients summed too often, what is looped over."""
        names = []
        for end in ends:
            *_, owner, _ = ["", *self.flow.place(end).function.split(".")]
            if owner.isidentifier() and any(self._right_ones(end)):
                names.append(owner)
        often = identity is not None and identity.factor > 1 and identity.factor == round(identity.factor)
        if made is not None and often and self._adds(made):
            for event in (made, *self.flow.calls(made)):
                place = self.flow.place(event)
                names += decisions(self.flow.trace.sources[place.file]).looped_over(place.first)
        return tuple(distinct(names))
