"""What is known of each of a subject's values: whose it is, whether it is right, and where it was made."""

import re
from collections.abc import Mapping
from functools import cached_property

import numpy as np

from compare.check.lines.events import distinct
from compare.check.lines.flow import Flow
from compare.check.lines.known import REORDERED, REPORTED, Identity, Known, over_time, primary
from compare.mathematics.functions import Array

RIGHT, SCALED, STALE, UNKNOWN, NUMBER = "right", "scaled", "stale", "unknown", "number"

FEW = 3  # numbers, which may be found in an array by chance

Quantities = Mapping[str, Array]


class Values:
    """The values of one step, beside Keras's quantities.

    `conventions` are the factors by which gradients may be too large on the way to weights that are right.
    """

    def __init__(
        self, flow: Flow, quantities: Quantities, library: Known, rate: float, conventions: tuple[float, ...]
    ) -> None:
        self.flow, self.quantities, self.library, self.rate = flow, quantities, library, rate
        self.conventions = conventions
        self.identities: dict[int, Identity | None] = {}
        self.harmlessness: dict[int, bool] = {}
        self.joined: dict[int, bool] = {}

    def seen_conventions(self) -> tuple[float, ...]:
        """By what gradients are too large on the way to weights that are right, besides by nothing."""
        n = float(self.flow.samples)
        seen = [
            identity.factor
            for value in distinct(self.flow.value(event) for event in (*self.flow.events, *self.flow.members))
            if (identity := self.identity(value)) is not None and identity.name.startswith("d")
        ]
        turned = [-1.0, -n] if any(factor in (-1, -n) for factor in seen) else []
        return tuple(dict.fromkeys((1.0, n, *turned)))

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
            if identity.how == REORDERED:
                return UNKNOWN
            return RIGHT if identity.factor == 1 else SCALED
        index = value in self.flow.indices and not self._filled(value)
        if index and not self._computed(value):
            return NUMBER
        array, made = self.flow.values[value], self.flow.made(value)
        compared = made is not None and self.flow.place(made).node == "Compare"
        alike = array.size == 1 or (not compared and bool((array == array.flat[0]).all()))  # a number, however often
        told = self._computed(value) if alike else index or compared or bool(np.any(array))
        return UNKNOWN if told else NUMBER

    def _filled(self, value: int) -> bool:
        """Whether something was put into an array that was there."""
        made = self.flow.made(value)
        return made is not None and self.flow.place(made).kind == "changed"

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
        if value in self.harmlessness:
            return self.harmlessness[value]
        if self._joined(value):
            return False
        seen, waiting = {value}, [value]
        while waiting:
            one = waiting.pop()
            for made in map(self.flow.value, self.flow.users.get(one, ())):
                if made in seen or self._part(made, one) or self._left(made) or self._joined(made):
                    continue
                if self.vouches(made) or self.harmlessness.get(made):
                    self.harmlessness[value] = True
                    return True
                if not self.whole(made) and made not in self.harmlessness:
                    seen.add(made)
                    waiting.append(made)
        self.harmlessness |= dict.fromkeys(seen, False)
        return False

    def _joined(self, value: int) -> bool:
        """Whether a value nobody knows is several in one, or made of such: one may be right, and another not."""
        waiting = [value]
        alike: dict[int, list[int]] = {}
        while waiting:  # a sum of a loop is made of itself a thousand times
            one = waiting[-1]
            if one in alike:
                self.joined[one] = any(self.joined[each] for each in alike[one])
            elif one not in self.joined:
                event, size = self.flow.made(one), self.flow.values[one].size
                sources: list[int] = []
                if event is not None and size > 1 and self.identity(one) is None:
                    sources = [each for each in self.flow.sources(event) if self.flow.values[each].size > 1]
                parts = [each for each in sources if self.flow.values[each].size < size and self._part(each, one)]
                self.joined[one] = len(parts) > 1
                if not self.joined[one]:
                    alike[one] = [each for each in sources if self.flow.values[each].size == size]
                    waiting += [each for each in alike[one] if each not in self.joined]
                    continue
            waiting.pop()
        return self.joined[value]

    def _part(self, made: int, value: int) -> bool:
        """Whether a value is a part of another, taken out: that it is right says nothing of the rest."""
        one, whole = self.flow.values[made], self.flow.values[value]
        event = self.flow.made(made)
        if event is None or not one.size < whole.size or self.flow.place(event).node in ("BinOp", "UnaryOp"):
            return False
        return bool(np.isin(one, whole).all())

    def _left(self, value: int) -> bool:
        """Whether a value is a weight that an update left as it was: that it is right says nothing of the update."""
        identity, event = self.identity(value), self.flow.made(value)
        if identity is None or event is None or f"new {identity.name}" not in self.quantities:
            return False
        return self.flow.place(event).kind == "changed" or self.flow.place(event).node == "BinOp"

    def whole(self, value: int) -> bool:
        """Whether a value is right and one of Keras's own: what follows from it says nothing of what it came from."""
        identity = self.identity(value)
        return identity is not None and primary(identity.name) and self.kind(value) in (RIGHT, STALE)

    def vouches(self, value: int) -> bool:
        """Whether a value is right, whole and of this step: what it was made from cannot be all wrong."""
        identity = self.identity(value)
        if identity is None or identity.step != self.flow.step or identity.factor != 1:
            return False
        return primary(identity.name) and (identity.name in REPORTED or np.unique(self.flow.values[value]).size > 2)

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
        return sorted(passed, key=self.when), sorted(distinct(ends), key=self.flow.when)

    def when(self, value: int) -> int:
        """The event that made a value; 0 if none of this step did."""
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
        # The same factor, but for the learning rate and for numbers, that of the samples say, taken in on the way.
        steps = (1.0, self.rate, 1 / n, self.rate / n, *self._multiplied_by(value))
        return any(abs(abs(self.scale(mine) / self.scale(its)) / step - 1) < 1e-6 for step in steps)

    def _multiplied_by(self, value: int) -> list[float]:
        """The numbers that a value was multiplied by, or divided, where it is made so."""
        event = self.flow.made(value)
        if event is None or self.flow.place(event).node != "BinOp":
            return []
        numbers = [
            self.flow.values[each].item() for each in self.flow.sources(event) if self.flow.values[each].size == 1
        ]
        numbers += [float(text) for text in re.findall(r"(?<![\w.])\d+\.?\d*(?:e-?\d+)?", self.flow.text(event))]
        return [power for number in numbers if number for power in (abs(number), 1 / abs(number))]

    def scale(self, identity: Identity) -> float:
        """By what a gradient is too large: what is an update by its name may as well be one."""
        return identity.factor * (self.rate if identity.name.startswith("update") else 1.0)

    def start(self, value: Array, right: Array) -> int | None:
        """The value that an output of the step is, or is held in, or a wrong part of it; None if it was never seen."""
        found = self.flow.find(value)
        if found is None:
            held = self._holding(value)
            return self._holding_wrong(value, right) if held is None else held
        # What only gives it another shape is not where it was made.
        while (made := self.flow.made(found)) is not None:
            before = [
                source
                for source in self.flow.sources(made)
                if self.flow.place(made).node not in ("BinOp", "UnaryOp")
                and value.size > 1
                and self.flow.alike(source, found)
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

    def _holding_wrong(self, array: Array, right: Array) -> int | None:
        """The latest value that holds a part of this array, a gate's say, which is not what it should be."""
        wrong = np.setdiff1d(array, right)
        for event in reversed(self.flow.events):
            if np.intersect1d(self.flow.values[self.flow.value(event)], wrong).size > FEW:
                return self.flow.value(event)
        return None

    @cached_property
    def turn(self) -> int:
        """When the output was there, and errors could begin; 0 if it is not Keras's."""
        output = [*self.library.takes][-1]
        logits = f"Z{output[1:]}"
        outputs = {output, logits} if self._alike(output, logits) else {output}
        values = distinct(self.flow.value(event) for event in self.flow.events)
        told = [value for value in values if self.kind(value) == RIGHT]
        names = {value: identity.name for value in told if (identity := self.identity(value)) is not None}
        return min((self.when(value) for value, name in names.items() if name in outputs), default=0)

    def _alike(self, one: str, other: str) -> bool:
        """Whether two quantities are the same: what a layer hands on is what it hands its activation."""
        A, Z = self.quantities.get(one), self.quantities.get(other)
        return Z is not None and A is not None and np.array_equal(Z, A)

    @cached_property
    def present(self) -> set[str]:
        """Keras's quantities that the subject computes, some of them by its own conventions."""
        values = distinct(self.flow.lifted(self.flow.value(event)) for event in self.flow.events)
        told = [self.identity(value) for value in values if self.flow.values[value].size > 1]
        names = {
            each.name
            for each in told
            if each is not None and each.step == self.flow.step and each.factor in self.conventions
        }
        alike: dict[bytes, set[str]] = {}  # the last state of a recurrent layer is what it hands on, by another name
        for name, value in self.quantities.items():
            alike.setdefault(value.tobytes(), set()).add(name)
        return names.union(*(each for each in alike.values() if each & names))

    @cached_property
    def reached(self) -> dict[str, str]:
        """Of what is made at each time, the first that the subject does not compute as Keras does."""
        found: dict[str, str] = {}
        for name in self.quantities:
            if name not in self.present:
                found.setdefault(over_time(name), name)
        return found

    def conventional(self, value: int) -> bool:
        """Whether a gradient is right but for what is mended with the weights' gradients."""
        identity = self.identity(value)
        return identity is not None and self.kind(value) == SCALED and identity.factor in self.conventions


def layer_of(name: str) -> int:
    """The layer in a quantity's name, from 1; 0 for none."""
    digits = re.search(r"\d+", name)
    return int(digits[0]) if digits else 0
