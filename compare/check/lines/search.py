"""Finds the values that a step goes wrong by: put in Keras's place, they make all that Keras does next the subject's.

From a wrong weight the search goes back through values that are nobody's, to expressions that read only what is right.
A value on that path is then tried in the place of each of Keras's quantities of its shape, and Keras's step is run
again from it. So a second fault behind the first is found as the first was.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from compare.check.lines.classified import NUMBER, RIGHT, SCALED, UNKNOWN, Quantities, Values, layer_of
from compare.check.lines.events import distinct, shaped
from compare.check.lines.flow import Flow
from compare.check.lines.following import orders
from compare.check.lines.known import REPORTED, Known, computed, over_time, primary
from compare.check.lines.origins import Origins, Trial, Wrong
from compare.mathematics.functions import Array

TRIALS = 150
FEWEST, WORK = 20, 100_000  # trials at least; values that are looked at in all of them
CAUSES = 12


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
        The subject's new weights by Keras's names, and its loss and accuracy, if it tells them.
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


class Search:
    """The search through one wrong step."""

    def __init__(self, question: Question) -> None:
        self.q, self.flow = question, question.flow
        self.instead: dict[str, Array] = {}
        self.found: set[tuple[int, int, str]] = set()
        self.trials = 0
        self.most = min(TRIALS, max(FEWEST, WORK // len(self.flow.values)))
        self._settle(question.ask({}), (1.0,))
        self.values.conventions = self.values.seen_conventions()

    def _settle(self, quantities: Quantities, conventions: tuple[float, ...]) -> None:
        """Take these quantities for what Keras computes, and look at the subject's values anew."""
        self.values = Values(self.flow, quantities, self.q.known(quantities), self.q.rate, conventions)
        self.origins = Origins(self.values, self.q.outputs)
        self._unknown: list[int] | None = None

    def run(self) -> list[Wrong]:
        """Find the causes, one after the other, from the output down."""
        if (odd := self.origins.not_finite()) is not None:
            return [odd]  # all that follows from it is as odd, and tells nothing
        found: list[Wrong] = []
        given_up: set[str] = set()
        while len(found) < CAUSES:
            left = [name for name in self._wrong(self.values.quantities) if name not in given_up]
            if not left:
                break
            cause = self._cause(left[0])
            if cause is None:
                given_up.add(left[0])
                cause = self.origins.unconfirmed(left[0])
            if cause is not None:
                found.append(cause)
        return found

    def _wrong(self, quantities: Quantities) -> list[str]:
        """The outputs that are not what these quantities say: the last layer's first, what is reported last."""
        off = [name for name, value in self.q.outputs.items() if not self.q.close(name, value, quantities)]
        return sorted(off, key=lambda name: (name in REPORTED, -layer_of(name), "W" not in name))

    def _cause(self, name: str) -> Wrong | None:
        """A value on the way to a wrong output that explains it, or more than it."""
        start = self.values.start(self.q.outputs[name], self.values.quantities[name])
        if start is None:
            return None
        passed, _ = self.values.path(start, self.flow.last_made(start), output=True)
        passed = self._completed(passed)
        trials = [trial for value in passed for trial in self._roles(value)]
        trials += [trial for value in self._read(start, passed) for trial in self._roles(value, read=True)]
        updates = [trial for value in passed for trial in self._roles(value, update=True)]
        before = self._wrong(self.values.quantities)
        best: tuple[tuple[int, int], Trial, Quantities] | None = None
        for trial in [*sorted(trials, key=self._order), *updates]:
            if best is not None and trial.role.startswith("new "):
                break  # that an update is wrong by itself is told where nothing before it is
            if self.trials >= self.most:
                break
            self.trials += 1
            with np.errstate(all="ignore"):
                quantities = self.q.ask(self.instead | trial.replaced)
            after = self._wrong(quantities)
            gain = len(before) - len(after)
            if not set(after) <= set(before) or (best is not None and gain < best[0][0]):
                continue
            score = gain, self._more(quantities, trial)
            if score > (0, 0) and (best is None or score > best[0]):
                best = score, trial, quantities
                # What is wrong on the way forward, or at a later time, comes before all that follows from it.
                ordered = not trial.role.startswith(("d", "new ", *REPORTED)) or trial.timed
                if not after or (score[1] and ordered):
                    break
        if best is None:
            return None
        _, trial, quantities = best
        cause = self.origins.told(trial, start)
        self.instead |= trial.replaced
        self.found.add(self._site(trial))
        self._settle(quantities, self.values.conventions)
        return cause

    def _completed(self, passed: list[int]) -> list[int]:
        """Values without arrays half filled, and of the numbers that one place makes the last alone."""
        last = {self.flow.place(made): value for value in passed if (made := self.flow.made(value)) is not None}
        return [
            value
            for value in passed
            if not self.flow.filled_further(value)
            and (self.flow.values[value].size > 1 or value in last.values() or self.flow.made(value) is None)
        ]

    def _order(self, trial: Trial) -> tuple[bool, bool, int]:
        """What was wrong in another layer or at another time is tried first, then what is made first.

        Of what is made at each time, what is right as something else comes last: it fits the next time too easily.
        """
        return self._site(trial) not in self.found, trial.timed and trial.read, trial.when

    def _site(self, trial: Trial) -> tuple[int, int, str]:
        """The statement that makes a value that is tried, and in the place of what, of whatever layer and time."""
        made = self.flow.made(trial.value)
        place = None if made is None else self.flow.place(made)
        return *((place.file, place.statement) if place else (-1, -1)), re.sub(r"\d+.*", "", trial.role)

    def _read(self, start: int, passed: list[int]) -> list[int]:
        """What wrong values were computed from that is right as it is, but may stand in a wrong place."""
        found: list[int] = []
        waiting = [self.flow.last_made(start), *map(self.flow.made, passed)]
        while waiting:
            event = waiting.pop(0)
            for source in self.flow.sources(event) if event is not None else ():
                if source in found or source in passed or self.flow.values[source].size == 1:
                    continue
                found.append(source)
                identity = self.values.identity(source)
                if identity is not None and not primary(identity.name):
                    waiting.append(self.flow.made(source))  # a step on the way to it, not a quantity
        return [each for each in found if self.values.kind(each) in (RIGHT, NUMBER) or self.values.conventional(each)]

    def _roles(self, value: int, read: bool = False, update: bool = False) -> list[Trial]:
        """The quantities in whose place a value might stand: of its shape, and not what it is.

        `read`: it is right as something else; then only what comes later in the step can be meant. `update`: new
        weights, and nothing else.
        """
        array, identity = self.flow.values[value], self.values.identity(value)
        if not np.isfinite(array).all():
            return []
        present, turn, when = self.values.present, self.values.turn, self.values.when(value)
        reached = self.values.reached
        found: list[Trial] = []
        forward = not read or (identity is not None and not primary(identity.name))
        for name, right in self.values.quantities.items():
            if not primary(name) or name in self.instead or f"new {name}" in self.values.quantities:
                continue
            if (read and name in ("X", "Y")) or (name == "Y" and right.ndim == 1):
                continue  # classes by number are in the place of nothing else
            if update and identity is not None and identity.name == name.removeprefix("new "):
                continue  # as it was: nothing has changed it
            if name[0] == "d" and when < turn:
                continue  # errors come after the output
            if name in present and not (identity is not None and identity.name == name):
                continue  # it is there as it should be: what is wrong comes later
            if reached.get(family := over_time(name), name) != name and family != name:
                continue  # of what is made at each time, the first that is missing
            passed_on = identity is not None and (identity.name[0], name) == ("Z", f"A{identity.name[1:]}")
            if name.startswith("new ") != update or not (forward or passed_on or name.startswith("d")):
                continue
            if right.size != array.size and not (array.size == 1 and right.ndim == 1 and name[0] == "d"):
                continue
            same = identity is not None and identity.name == name and identity.factor == 1
            forms = [array.reshape(())] if name in REPORTED else shaped(array, right.shape)
            forms = [one for one in forms if not same or not np.allclose(one, right)]
            # A subject may sum what Keras averages, or turn the sign, and mend it with the weights' gradients.
            divisors = self.values.conventions if name[0] == "d" and not read else (1.0,)
            if read and identity is not None:
                divisors = (identity.factor,)
            found += [
                Trial(value, name, one / divisor, when, divisor, read=read) for divisor in divisors for one in forms
            ]
        if read:
            return found
        return [*found, *self._joined(value, update), *self._in_one(value, update), *self._summed(value, update)]

    def _summed(self, value: int, update: bool) -> Iterator[Trial]:
        """What a place makes for each sample, in the place of the gradient that all of them make."""
        made = self.flow.made(value)
        if update or made not in self.flow.members:
            return
        array, when = self.flow.values[value], self.values.when(value)
        total = array[-1] if self.flow.accumulates(made) else array.sum(axis=0)
        for name, right in self.values.quantities.items():
            if not re.fullmatch(r"d[WbU]\d+", name) or name in self.instead or name in self.values.present:
                continue
            forms = shaped(total, right.shape) if right.size == total.size and np.isfinite(total).all() else []
            tried = [(one / by, by) for by in self.values.conventions for one in forms]
            if not any(np.allclose(one, right) for one, _ in tried):  # else it is as it should be
                yield from (Trial(value, name, one, when, by) for one, by in tried)

    def _in_one(self, value: int, update: bool) -> Iterator[Trial]:
        """The gradients of all weights in one vector, or their updates."""
        array, when, of = self.flow.values[value], self.values.when(value), self.values.quantities
        for order in orders(of) if not update and when >= self.values.turn else ():
            names = [f"d{name}" for name in order]
            ends = np.cumsum([of[name].size for name in names])
            if array.size != ends[-1] or self.instead.keys() & set(names):
                return
            first, *rest = zip(names, np.split(array.ravel(), ends[:-1]), strict=True)
            for divisor in (*self.values.conventions, self.q.rate):
                parts = {name: part.reshape(of[name].shape) / divisor for name, part in (first, *rest)}
                yield Trial(value, first[0], parts.pop(first[0]), when, divisor, parts)

    def _joined(self, value: int, update: bool) -> Iterator[Trial]:
        """A kernel and its bias in one array, as the last or the first row, or column."""
        array, when, of = self.flow.values[value], self.values.when(value), self.values.quantities
        start = "new " if update else "d"
        if array.ndim != 2 or (not update and when < self.values.turn):
            return
        for name in [name for name in of if re.fullmatch(rf"{start}W\d+", name)]:
            bias = name.replace("W", "b")
            if bias not in of or of[name].ndim != 2 or {name, bias} & self.instead.keys():
                continue
            if name in self.values.present and bias in self.values.present:
                continue
            inputs, units = of[name].shape
            if of[bias].shape != (units,):
                continue  # a GRU's has two rows
            for turned in (array, array.T):
                if turned.shape != (inputs + 1, units):
                    continue
                for kernel, row in ((turned[:-1], turned[-1]), (turned[1:], turned[0])):
                    for divisor in (1.0,) if update else self.values.conventions:
                        yield Trial(value, name, kernel / divisor, when, divisor, {bias: row / divisor})

    def _more(self, quantities: Quantities, trial: Trial) -> int:
        """How many more values are Keras's with these quantities; counted in values that nobody knows yet."""
        if self._unknown is None:
            values = distinct(self.flow.lifted(self.flow.value(event)) for event in self.flow.events)
            told = [value for value in values if self.flow.values[value].size > 1]
            self._unknown = [value for value in told if self.values.kind(value) in (UNKNOWN, SCALED)]
        library = computed(quantities, self.flow.step, self.values.library.relative)
        unknown = [value for value in self._unknown if value != trial.value]
        found = [library.identify(self.flow.form(value)) for value in unknown]
        before = [self.values.identity(value) for value in unknown]
        return sum(
            new is not None
            and new.name != trial.role
            and new.factor in self.values.conventions
            and (old is None or old.factor != new.factor)
            for new, old in zip(found, before, strict=True)
        )
