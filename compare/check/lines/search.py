"""Finds the values that a step goes wrong by: put in Keras's place, they make all that Keras does next the subject's.

From a wrong weight the search goes back through values that are nobody's, to expressions that read only what is right.
A value on that path is then tried in the place of each of Keras's quantities of its shape, and Keras's step is run again
from it. So a second fault behind the first is found as the first was.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from compare.check.lines.flow import Flow, distinct, shaped
from compare.check.lines.known import Identity, Known, primary
from compare.mathematics.functions import Array

RIGHT, SCALED, STALE, UNKNOWN, NUMBER = "right", "scaled", "stale", "unknown", "number"
TRIALS = 150
CAUSES = 8

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
        Which other quantity it is.
    """

    role: str
    value: int
    events: tuple[int, ...]
    confirmed: bool
    stands_for: Identity | None = None


@dataclass
class Question:
    """One wrong step: what the subject did, and how Keras is asked what it would do with some values replaced."""

    flow: Flow
    ask: Callable[[Mapping[str, Array]], Quantities]
    known: Callable[[Quantities], Known]
    outputs: dict[str, Array]
    """The subject's new weights by Keras's names, and its loss, if it tells one."""
    close: Callable[[str, Array, Quantities], bool]
    """Whether an output of this name is what Keras's quantities say."""
    wrong: list[Wrong] = field(default_factory=list)


