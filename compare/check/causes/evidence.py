"""What speaks for an explanation: what its faults would have done, beside what the subject did."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import NamedTuple

import numpy as np

from compare.check.steps.lockstep import Driven
from compare.faults import combine, in_order
from compare.faults.fault import Cause, Fault
from compare.faults.fitting import ratio
from compare.mathematics.functions import Array
from compare.mathematics.rules import CORRECT, Rules, retake_step
from compare.mathematics.step import Step
from compare.recipe.architecture import Architecture

# A prediction may miss by this share of the deviation that it explains, and by 100 tolerances: a fault's own
# arithmetic may round differently from the catalogue's. The nearest wrong explanations miss by far more.
SHARE = {"float64": 1e-9, "float32": 1e-6}
# A loss is one number, whose rounding does not grow with the deviation.
SHARE_OF_LOSS = {"float64": 1e-12, "float32": 1e-6}
SLACK = 100
NEARLY = {"float64": 1e-8, "float32": 1e-3}  # what may be left of a change that a factor or a penalty would complete
LATELY = 500  # first steps of a run that are kept
FIRST = 3  # steps of a run that a number is fitted to

Causes = tuple[Cause, ...]
LOSS, ERROR = -1, -2  # what an item is about, where it is no tensor


class Item(NamedTuple):
    """One thing that a subject did: in a run, in a step, a tensor's new value by its place, the loss, or an error."""

    run: int
    step: int
    what: int


