"""The search: explains one item after the other, from the output down, each given what was explained above it.

So faults in different phases add up without a search over their combinations. What nothing explains is left, and the
search goes on below it.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from compare.check.causes.evidence import ERROR, Case, Causes, Item
from compare.check.causes.hypothesis import Hypothesis, Reach, best, no_better, twice, variants
from compare.faults import FAULTS
from compare.faults.fault import Cause, Fault
from compare.mathematics.step import Step

BEAM = 4  # explanations that are followed side by side, where the data cannot tell them apart so far
MOST = 8  # faults of one explanation
SHARE = 0.15  # of what is unexplained of a tensor, which a further fault must explain
ENOUGH, MEASURED = 100, 30  # sets of faults that explain an item; and those that explain most like it
ENDURANCE = 8000  # steps that pairs and exchanges may take in all
EXHAUSTION = 12_000  # steps after which nothing more is tried: four faults together take a fifth of that, rarely more
PATIENCE = 4  # what part of those that are left one item's exchanges may take, and its pairs of either kind


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

    @property
    def _endurance(self) -> float:
        return ENDURANCE * self.case.effort

    @property
    def _exhaustion(self) -> float:
        return EXHAUSTION * self.case.effort

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
                    grown += self._explained(hypothesis, item, grown)
            beam = self._worth_following(best(grown)[:BEAM], done)
            if not beam:
                break
        found = best([*done, *beam])[:BEAM]
        return [each for each in found if not any(no_better(each, other) for other in found)]

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

    def _explained(self, hypothesis: Hypothesis, item: Item, beside: Sequence[Hypothesis]) -> list[Hypothesis]:
        """Return the hypotheses that explain an item too; or that leave it.

        More than one fault at once is not looked for where others beside it explain more, and leave no more.
        """
        found: list[Hypothesis] = []
        if len(hypothesis.causes) < self.most and self.case.tried < self._exhaustion:
            candidates = [cause for cause in self.concrete if not twice(cause, hypothesis.causes)]
            candidates += self._fitted(hypothesis.causes, item)
            found = self._accepted(hypothesis, item, ((*hypothesis.causes, cause) for cause in candidates))
            now, left = len(hypothesis.explained), len(hypothesis.left)
            behind = any(len(each.explained) > now and len(each.left) <= left for each in beside)
            for more in (self._completed, self._exchanged, self._pairs)[: self.reach]:
                if not found and not behind and self.case.spent < self._endurance:
                    before = self.case.tried
                    limit = before + self._endurance - self.case.spent
                    found = self._accepted(hypothesis, item, more(hypothesis, item, candidates), limit)
                    self.case.spent += self.case.tried - before
        return found or [Hypothesis(hypothesis.causes, hypothesis.explained, hypothesis.left | {item.what})]

    def _accepted(
        self, hypothesis: Hypothesis, item: Item, candidates: Iterable[Causes], limit: float = math.inf
    ) -> list[Hypothesis]:
        """Those sets of faults that explain the item and lose nothing of the phases down to it.

        What comes below may be right by two faults that cancel: a summed error whose bias gradient is averaged. A
        fitted number gives the one item, whatever else stands beside it: some others of the like tell most of them.
        """
        others = [each for each in self.items if each.what == item.what and each not in hypothesis.explained | {item}]
        some = others[:: max(1, int(SHARE * len(others)))]
        promising: list[tuple[int, Causes]] = []
        for causes in candidates:
            if self.case.explains(causes, item):
                promise = sum(self.case.explains(causes, each) for each in some)
                promising += [(promise, causes)] if promise or not some else []
            if len(promising) == ENOUGH or self.case.tried > limit:
                break
        likeliest: dict[object, Causes] = {}
        for _, causes in sorted(promising, key=lambda each: -each[0]):
            likeliest.setdefault(variants(causes), causes)
        measured = [self._measured(causes, hypothesis.left) for causes in list(likeliest.values())[:MEASURED]]
        return best(each for each in measured if self._gains(hypothesis, each, item))[:BEAM]

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

    def _fitted(self, base: Causes, item: Item, linear: bool | None = None) -> list[Cause]:
        return [
            cause
            for fault in self.faults
            if fault.fit is not None and linear in (None, fault.linear)
            for cause in self.case.fit(fault, base, item)
            if not twice(cause, base)
        ]

    def _relevant(self, hypothesis: Hypothesis, item: Item, candidates: Sequence[Cause]) -> dict[Cause, bool | None]:
        """What changes this item, and no other above it; and whether it gives the item but for a factor or a penalty.

        Two that undo each other above it are too unlikely to look for.
        """
        now = self.case.steps(hypothesis.causes, item.run, item.step + 1)[item.step]
        above = [
            each for each in hypothesis.explained if each[:2] == item[:2] and self._phase(each) < self._phase(item)
        ]
        return {
            cause: self.case.nearly((*hypothesis.causes, cause), item)
            for cause in candidates
            if not cause.fault.slow
            and self._changes(hypothesis, item, cause, now)
            and all(self.case.explains((*hypothesis.causes, cause), each) for each in above)
        }

    def _completed(self, hypothesis: Hypothesis, item: Item, candidates: Sequence[Cause]) -> Iterable[Causes]:
        """Pairs of which one alone gives the item but for a factor or a penalty, and the other makes that.

        Where a fitted one makes it alone, others beside it would tell nothing new: two whose numbers are known may.
        """
        relevant = self._relevant(hypothesis, item, candidates)
        factors = [each for each in relevant if self.case.scales(hypothesis.causes, each, item)]
        known = [each for each in factors if each.fault.fit is None]  # others are fitted beside what they complete
        alone = any(each.fault.linear and self.case.explains((*hypothesis.causes, each), item) for each in relevant)
        for first in (each for each, nearly in relevant.items() if nearly and (each in known or each not in factors)):
            others = ((first, second) for second in known if second.name != first.name)
            fitted = () if alone else self._fitted_pairs(hypothesis.causes, first, item, linear=True)
            for pair in (*fitted, *others):
                yield *hypothesis.causes, *pair

    def _pairs(self, hypothesis: Hypothesis, item: Item, candidates: Sequence[Cause]) -> Iterable[Causes]:
        """Other pairs of what changes this item; with a number fitted beside the other, and without.

        No factor and no penalty is tried beside what does not give the item but for them.
        """
        relevant = self._relevant(hypothesis, item, candidates)
        fitted = (
            pair
            for first, nearly in relevant.items()
            for pair in self._fitted_pairs(hypothesis.causes, first, item, linear=None if nearly is None else False)
        )
        for pairs in (combinations([each for each in relevant if each in self.concrete], 2), fitted):
            enough = self.case.tried + (self._endurance - self.case.spent) // PATIENCE
            for first, second in pairs:
                if self.case.tried > enough:
                    break
                if first.name != second.name:
                    yield *hypothesis.causes, first, second

    def _fitted_pairs(self, base: Causes, first: Cause, item: Item, linear: bool | None) -> Iterable[Causes]:
        """A fault and those whose number is fitted in its company; then its own number again in theirs."""
        for second in self._fitted((*base, first), item, linear):
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
        enough = self.case.tried + (self._endurance - self.case.spent) // PATIENCE
        for cause, rest in without.items():
            shown = next((i for i in self.items if i in hypothesis.explained and not self.case.explains(rest, i)), None)
            if shown is None:
                continue
            for other in sorted(candidates, key=lambda each: not self.case.explains((*hypothesis.causes, each), item)):
                if self.case.tried > enough:
                    return
                base = (*rest, other)
                if not other.fault.slow and other.name != cause.name:
                    yield base
                    if self.case.explains(base, item):  # what the one did elsewhere may take another beside this one
                        yield from ((*base, each) for each in self._fitted(base, shown))
                    elif cause.fault.fit is not None:
                        yield from ((*base, each) for each in self.case.fit(cause.fault, base, shown))

    def _changes(self, hypothesis: Hypothesis, item: Item, cause: Cause, now: Step | None) -> bool:
        then = self.case.steps((*hypothesis.causes, cause), item.run, item.step + 1)[item.step]
        if then is None or now is None or item.what == ERROR:
            return (then is None) != (now is None) or item.what == ERROR
        return not self.case.alike(then, now, item)