class Search:
    """The search through one wrong step."""

    def __init__(self, question: Question) -> None:
        self.q, self.flow = question, question.flow
        self.instead: dict[str, Array] = {}
        self.trials = 0
        self.settle(question.ask({}))

    def settle(self, quantities: Quantities) -> None:
        """Take these quantities for what Keras computes, and classify the subject's values anew."""
        self.quantities = quantities
        self.library = self.q.known(quantities)
        self.identities: dict[int, Identity | None] = {}
        self.harmlessness: dict[int, bool] = {}

    def run(self) -> list[Wrong]:
        """Find the causes, one after the other, from the output down."""
        found: list[Wrong] = []
        given_up: set[str] = set()
        while len(found) < CAUSES:
            left = [name for name in self._wrong(self.quantities) if name not in given_up]
            if not left:
                break
            name = left[0]
            cause = self._cause(name)
            if cause is None:
                given_up.add(name)
                if (unconfirmed := self._unconfirmed(name)) is not None:
                    found.append(unconfirmed)
                continue
            found.append(cause)
        return found

    def _wrong(self, quantities: Quantities) -> list[str]:
        """The outputs that are not what these quantities say: the last layer's first, the loss last."""
        off = [name for name, value in self.q.outputs.items() if not self.q.close(name, value, quantities)]
        return sorted(off, key=lambda name: (name == "loss", -_layer(name), "W" not in name))

    def identity(self, value: int) -> Identity | None:
        """Which quantity a value is, or the sum of which."""
        if value not in self.identities:
            self.identities[value] = self.library.identify(self.flow.values[value])
        return self.identities[value]

    def kind(self, value: int) -> str:
        """What is known of a value."""
        identity = self.identity(value)
        if identity is not None:
            if identity.step != self.flow.step:
                return STALE
            return RIGHT if identity.factor == 1 else SCALED
        array = self.flow.values[value]
        told = self._computed(value) if array.size == 1 else bool(np.any(array))
        return UNKNOWN if told else NUMBER

    def _computed(self, value: int, depth: int = 4) -> bool:
        """Whether a number is computed from arrays in this step, rather than set, counted or measured."""
        event = self.flow.made(value)
        if event is None or not depth or self.flow.text(event).startswith(("len(", "np.size(", "int(")):
            return False
        sources = self.flow.sources(event)
        return any(self.flow.values[each].size > 1 or self._computed(each, depth - 1) for each in sources)

    def harmless(self, value: int) -> bool:
        """Whether something that is right follows from a value, through unknown values at most."""
        if value not in self.harmlessness:
            self.harmlessness[value] = False  # while it is being found out
            self.harmlessness[value] = any(
                self._vouches(self.flow.value(event))
                or (self.kind(self.flow.value(event)) in (UNKNOWN, SCALED) and self.harmless(self.flow.value(event)))
                for event in self.flow.users.get(value, ())
            )
        return self.harmlessness[value]

    def _vouches(self, value: int) -> bool:
        identity = self.identity(value)
        if identity is None or identity.step != self.flow.step or identity.factor != 1:
            return False
        return primary(identity.name) and np.unique(self.flow.values[value]).size > 2

    def path(self, start: int, made: int | None = None) -> tuple[list[int], list[int]]:
        """Go back from a wrong value: the wrong values on the way, the nearest last, and the events it begins at.

        `made` is the event that made the first, where it is not the one that made it first.
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
            further = [each for each in self.flow.sources(event) if self._follow(value, each)]
            if further:
                waiting += further
            else:
                ends.append(event)
        passed.sort(key=lambda value: self.flow.maker.get(value, 0))
        return passed, sorted(distinct(ends))

    def _follow(self, value: int, source: int) -> bool:
        """Whether a wrong value may be wrong because of this source."""
        kind = self.kind(source)
        if kind == UNKNOWN:
            return self.flow.made(source) is not None and not self.harmless(source)
        mine, its = self.identity(value), self.identity(source)
        if kind == SCALED and its is not None:
            same = mine is not None and abs(abs(its.factor) / abs(mine.factor) - 1) < 1e-6
            return (same or mine is None) and not self.harmless(source)
        return False

    def _start(self, name: str) -> int | None:
        value = self.q.outputs[name]
        found = self.flow.find(value)
        return found if found is not None else self._holding(value)

    def _holding(self, array: Array) -> int | None:
        """The latest value that holds all of these numbers: weights kept in one array."""
        wanted = np.unique(array)
        found = None
        for event in self.flow.events:
            value = self.flow.values[self.flow.value(event)]
            if value.size > array.size and np.isin(wanted, value).all():
                found = self.flow.value(event)
        return found

    def _cause(self, name: str) -> Wrong | None:
        """A value on the way to a wrong output that explains it, or more than it."""
        start = self._start(name)
        if start is None:
            return None
        passed, _ = self.path(start, self.flow.last_made(start))
        read = self._read(start, passed)
        before = self._wrong(self.quantities)
        best: tuple[tuple[int, int], int, str, Array, Quantities] | None = None
        candidates = [(value, role, array) for value in passed for role, array in self._roles(value)]
        candidates += [(value, role, array) for value in read for role, array in self._roles(value, gradients=True)]
        ended = [(value, role, array) for value in passed for role, array in self._roles(value, last=True)]
        for value, role, array in [*candidates, *ended]:
            if best is not None and role.startswith("new "):
                break  # that an update is wrong by itself is told where nothing before it is
            if self.trials >= TRIALS:
                break
            self.trials += 1
            with np.errstate(all="ignore"):
                quantities = self.q.ask(self.instead | {role: array})
            after = self._wrong(quantities)
            if not set(after) <= set(before):
                continue
            gain = len(before) - len(after)
            if best is not None and gain < best[0][0]:
                continue
            score = gain, self._more(quantities, value, role)
            if score > (0, 0) and (best is None or score > best[0]):
                best = score, value, role, array, quantities
                if not after:
                    break
        if best is None:
            return None
        _, value, role, array, quantities = best
        cause = self._told(value, role, start)
        self.instead[role] = array
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
        return [each for each in found if self.kind(each) in (RIGHT, NUMBER)]

    def _roles(self, value: int, gradients: bool = False, last: bool = False) -> list[tuple[str, Array]]:
        """The quantities in whose place a value might stand: of its shape, and not what it is."""
        array, identity = self.flow.values[value], self.identity(value)
        if not np.isfinite(array).all():
            return []
        found: list[tuple[str, Array]] = []
        for name, right in self.quantities.items():
            if not primary(name) or name in ("X", "Y") or name in self.instead:
                continue
            if right.size != array.size and not (array.size == 1 and right.ndim == 1):
                continue
            if name[0] in "WbU" or (gradients and not name.startswith("d")):
                continue  # weights are as they were set
            if name.startswith("new ") != last:
                continue
            if name == "loss":
                found.append((name, array.reshape(())))
                continue
            same = identity is not None and identity.name == name and identity.factor == 1
            forms = shaped(array, right.shape)
            found += [(name, one) for one in forms if not same or not np.allclose(one, right)]
        return found

    def _more(self, quantities: Quantities, value: int, role: str) -> int:
        """How many more values are Keras's with these quantities; counted in values that nobody knows yet."""
        library = self.q.known(quantities)
        unknown = [
            other
            for other in distinct(map(self.flow.value, self.flow.events))
            if other != value and self.flow.values[other].size > 1 and self.kind(other) in (UNKNOWN, SCALED)
        ]
        found = [library.identify(self.flow.values[other]) for other in unknown]
        return sum(
            each is not None and each.factor == 1 and each.step == self.flow.step and each.name != role for each in found
        )

    def _told(self, value: int, role: str, start: int) -> Wrong:
        """A cause, with the expressions that it comes from."""
        identity = self.identity(value)
        if value == start:
            made = self.flow.last_made(start)
            _, ends = self.path(value, made)
            ends = distinct([*self._first_reads(ends), *ends, *([made] if made is not None else [])])
            return Wrong(role, value, tuple(ends), True, identity)
        if identity is not None and identity.step == self.flow.step and identity.factor == 1:
            maker = self.flow.made(value)
            readers = [event for event in self.flow.users.get(value, ()) if self.kind(self.flow.value(event)) == UNKNOWN]
            if maker is None:
                return Wrong(role, value, tuple(readers[:1]), True, identity)
            between = self.flow.tests(maker, readers[0]) if readers else []
            return Wrong(role, value, (maker, *between, *readers[:1]), True, identity)
        _, ends = self.path(value)
        ends = distinct([*self._first_reads(ends), *ends])
        maker = self.flow.made(value)
        events = [*ends, *([maker] if maker is not None and maker not in ends else [])]
        return Wrong(role, value, tuple(events), True, identity)

    def _first_reads(self, events: list[int]) -> list[int]:
        """Where what is stale among the sources of these is first looked at: there it should have been another."""
        stale = [s for event in events for s in self.flow.sources(event) if self.kind(s) == STALE]
        return sorted(distinct(self.flow.maker[value] for value in stale if self.flow.values[value].size > 1))

    def _unconfirmed(self, name: str) -> Wrong | None:
        start = self._start(name)
        if start is None:
            return None
        _, ends = self.path(start, self.flow.last_made(start))
        return Wrong(name, start, tuple(ends), False) if ends else None


def _layer(name: str) -> int:
    digits = "".join(filter(str.isdigit, name))
    return int(digits) if digits else 0

