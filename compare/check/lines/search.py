"""Finds the values that a step goes wrong by: put in Keras's place, they make all that Keras does next the subject's.

From a wrong weight the search goes back through values that are nobody's, to expressions that read only what is right.
A value on that path is then tried in the place of each of Keras's quantities of its shape, and Keras's step is run
again from it. So a second fault behind the first is found as the first was.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from compare.check.lines.flow import RENAMING, Flow, distinct, shaped
from compare.check.lines.known import Identity, Known, computed, primary
from compare.mathematics.functions import Array

RIGHT, SCALED, STALE, UNKNOWN, NUMBER = "right", "scaled", "stale", "unknown", "number"
TRIALS = 150
CAUSES = 12

Quantities = Mapping[str, Array]


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


@dataclass
class Question:
    """One wrong step: what the subject did, and how Keras is asked what it would do with some values replaced.

    Attributes
    ----------
    flow : Flow
    ask : callable
        From values by the name of the quantity they replace to all quantities.
    known : callable
        From quantities to what can be identified by them.
    outputs : dict of name to array
        The subject's new weights by Keras's names, and its loss, if it tells one.
    close : callable
        (name, value, quantities) -> whether this output is what Keras's quantities say.
    rate : float
        The learning rate.
    """

    flow: Flow
    ask: Callable[[Mapping[str, Array]], Quantities]
    known: Callable[[Quantities], Known]
    outputs: dict[str, Array]
    close: Callable[[str, Array, Quantities], bool]
    rate: float


@dataclass(frozen=True)
class _Trial:
    value: int
    role: str
    array: Array
    when: int
    divisor: float = 1.0


class Search:
    """The search through one wrong step."""

    def __init__(self, question: Question) -> None:
        self.q, self.flow = question, question.flow
        self.instead: dict[str, Array] = {}
        self.trials = 0
        self.settle(question.ask({}))
        self.conventions = self._conventions()

    def _conventions(self) -> tuple[float, ...]:
        """By what gradients are too large on the way to weights that are right, besides by nothing."""
        n = float(self.flow.samples)
        seen = [
            identity.factor
            for value in distinct(self.flow.value(event) for event in (*self.flow.events, *self.flow.members))
            if (identity := self.identity(value)) is not None and identity.name.startswith("d")
        ]
        return (1.0, *(factor for factor in distinct_factors(n, seen) if factor != 1))

    def settle(self, quantities: Quantities) -> None:
        """Take these quantities for what Keras computes, and classify the subject's values anew."""
        self.quantities = quantities
        self.library = self.q.known(quantities)
        self.identities: dict[int, Identity | None] = {}
        self.harmlessness: dict[int, bool] = {}
        self._unknown: list[int] | None = None
        self._present: set[str] | None = None

    def run(self) -> list[Wrong]:
        """Find the causes, one after the other, from the output down."""
        found: list[Wrong] = []
        given_up: set[str] = set()
        while len(found) < CAUSES:
            left = [name for name in self._wrong(self.quantities) if name not in given_up]
            if not left:
                break
            cause = self._cause(left[0])
            if cause is None:
                given_up.add(left[0])
                cause = self._unconfirmed(left[0])
            if cause is not None:
                found.append(cause)
        return found

    def _wrong(self, quantities: Quantities) -> list[str]:
        """The outputs that are not what these quantities say: the last layer's first, the loss last."""
        off = [name for name, value in self.q.outputs.items() if not self.q.close(name, value, quantities)]
        return sorted(off, key=lambda name: (name == "loss", -_layer(name), "W" not in name))

    # What a value is.

    def identity(self, value: int) -> Identity | None:
        """Which quantity a value is, or what follows from which."""
        if value not in self.identities:
            self.identities[value] = self.library.identify(self.flow.form(value))
        return self.identities[value]

    def kind(self, value: int) -> str:
        """What is known of a value."""
        identity = self.identity(value)
        if identity is not None:
            if identity.step != self.flow.step:
                return STALE
            return RIGHT if identity.factor == 1 else SCALED
        if value in self.flow.indices:
            return NUMBER
        array = self.flow.values[value]
        told = self._computed(value) if array.size == 1 else bool(np.any(array))
        return UNKNOWN if told else NUMBER

    def _computed(self, value: int, depth: int = 4) -> bool:
        """Whether a number is computed from arrays in this step, rather than set, counted or measured."""
        event = self.flow.made(value)
        if event is None or not depth or self.flow.text(event).startswith(("len(", "np.size(", "int(")):
            return False
        sources = self.flow.sources(event)
        arrays = self.flow.place(event).node == "Call" or self.flow.place(event).kind == "changed"
        return any((arrays and self.flow.values[each].size > 1) or self._computed(each, depth - 1) for each in sources)

    def harmless(self, value: int) -> bool:
        """Whether something that is right follows from a value, through unknown values at most."""
        if value not in self.harmlessness:
            self.harmlessness[value] = False  # while it is being found out
            self.harmlessness[value] = any(
                self._vouches(made) or (not self._whole(made) and self.harmless(made))
                for made in map(self.flow.value, self.flow.users.get(value, ()))
            )
        return self.harmlessness[value]

    def _whole(self, value: int) -> bool:
        """Whether a value is right and one of Keras's own: what follows from it says nothing of what it came from."""
        identity = self.identity(value)
        return identity is not None and primary(identity.name) and self.kind(value) in (RIGHT, STALE)

    def _vouches(self, value: int) -> bool:
        identity = self.identity(value)
        if identity is None or identity.step != self.flow.step or identity.factor != 1:
            return False
        return primary(identity.name) and np.unique(self.flow.values[value]).size > 2

    # The way back from what is wrong.

    def path(self, start: int, made: int | None = None, output: bool = False) -> tuple[list[int], list[int]]:
        """Go back from a wrong value: the wrong values on the way, in order, and the events it begins at.

        `made` is the event that made the first, where it is not the one that made it first; `output`: it is a new
        weight, or the loss.
        """
        ends: list[int] = []
        passed: list[int] = []
        waiting = [start]
        while waiting:
            value = waiting.pop(0)
            if value in passed:
                continue
            passed.append(value)
            event = made if value == start and made is not None else self.flow.made(value)
            if event is None:
                continue
            further = [
                each
                for each in self.flow.sources(event)
                if self._follow(value, each, output and value == start)
                and not (self.identity(each) is not None and self.flow.single(event, each))
            ]
            if further:
                waiting += further
            else:
                ends.append(event)
        return sorted(passed, key=self._when), sorted(distinct(ends), key=self.flow.when)

    def _when(self, value: int) -> int:
        event = self.flow.maker.get(value)
        return 0 if event is None else self.flow.when(event)

    def _follow(self, value: int, source: int, output: bool) -> bool:
        """Whether a wrong value, or an output of the step, may be wrong because of this source."""
        kind = self.kind(source)
        if kind == UNKNOWN:
            return self.flow.made(source) is not None and not self.harmless(source)
        mine, its = self.identity(value), self.identity(source)
        if kind != SCALED or its is None or self.harmless(source):
            return False
        n = self.flow.samples
        if mine is None:  # errors are summed until they are averaged: that explains no more than a factor
            return output or its.factor not in (n, 1 / n)
        # The same factor, but for the learning rate and for the number of samples, which are taken in on the way.
        steps = (1.0, self.q.rate, 1 / n, self.q.rate / n)
        return any(abs(abs(mine.factor / its.factor) / step - 1) < 1e-6 for step in steps)

    def _start(self, name: str) -> int | None:
        value = self.q.outputs[name]
        found = self.flow.find(value)
        if found is None:
            return self._holding(value)
        # What only gives it another shape is not where it was made.
        sizes = np.sort(value, axis=None)
        while (made := self.flow.made(found)) is not None:
            before = [
                source
                for source in self.flow.sources(made)
                if self.flow.place(made).node not in ("BinOp", "UnaryOp")
                and self.flow.values[source].size == value.size > 1
                and np.array_equal(np.sort(self.flow.values[source], axis=None), sizes)
            ]
            if not before:
                break
            found = before[0]
        return found

    def _holding(self, array: Array) -> int | None:
        """The latest value that holds all of these numbers: weights kept in one array."""
        wanted = np.unique(array)
        for event in reversed(self.flow.events):
            value = self.flow.values[self.flow.value(event)]
            if value.size > array.size and np.isin(wanted, value).all():
                return self.flow.value(event)
        return None

    # Trying values in Keras's place.

    def _cause(self, name: str) -> Wrong | None:
        """A value on the way to a wrong output that explains it, or more than it."""
        start = self._start(name)
        if start is None:
            return None
        passed, _ = self.path(start, self.flow.last_made(start), output=True)
        trials = [trial for value in passed for trial in self._roles(value)]
        trials += [trial for value in self._read(start, passed) for trial in self._roles(value, read=True)]
        updates = [trial for value in passed for trial in self._roles(value, update=True)]
        before = self._wrong(self.quantities)
        best: tuple[tuple[int, int], _Trial, Quantities] | None = None
        for trial in [*sorted(trials, key=lambda trial: trial.when), *updates]:
            if best is not None and trial.role.startswith("new "):
                break  # that an update is wrong by itself is told where nothing before it is
            if self.trials >= TRIALS:
                break
            self.trials += 1
            with np.errstate(all="ignore"):
                quantities = self.q.ask(self.instead | {trial.role: trial.array})
            after = self._wrong(quantities)
            gain = len(before) - len(after)
            if not set(after) <= set(before) or (best is not None and gain < best[0][0]):
                continue
            score = gain, self._more(quantities, trial)
            if score > (0, 0) and (best is None or score > best[0]):
                best = score, trial, quantities
                # What is wrong on the way forward comes before all that follows from it.
                if not after or (score[1] and not trial.role.startswith(("d", "new ", "loss"))):
                    break
        if best is None:
            return None
        _, trial, quantities = best
        cause = self._told(trial, start)
        self.instead[trial.role] = trial.array
        self.settle(quantities)
        return cause

    def _read(self, start: int, passed: list[int]) -> list[int]:
        """What wrong values were computed from that is right as it is, but may stand in a wrong place."""
        found: list[int] = []
        waiting = [(start, self.flow.last_made(start)), *((value, self.flow.made(value)) for value in passed)]
        while waiting:
            _, event = waiting.pop(0)
            for source in self.flow.sources(event) if event is not None else ():
                if source in found or source in passed or self.flow.values[source].size == 1:
                    continue
                found.append(source)
                identity = self.identity(source)
                if identity is not None and not primary(identity.name):
                    waiting.append((source, self.flow.made(source)))  # a step on the way to it, not a quantity
        return [each for each in found if self.kind(each) in (RIGHT, NUMBER) or self._conventional(each)]

    def _conventional(self, value: int) -> bool:
        """Whether a gradient is right but for what is mended with the weights' gradients."""
        identity = self.identity(value)
        return identity is not None and self.kind(value) == SCALED and identity.factor in self.conventions

    def _roles(self, value: int, read: bool = False, update: bool = False) -> list[_Trial]:
        """The quantities in whose place a value might stand: of its shape, and not what it is.

        `read`: it is right as something else; then only what comes later in the step can be meant. `update`: new
        weights, and nothing else.
        """
        array, identity = self.flow.values[value], self.identity(value)
        if not np.isfinite(array).all():
            return []
        found: list[_Trial] = []
        forward = not read or (identity is not None and not primary(identity.name))
        for name, right in self.quantities.items():
            if not primary(name) or name in self.instead or name[0] in "WbU" or (read and name in ("X", "Y")):
                continue
            if update and identity is not None and identity.name == name.removeprefix("new "):
                continue  # as it was: nothing has changed it
            if name[0] == "d" and self._when(value) < self.turn:
                continue  # errors come after the output
            if name in self.present and not (identity is not None and identity.name == name):
                continue  # it is there as it should be: what is wrong comes later
            if name.startswith("new ") != update or not (forward or name.startswith("d")):
                continue
            if right.size != array.size and not (array.size == 1 and right.ndim == 1 and name[0] == "d"):
                continue
            same = identity is not None and identity.name == name and identity.factor == 1
            forms = [array.reshape(())] if name == "loss" else shaped(array, right.shape)
            forms = [one for one in forms if not same or not np.allclose(one, right)]
            # A subject may sum what Keras averages, or turn the sign, and mend it with the weights' gradients.
            divisors = self.conventions if name[0] == "d" and not read else (1.0,)
            if read and identity is not None:
                divisors = (identity.factor,)
            when = self._when(value)
            found += [_Trial(value, name, one / divisor, when, divisor) for divisor in divisors for one in forms]
        return found

    @property
    def turn(self) -> int:
        """When the output was there, and errors could begin; 0 if it is not Keras's."""
        last = f"A{max(map(_layer, self.quantities))}"
        values = [
            value for value, identity in self.identities.items() if identity is not None and identity.name == last
        ]
        return min((self._when(value) for value in values if self.kind(value) == RIGHT), default=0)

    @property
    def present(self) -> set[str]:
        """Keras's quantities that the subject computes, some of them by its own conventions."""
        if self._present is None:
            values = distinct(self.flow.lifted(self.flow.value(event)) for event in self.flow.events)
            told = [self.identity(value) for value in values if self.flow.values[value].size > 1]
            self._present = {
                each.name
                for each in told
                if each is not None and each.step == self.flow.step and each.factor in self.conventions
            }
        return self._present

    def _more(self, quantities: Quantities, trial: _Trial) -> int:
        """How many more values are Keras's with these quantities; counted in values that nobody knows yet."""
        if self._unknown is None:
            values = distinct(self.flow.lifted(self.flow.value(event)) for event in self.flow.events)
            told = [value for value in values if self.flow.values[value].size > 1]
            self._unknown = [value for value in told if self.kind(value) in (UNKNOWN, SCALED)]
        library, n = computed(quantities, self.flow.step, self.library.relative), self.flow.samples
        unknown = [value for value in self._unknown if value != trial.value]
        found = [library.identify(self.flow.form(value)) for value in unknown]
        before = [self.identity(value) for value in unknown]
        return sum(
            new is not None
            and new.name != trial.role
            and (new.factor in (1, n) or new.factor in self.conventions)
            and (old is None or old.factor != new.factor)
            for new, old in zip(found, before, strict=True)
        )

    # Saying where it comes from.

    def _told(self, trial: _Trial, start: int) -> Wrong:
        """A cause, with the expressions that it comes from."""
        value, identity = trial.value, self.identity(trial.value)
        made = self.flow.last_made(start) if value == start else self.flow.made(value)
        if identity is not None and identity.step != self.flow.step:
            identity = None
        if identity is not None and f"d{identity.name[-2:]}" == trial.role and identity.name.startswith("update"):
            identity = replace(identity, name=trial.role, factor=identity.factor * self.q.rate)
        if identity is not None and identity.factor == trial.divisor and value != start:
            return self._standing_in(trial, made, replace(identity, factor=1.0))
        _, ends = self.path(value, made, output=trial.role.startswith(("new ", "loss")))
        filling = [] if np.any(trial.array) else self._filling(trial.role)
        events = [*filling, *self._first_reads(ends), *self._sets(ends), *(self._at_fault(end) for end in ends)]
        events += self._calls(ends, made)
        other = [event for end in ends for event in (*self._renamed(end, trial.role), *self._divided(end))]
        single = any(self.flow.single(end, source) for end in ends for source in self.flow.sources(end))
        events = [*other, *events] if single else [*events, *other]
        events += [gathered for end in ends for gathered in self._gathered(end)]
        if made is not None:
            users = self.flow.users.get(value, []) if trial.role != "loss" else []
            function = self.flow.place(made).function
            handed = self.flow.handed_on(value, made, users[0] if users else self.flow.events[-1])
            events += [event for event in handed if self.flow.place(event).function == function]
            summed = any(self.kind(s) == SCALED and self.harmless(s) for end in ends for s in self.flow.sources(end))
            # Elsewhere, what is summed is averaged later: here it is not.
            events = [made, *events] if summed else [*events[:1], made, *events[1:]]
        if identity is not None and trial.divisor != 1:
            identity = replace(identity, factor=identity.factor / trial.divisor)
        return Wrong(trial.role, value, tuple(distinct(events)), True, identity)

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

    def _standing_in(self, trial: _Trial, made: int | None, identity: Identity) -> Wrong:
        """A right value in a wrong place: where it is made, and where it is taken for another."""
        users = self.flow.users.get(trial.value, ())
        readers = [event for event in users if self.kind(self.flow.value(event)) == UNKNOWN]
        if made is None or not readers:
            events = [*([made] if made is not None else []), *readers[:1]]
        else:
            handed = self.flow.handed_on(trial.value, made, max(readers, key=self.flow.when))
            returned = [event for event in handed if self.flow.place(event).target == "return"]
            given = [event for event in handed if event not in returned]
            call = self.flow.call(self.flow.members.get(readers[0], readers)[0])
            handing = [call] if call is not None and trial.value in self.flow.sources(call) else []
            events = [*given, made, *returned, *self.flow.tests(made, readers[0]), *handing, readers[0]]
        return Wrong(trial.role, trial.value, tuple(distinct(events)), True, identity)

    def _first_reads(self, events: list[int]) -> list[int]:
        """Where what is stale among the sources of these is first looked at: there it should have been another."""
        stale = {
            (identity.name, identity.step)
            for event in events
            for source in self.flow.sources(event)
            if (identity := self.identity(source)) is not None and self.kind(source) == STALE
        }
        first: dict[tuple[str, int], int] = {}
        for event in self.flow.events if stale else ():
            value = self.flow.value(event)
            identity = self.identity(value)
            if identity is not None and (identity.name, identity.step) in stale and self.kind(value) == STALE:
                first.setdefault((identity.name, identity.step), event)
        return sorted(distinct(first.values()))

    def _sets(self, events: list[int]) -> list[int]:
        """The statements that set a number by which a value is too large, or that the learning rate is not."""
        found = []
        for event in events:
            mine = self.identity(self.flow.value(event))
            for read in self.flow.numbers(event):
                number = float(self.flow.values[self.flow.value(read)].item())
                if mine is None or mine.factor == 1 or not number:
                    continue
                # An update's factor may have been told as its gradient's, and the other way round.
                factors = mine.factor, mine.factor * self.q.rate, mine.factor / self.q.rate
                off = [abs(each * number / self.flow.samples - 1) for each in factors]
                off += [abs(number / self.q.rate / each - 1) for each in factors]
                if min(off) < 1e-6:
                    found.append(self.flow.set(self.flow.text(read), self.flow.value(read), event))
        return distinct(event for event in found if event is not None)

    def _renamed(self, event: int, role: str) -> list[int]:
        """Statements that gave a source of an event the name it is read by, where another value may have been meant."""
        found: list[int] = []
        members = self.flow.members.get(event, [event])
        reads = {
            self.flow.lifted(self.flow.value(read)): self.flow.text(read)
            for read in self.flow.reads.get(members[-1], ())
        }
        for source in self.flow.sources(event):
            identity = self.identity(source)
            if self.flow.values[source].size == 1 or source not in self.flow.maker:
                continue
            given = self.flow.set(reads.get(source, ""), source, event)
            maker = self.flow.place(self.flow.maker[source])
            if given is not None and self.flow.place(given).node in RENAMING and self.flow.place(given) != maker:
                found.append(given)
            if self.flow.single(event, source):
                found += self.flow.handed_on(source, self.flow.maker[source], event)[-1:]
            if self.flow.place(event).kind == "changed" and self.kind(source) == NUMBER:
                found.append(self.flow.maker[source])  # an array that was made to be filled
            if self.kind(source) not in (RIGHT, SCALED) or identity is None:
                continue
            # The derivative may be of anything; and what is no quantity of Keras's stands where one should.
            factor = role.startswith("dZ") and not identity.name.startswith("d")
            early = identity.name.startswith("new ") and not role.startswith("new ")
            if factor and given is not None:
                found.append(given)
            if early or (not factor and not primary(identity.name) and self.flow.made(source) is not None):
                found += [*([given] if given is not None else []), self._origin(identity, event)]
        return found

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
        return next(
            (
                event
                for event in self.flow.events
                if (its := self.identity(self.flow.lifted(self.flow.value(event)))) is not None
                and (its.name, its.step) == (identity.name, identity.step)
            ),
            otherwise,
        )

    def _divided(self, event: int) -> list[int]:
        """Where else a gradient that is divided twice was divided by the number of samples."""
        n = self.flow.samples
        mine = self.identity(self.flow.value(event))
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
            its = self.identity(value)
            for source in self.flow.sources(made):
                identity = self.identity(source)
                if identity is None or not identity.name.startswith("d") or self.kind(source) == STALE:
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
            if other not in mine and self.flow.place(other) == site and (self._vouches(value) or self.harmless(value)):
                elsewhere = self.flow.call(other)
                if elsewhere is not None and self.flow.place(elsewhere) != self.flow.place(call):
                    return call
        return event

    def _unconfirmed(self, name: str) -> Wrong | None:
        start = self._start(name)
        made = None if start is None else self.flow.last_made(start)
        identity = None if start is None else self.identity(start)
        if start is None or made is None or (identity is not None and name == f"new {identity.name}"):
            made = made if made is not None and self.flow.place(made).kind != "load" else None
        if start is None or made is None:
            return self._left_alone(name)
        _, ends = self.path(start, made, output=True)
        events = [*self._short_loops(), *self._first_reads(ends), *map(self._at_fault, ends)]
        return Wrong(name, start, tuple(distinct(events)), False) if events else None

    def _left_alone(self, name: str) -> Wrong | None:
        """A weight that nothing changes: where others like it are changed, and the loop that does so."""
        for other, value in sorted(self.q.outputs.items(), key=lambda each: each[0][:5] != name[:5]):
            right = self.quantities[other.removeprefix("new ")]
            if other in ("loss", name) or np.array_equal(value, right):
                continue
            start = self._start(other)
            made = None if start is None else self.flow.last_made(start)
            if made is not None:
                given = [self.flow.set(self.flow.text(n), self.flow.value(n), made) for n in self.flow.numbers(made)]
                counts = [event for event in given if event is not None and self.flow.place(event).kind == "value"]
                return Wrong(name, None, (*counts, *self._loop(made), made), False)
        return None

    def _loop(self, event: int) -> list[int]:
        """The loop that an event stands in, if there is one."""
        function = self.flow.place(event).function
        loops = [
            other
            for other in self.flow.events
            if other < self.flow.when(event)
            and self.flow.place(other).kind == "loop"
            and self.flow.place(other).function == function
        ]
        return loops[-1:]

    def _filling(self, role: str) -> list[int]:
        """Where gradients like one that is left zero are computed, for other layers, and the loop that does so."""
        values = distinct(self.flow.value(event) for event in (*self.flow.events, *self.flow.members))
        for value in sorted(values, key=self._when):
            identity = self.identity(value)
            if identity is not None and identity.name[:2] == role[:2] and identity.name != role:
                made = self.flow.made(value)
                if made is not None and (loop := self._loop(made)):
                    return [*loop, made]
        return []

    def _short_loops(self) -> list[int]:
        """Loops that are gone through once less, or once more, than there are samples."""
        turns: dict[int, list[int]] = {}
        for event in self.flow.events:
            if self.flow.place(event).kind == "loop":
                turns.setdefault(int(self.flow.trace.events[event, 0]), []).append(event)
        n = self.flow.samples
        return [events[0] for events in turns.values() if n > CAUSES // 2 and abs(len(events) - n) == 1]


def distinct_factors(n: float, seen: list[float]) -> list[float]:
    """The number of samples, and of a sign turned round both, as far as the sign is seen."""
    return [n, *([-1.0, -n] if any(factor in (-1, -n) for factor in seen) else [])]


def _layer(name: str) -> int:
    digits = "".join(filter(str.isdigit, name))
    return int(digits) if digits else 0
