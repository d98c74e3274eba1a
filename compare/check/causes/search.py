"""The search: explains one item after the other, from the output down, each given what was explained above it.

So faults in different phases add up without a search over their combinations. What nothing explains is left, and the
search goes on below it.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import combinations

from compare.check.causes.evidence import ERROR, LOSS, Case, Causes, Item
from compare.faults import FAULTS
from compare.faults.fault import Cause, Fault
from compare.mathematics.step import Step

BEAM = 4  # explanations that are followed side by side, where the data cannot tell them apart so far
MOST = 8  # faults of one explanation
SHARE = 0.15  # of what is unexplained of a tensor, which a further fault must explain
ENOUGH = 30  # additions that explain an item, of which the best are kept
ENDURANCE = 15000  # steps that pairs and exchanges may take in all
PATIENCE = 4  # what part of those that are left one item's exchanges may take, and its pairs of either kind


class Reach(IntEnum):
    """What one item may need: one fault more, or one in exchange for another, or two more."""

    ADD = 0
    EXCHANGE = 1
    PAIRS = 2


@dataclass(frozen=True)
class Hypothesis:
    """Faults, what they explain of the items, and the items (by what they are about) that nothing explains."""

    causes: Causes = ()
    explained: frozenset[Item] = frozenset()
    left: frozenset[int] = frozenset()


@dataclass
class Search:
    """A search over some items of a case.

    Attributes
    ----------
    case : Case
    items : list of Item
        In the order in which they are explained.
    reporting : bool, optional
        Whether faults of what is reported are tried, or those of the weights; None: both.
    reach : Reach
        What may be changed at once to explain an item.
    extreme : bool
        Whether only those faults are tried that show with extreme inputs alone.
    most : int
        Faults that an explanation may have.
    """

    case: Case
    items: Sequence[Item]
    reporting: bool | None
    reach: Reach = Reach.PAIRS
    extreme: bool = False
    most: int = MOST
    faults: list[Fault] = field(init=False)
    concrete: list[Cause] = field(init=False)

    def __post_init__(self) -> None:
        self.faults = [
            fault
            for fault in FAULTS.values()
            if self.reporting in (None, fault.reporting)
            and not (fault.training or fault.manner or fault.kind)
            and (bool(fault.warning) or not self.extreme)
        ]
        self.concrete = [
            Cause(fault, parameter) for fault in self.faults for parameter in fault.parameters(self.case.architecture)
        ]

    def run(self, start: Causes = ()) -> list[Hypothesis]:
        """Return the best explanations, the plainest first; one without causes explains what is right already."""
        beam, done = [self._measured(start, frozenset())], []
        for _ in range(self.most + len(self.case.architecture.weights) + 1):
            grown: list[Hypothesis] = []
            for hypothesis in beam:
                item = self._next(hypothesis)
                if item is None:
                    done.append(hypothesis)
                else:
                    grown += self._explained(hypothesis, item)
            beam = self._worth_following(best(grown)[:BEAM], done)
            if not beam:
                break
        found = best([*done, *beam])[:BEAM]
        return [each for each in found if not any(_no_better(each, other) for other in found)]

    def _worth_following(self, beam: list[Hypothesis], done: list[Hypothesis]) -> list[Hypothesis]:
        """Those that may still explain all with as few faults as one that does."""
        whole = [each for each in (*done, *beam) if not each.left and self._next(each) is None]
        fewest = min((len(each.causes) for each in whole), default=self.most + 1)
        return [each for each in beam if each in whole or (len(each.causes) < fewest and not (whole and each.left))]

    def _measured(self, causes: Causes, left: frozenset[int]) -> Hypothesis:
        """Measure what faults explain; what was left is left no more where later faults explain it."""
        explained = frozenset(item for item in self.items if self.case.explains(causes, item))
        still = {item.what for item in self.items if item not in explained}
        return Hypothesis(causes, explained, left & still)

    def _next(self, hypothesis: Hypothesis) -> Item | None:
        return next(
            (item for item in self.items if item not in hypothesis.explained and item.what not in hypothesis.left), None
        )

    def _explained(self, hypothesis: Hypothesis, item: Item) -> list[Hypothesis]:
        """Return the hypotheses that explain an item too; or that leave it."""
        found: list[Hypothesis] = []
        if len(hypothesis.causes) < self.most:
            candidates = [cause for cause in self.concrete if not _twice(cause, hypothesis.causes)]
            candidates += self._fitted(hypothesis.causes, item)
            found = self._accepted(hypothesis, item, ((*hypothesis.causes, cause) for cause in candidates))
            for more in (self._exchanged, self._pairs)[: self.reach]:
                if not found and self.case.spent < ENDURANCE:
                    before = self.case.tried
                    limit = before + ENDURANCE - self.case.spent
                    found = self._accepted(hypothesis, item, more(hypothesis, item, candidates), limit)
                    self.case.spent += self.case.tried - before
        return found or [Hypothesis(hypothesis.causes, hypothesis.explained, hypothesis.left | {item.what})]

    def _accepted(
        self, hypothesis: Hypothesis, item: Item, candidates: Iterable[Causes], limit: float = math.inf
    ) -> list[Hypothesis]:
        """Those sets of faults that explain the item and lose nothing of the phases down to it.

        What comes below may be right by two faults that cancel: a summed error whose bias gradient is averaged.
        """
        found: list[Hypothesis] = []
        for causes in candidates:
            if self.case.explains(causes, item):
                measured = self._measured(causes, hypothesis.left)
                if self._gains(hypothesis, measured, item):
                    found.append(measured)
            if len(found) == ENOUGH or self.case.tried > limit:
                break
        return best(found)[:BEAM]

    def _gains(self, before: Hypothesis, after: Hypothesis, item: Item) -> bool:
        """Whether more is gained than the one item, which any fitted number gives, and nothing above it is lost."""
        alike = [each for each in self.items if each.what == item.what and each not in before.explained]
        gained = sum(each in after.explained for each in alike)
        lost = before.explained - after.explained
        return gained >= SHARE * len(alike) and not any(self._matters(each, item, after.causes) for each in lost)

    def _matters(self, lost: Item, gained: Item, causes: Causes) -> bool:
        """Whether an item may not be lost: it stands above the one that is gained, or the faults raise there."""
        raises = self.case.steps(causes, lost.run, lost.step + 1)[lost.step] is None
        return raises or self._phase(lost) <= self._phase(gained)

    def _phase(self, item: Item) -> int:
        """Where an item's phase stands in a step, from the output down."""
        return -1 if item.what < 0 else self.case.downwards.index(item.what)

    def _fitted(self, base: Causes, item: Item) -> list[Cause]:
        return [
            cause
            for fault in self.faults
            if fault.fit is not None
            for cause in self.case.fit(fault, base, item)
            if not _twice(cause, base)
        ]

    def _pairs(self, hypothesis: Hypothesis, item: Item, candidates: Sequence[Cause]) -> Iterable[Causes]:
        """Pairs of what changes this item, and no other above it; with a number fitted beside the other, and without.

        Those come first of which one alone gives the tensor but for a factor or a penalty. Two that undo each other
        above it are too unlikely to look for.
        """
        now = self.case.steps(hypothesis.causes, item.run, item.step + 1)[item.step]
        above = [
            each for each in hypothesis.explained if each[:2] == item[:2] and self._phase(each) < self._phase(item)
        ]
        relevant = [
            c
            for c in candidates
            if not c.fault.slow
            and self._changes(hypothesis, item, c, now)
            and all(self.case.explains((*hypothesis.causes, c), each) for each in above)
        ]
        for first in relevant:
            if self.case.nearly((*hypothesis.causes, first), item):
                others = ((first, second) for second in relevant if second.name != first.name)
                for pair in (*self._fitted_pairs(hypothesis.causes, first, item), *others):
                    yield *hypothesis.causes, *pair
        fitted = (pair for first in relevant for pair in self._fitted_pairs(hypothesis.causes, first, item))
        for pairs in (combinations([each for each in relevant if each in self.concrete], 2), fitted):
            enough = self.case.tried + (ENDURANCE - self.case.spent) // PATIENCE
            for first, second in pairs:
                if self.case.tried > enough:
                    break
                if first.name != second.name:
                    yield *hypothesis.causes, first, second

    def _fitted_pairs(self, base: Causes, first: Cause, item: Item) -> Iterable[Causes]:
        """A fault and those whose number is fitted in its company; then its own number again in theirs."""
        for second in self._fitted((*base, first), item):
            yield first, second
            if first.fault.fit is not None:
                yield from ((again, second) for again in self.case.fit(first.fault, (*base, second), item))

    def _exchanged(self, hypothesis: Hypothesis, item: Item, candidates: Sequence[Cause]) -> Iterable[Causes]:
        """Faults of which one is another, or has another number in the company of a further one.

        A constant fits what two faults do together in batches of one size; a batch of another size tells them apart.
        """
        without = {cause: tuple(each for each in hypothesis.causes if each != cause) for cause in hypothesis.causes}
        for cause, rest in without.items():
            if cause.fault.fit is not None:  # its number may have been fitted where another fault hides it
                yield from ((*rest, again) for again in self.case.fit(cause.fault, rest, item, alone=True))
        enough = self.case.tried + (ENDURANCE - self.case.spent) // PATIENCE
        for cause, rest in without.items():
            shown = next((i for i in self.items if i in hypothesis.explained and not self.case.explains(rest, i)), None)
            if shown is None:
                continue
            for other in candidates:
                if self.case.tried > enough:
                    return
                base = (*rest, other)
                if not other.fault.slow and other.name != cause.name:
                    yield base
                    if cause.fault.fit is not None:
                        yield from ((*base, each) for each in self.case.fit(cause.fault, base, shown))

    def _changes(self, hypothesis: Hypothesis, item: Item, cause: Cause, now: Step | None) -> bool:
        then = self.case.steps((*hypothesis.causes, cause), item.run, item.step + 1)[item.step]
        if then is None or now is None or item.what == ERROR:
            return (then is None) != (now is None) or item.what == ERROR
        if item.what == LOSS:
            return then.loss != now.loss
        return bool((then.after[item.what] != now.after[item.what]).any())