@dataclass
class Case:
    """Situations to explain, in order, each up to a horizon; `tried` counts the steps that candidates took.

    A step that is taken for each sample counts as that many. `spent` counts those of them that went on pairs and
    exchanges of faults.

    `seen` holds the steps that a candidate took in a run, and its memory then, so that it takes them once; `lately`
    some first steps; `known` whether it explains an item, for any order in which its faults were found.
    `limits` holds what was seen of an item, and how far a prediction may be from it. `effort` is the share of the usual
    steps after which a search ends.
    """

    runs: list[Driven]
    architecture: Architecture
    precision: str
    effort: float = 1.0
    tried: int = 0
    spent: int = 0
    fitted: dict[tuple[str, Causes, int, int, int], list[Cause]] = field(default_factory=dict)
    seen: dict[tuple[Causes, int], tuple[list[Step | None], dict[str, object]]] = field(default_factory=dict)
    lately: dict[tuple[Causes, int], Step | None] = field(default_factory=dict)
    known: dict[tuple[Causes, Item], bool] = field(default_factory=dict)
    limits: dict[Item, tuple[Array, Array]] = field(default_factory=dict)

    @cached_property
    def downwards(self) -> list[int]:
        """The tensors' places in the order of the backward pass: from the output down, a layer's kernel first."""
        weights = self.architecture.weights
        return sorted(range(len(weights)), key=lambda place: (-weights[place].layer, place))

    def horizon(self, number: int) -> int:
        """How many steps of a run decide: some beyond the first wrong one, and the first ragged batch."""
        steps, first_wrong = self.runs[number].steps, self.runs[number].first_wrong or 0
        ragged = next((index for index, step in enumerate(steps) if step.step.n != steps[0].step.n), 0)
        return min(len(steps), max(4, first_wrong + 3, ragged + 1))

    def steps(self, causes: Causes, number: int, upto: int) -> list[Step | None]:
        """Return what these faults do in the first steps of a run; None where they raise, as the faulty code would."""
        key = (in_order(causes), number)
        if upto == 1 and len(causes) > 1 and key not in self.seen:
            return [self._first(causes, number)]
        taken, memory = self.seen.setdefault(key, ([], {}))
        for index in range(len(taken), upto):
            taken.append(self._take(causes, number, index, memory))
        return taken[:upto]

    def _first(self, causes: Causes, number: int) -> Step | None:
        """The first step of a run: most sets of faults are asked for no second one, and soon not any more."""
        key = (in_order(causes), number)
        if key not in self.lately:
            step = self._take(causes, number, 0, {})
            if len(self.lately) == LATELY:
                self.lately.clear()
            self.lately[key] = step
        return self.lately[key]

    def _like(self, causes: Causes, number: int, index: int) -> tuple[Step, Rules]:
        """The step of most of these faults that was taken, and their rules; at the least the correct one."""
        for size in reversed(range(1, len(causes))):
            key = (in_order(causes[:size]), number)
            taken, _ = self.seen.get(key, ([], {}))
            step = taken[index] if index < len(taken) else None if index else self.lately.get(key)
            if step is not None:
                return step, combine(causes[:size])
        return self.runs[number].steps[index].step, CORRECT

    def _take(self, causes: Causes, number: int, index: int, memory: dict[str, object]) -> Step | None:
        like, theirs = self._like(causes, number, index)
        self.tried += like.n if any(cause.fault.slow for cause in causes) else 1
        try:
            return retake_step(combine(causes), like, theirs, memory)
        except (ValueError, IndexError):
            return None

    def items(self, losses: bool) -> list[Item]:
        """Return what is to be explained, in order: losses, or errors and tensors from the output down."""
        return [item for number in range(len(self.runs)) for item in self.items_of(number, losses)]

    def items_of(self, number: int, losses: bool, whole: bool = False) -> Iterator[Item]:
        """Return the items of one run up to its horizon, or of the whole run."""
        upto = len(self.runs[number].steps) if whole else self.horizon(number)
        for index, judged in enumerate(self.runs[number].steps[:upto]):
            if losses:
                if judged.did.loss is not None and judged.did.error is None:
                    yield Item(number, index, LOSS)
            elif judged.did.error is not None:
                yield Item(number, index, ERROR)
            elif judged.did.after is not None:
                yield from (Item(number, index, place) for place in self.downwards)

    def wrong(self, item: Item) -> bool:
        """Whether the subject differs from Keras here."""
        judged = self.runs[item.run].steps[item.step]
        if item.what == LOSS:
            return judged.wrong_loss
        return item.what == ERROR or not judged.ratios[item.what] <= 1

    def explains(self, causes: Causes, item: Item) -> bool:
        """Whether these faults give this item."""
        key = (in_order(causes), item)
        if key not in self.known:
            self.known[key] = self.matches(self.steps(causes, item.run, item.step + 1)[item.step], item)
        return self.known[key]

    def matches(self, step: Step | None, item: Item) -> bool:
        """Whether a step, as taken or not, gives this item."""
        if item.what == ERROR or step is None:
            return item.what == ERROR and step is None
        return within(_told(step, item), *self._limits(item))

    def alike(self, one: Step, other: Step, item: Item) -> bool:
        """Whether two steps give the same of an item, as far as a prediction of it can tell."""
        return within(_told(one, item), _told(other, item), self._limits(item)[1])

    def _limits(self, item: Item) -> tuple[Array, Array]:
        if item not in self.limits:
            self.limits[item] = self._limit(item)
        return self.limits[item]

    def _limit(self, item: Item) -> tuple[Array, Array]:
        """What was seen of an item, and how far a prediction may be from it."""
        judged = self.runs[item.run].steps[item.step]
        if item.what == LOSS:
            seen, right, tolerance = (np.array(v) for v in (judged.did.loss, judged.step.loss, judged.bounds.loss))
            return seen, self.allowed(seen, right, tolerance, SHARE_OF_LOSS[self.precision])
        assert judged.did.after is not None
        seen, right = judged.did.after[item.what], judged.step.after[item.what]
        return seen, self.allowed(seen, right, judged.bounds.after[item.what])

    def nearly(self, causes: Causes, item: Item) -> bool | None:
        """Whether a tensor's change is a multiple of what these faults do, plus some of it, its sign and last change.

        None where its numbers cannot tell.
        """
        step, did = self.steps(causes, item.run, item.step + 1)[item.step], self.runs[item.run].steps[item.step].did
        if item.what < 0 or step is None or did.after is None:
            return None
        W = step.weights[item.what].ravel()
        seen, change = did.after[item.what].ravel() - W, step.after[item.what].ravel() - W
        before = self.runs[item.run].last_change(item.step)
        span = np.stack([change, W, np.sign(W), *([] if before is None else [before[item.what].ravel()])], axis=1)
        if len(seen) <= 2 * span.shape[1] or not (np.isfinite(span).all() and np.isfinite(seen).all()):
            return None
        rest = seen - span @ np.linalg.lstsq(span, seen, rcond=None)[0]
        return bool(change.any() and np.linalg.norm(rest) < NEARLY[self.precision] * np.linalg.norm(seen))

    def scales(self, causes: Causes, more: Cause, item: Item) -> bool:
        """Whether one fault more makes a multiple of a tensor's change."""
        steps = [self.steps(each, item.run, item.step + 1)[item.step] for each in (causes, (*causes, more))]
        if item.what < 0 or None in steps:
            return item.what < 0
        change, other = (step.after[item.what] - step.weights[item.what] for step in steps if step is not None)
        rest = other - ratio([other], [change]) * change
        return bool(np.linalg.norm(rest) <= NEARLY[self.precision] * np.linalg.norm(other))

    def allowed(self, seen: Array, right: Array, tolerance: Array, share: float | None = None) -> Array:
        """How far a prediction may be from what was seen: by rounding."""
        with np.errstate(all="ignore"):
            deviation = np.abs(seen - right)
            finite = np.isfinite(deviation)
            largest = float(deviation[finite].max()) if finite.any() else 0.0
            return SLACK * tolerance + (share or SHARE[self.precision]) * largest

    def fit(self, fault: Fault, base: Causes, item: Item, alone: bool = False) -> list[Cause]:
        """Fit a fault with a number to an item's tensor, or loss, given others.

        In the first steps of its run, since some faults show in the second; or from the item on, if it comes later, or
        is to stand alone.
        """
        first = item.step if alone or item.step >= FIRST else 0
        key = (fault.name, in_order(base), item.run, item.what, first)
        if key not in self.fitted:
            assert fault.fit is not None
            run, observed = self.runs[item.run], []
            focus = frozenset([item.what] if item.what >= 0 else range(len(self.architecture.weights)))
            steps = self.steps(base, item.run, min(first + FIRST, len(run.steps)))
            for index, step in islice(enumerate(steps), first, None):
                if step is None or run.steps[index].did.after is None:
                    break
                observed.append(run.observed(index, step, focus))
            parameters = []
            if observed:
                with np.errstate(all="ignore"):
                    parameters = fault.fit(observed, combine(base))
            self.fitted[key] = [Cause(fault, parameter) for parameter in dict.fromkeys(parameters)]
        return self.fitted[key]


def gradients_agree(case: Case, causes: Causes) -> bool:
    """Whether these faults also give the gradients that the subject itself shows, where it shows any."""
    for number, run in enumerate(case.runs):
        for judged, step in zip(run.steps, case.steps(causes, number, case.horizon(number)), strict=False):
            if judged.did.gradients is None or step is None or not np.isfinite(step.loss):
                continue
            tensors = zip(
                step.gradients, judged.did.gradients, judged.step.gradients, judged.bounds.gradients, strict=True
            )
            if not all(within(g, seen, case.allowed(seen, right, t)) for g, seen, right, t in tensors):
                return False
    return True


def _told(step: Step, item: Item) -> Array:
    return np.asarray(step.loss) if item.what == LOSS else step.after[item.what]


def within(predicted: Array, seen: Array, limit: Array) -> bool:
    """Whether a prediction gives what was seen; where that is not finite, neither is it."""
    with np.errstate(all="ignore"):
        near = np.abs(predicted - seen) <= limit
        return bool(near.all() or (near | (~np.isfinite(predicted) & ~np.isfinite(seen))).all())