def _twice(cause: Cause, causes: Causes) -> bool:
    """Whether a fault is there already: the same one in another layer is another."""
    return any(cause.name == other.name and cause.place == other.place for other in causes)


def _no_better(one: Hypothesis, plainer: Hypothesis) -> bool:
    """Whether something is left that fewer faults leave too."""
    fewer = len(plainer.causes) < len(one.causes)
    return bool(one.left) and fewer and plainer.explained >= one.explained


def best(found: Iterable[Hypothesis]) -> list[Hypothesis]:
    """Most explained first, then the fewest faults, then in the catalogue's order; one for each set of faults.

    Of faults that differ in a fitted number alone the first is kept.
    """
    ranked = sorted(found, key=lambda each: (-len(each.explained), len(each.left), len(each.causes)))
    variants = list({frozenset(map(_variant, each.causes)): each for each in reversed(ranked)}.values())[::-1]
    return [each for each in variants if not any(_without_need(each, other) for other in variants)]


def _without_need(one: Hypothesis, plainer: Hypothesis) -> bool:
    """Whether some of the faults explain as much without the others."""
    return set(plainer.causes) < set(one.causes) and plainer.explained >= one.explained and plainer.left <= one.left


def _variant(cause: Cause) -> tuple[object, ...]:
    return (cause.name, *(each for each in cause.parameter if not isinstance(each, float)))
