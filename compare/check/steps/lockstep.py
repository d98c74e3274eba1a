"""Puts a subject beside Keras step by step, each step from equal weights, and judges every tensor of it."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from compare.check.steps.reference import Expected, Reference, Truth, ratio, ratios, rounded
from compare.check.steps.situations import Situation, without_biases
from compare.check.subject.tasks import Did, Performance, Task
from compare.faults.fault import Observed
from compare.mathematics.functions import Array
from compare.mathematics.rounding import Rounding
from compare.mathematics.step import Step
from compare.recipe.recipe import Recipe

Drive = Callable[[Iterable[Task]], Iterator[Performance]]


@dataclass(frozen=True)
class Judged:
    """One step of a subject beside the reference's, from the same weights.

    `loss_ratio` and `ratios` (one a tensor, in Keras's order) are deviations in units of the tolerance: above 1
    is out. `equal` says whether every weight is the same float.
    """

    step: Step
    bounds: Rounding
    did: Did
    loss: float
    after: list[Array]
    loss_ratio: float = 0.0
    ratios: list[float] = field(default_factory=list)
    gradient_ratios: list[float] = field(default_factory=list)
    probability_ratio: float = 0.0
    equal: bool = True
    accuracy_differs: bool = False
    kinks: list[tuple[int, int, int, float]] = field(default_factory=list)

    @property
    def every_ratio(self) -> list[float]:
        """Of the loss, and of each tensor."""
        return [self.loss_ratio, *self.ratios]

    @property
    def wrong_weights(self) -> bool:
        """Whether the step's update is out of tolerance, or failed."""
        return self.did.error is not None or any(not ratio <= 1 for ratio in self.ratios)

    @property
    def wrong_loss(self) -> bool:
        """Whether the step's loss is out of tolerance."""
        return not self.loss_ratio <= 1

    @property
    def off(self) -> frozenset[int]:
        """What is out of tolerance: 0 is the loss, the tensors follow."""
        return frozenset(index for index, ratio in enumerate(self.every_ratio) if not ratio <= 1)

    @property
    def wrong(self) -> bool:
        """Whether anything is out of tolerance."""
        return self.wrong_weights or self.wrong_loss


@dataclass(frozen=True)
class Driven:
    """A situation, what the subject did in it, and the judgement of each step.

    `planned` counts the steps that were to be made and that Keras can be compared in: it cannot where its own numbers
    overflow, which is no fault of a subject.
    """

    situation: Situation
    performance: Performance
    steps: list[Judged]
    planned: int

    @property
    def ended(self) -> str | None:
        """Why the situation was not driven to its end; None if it was."""
        if self.performance.refusal is not None:
            return self.performance.refusal
        made = len(self.steps)
        if made >= self.planned:
            return None
        last = self.steps[-1].did if made else None
        after = None if last is None else last.after
        if after is not None and not all(np.isfinite(W).all() for W in after):
            return f"its weights are not finite after {made} of {self.planned} steps, and Keras's are"
        return f"it stopped after {made} of {self.planned} steps"

    @property
    def beyond(self) -> str | None:
        """Which steps of the situation Keras itself has no finite numbers for; None if there are none."""
        steps = len(self.situation.batches)
        if self.planned == steps or self.ended is not None:
            return None
        return f"Keras's own numbers overflow after {self.planned} of {steps} steps"

    @property
    def first_wrong(self) -> int | None:
        """The first step that is out of tolerance."""
        return next((index for index, step in enumerate(self.steps) if step.wrong), None)

    def observed(self, index: int, step: Step, focus: frozenset[int]) -> Observed:
        """Step `index` as a family's fit wants it, with the step that a candidate takes."""
        did = self.steps[index].did
        assert did.after is not None
        return Observed(step, did.after, did.loss, self.last_change(index), focus)

    def last_change(self, index: int) -> list[Array] | None:
        """The subject's update in the step before; None in the first, and where it told no weights."""
        last = self.steps[index - 1].did if index else None
        if last is None or last.after is None or last.before is None:
            return None
        return [new - old for new, old in zip(last.after, last.before, strict=True)]


@dataclass(frozen=True)
class Posed:
    """A situation that a subject is put into: what it shall do, and what is then said of what it did."""

    task: Task
    judge: Callable[[Performance], Driven]


def drive_all(
    reference: Reference,
    situations: Sequence[Situation],
    drive: Drive,
    advance: Callable[[], object],
    gradients: bool = True,
) -> list[Driven]:
    """Drive the subject through situations, as far as `drive` does, and judge it against Keras.

    Where `drive` draws its next task before it hands on what was done, Keras and the subject work at the same time.
    """
    waiting: deque[Posed] = deque()

    def tasks() -> Iterator[Task]:
        for situation in situations:
            waiting.append(posed(reference, situation, gradients))
            yield waiting[-1].task

    runs: list[Driven] = []
    for performance in drive(tasks()):
        runs.append(waiting.popleft().judge(performance))
        advance()
    reference.at(reference.recipe)  # a model keeps one learning rate, and situations have others
    return runs


def deciding(runs: Sequence[Driven]) -> list[Driven]:
    """The ordinary situations: extreme ones only warn."""
    return [run for run in runs if not run.situation.extreme]


def every_ratio(runs: Sequence[Driven]) -> list[float]:
    """The deviation of each loss and tensor, in units of the tolerance."""
    return [ratio for run in runs for step in run.steps for ratio in step.every_ratio]


def recipe_for(reference: Reference, situation: Situation) -> Recipe:
    """What a subject is told: the size of this situation's data, and that of its first batch as the nominal one."""
    recipe = replace(reference.recipe, batch_size=len(situation.batches[0]), n_samples=len(situation.y))
    return recipe if situation.learning_rate is None else recipe.at(situation.learning_rate)


def task_again(reference: Reference, run: Driven, steps: int, trace: tuple[int, ...] = ()) -> Task:
    """The first steps of a run once more, from the same weights; those of `trace` are written down."""
    situation = run.situation
    X = situation.X.astype(reference.dtype).astype(np.float64)
    each = [situation.weights] if situation.free else [judged.step.weights for judged in run.steps[:steps]]
    recipe, batches = recipe_for(reference, situation), situation.batches[:steps]
    return Task(recipe, X, situation.y, batches, each, situation.free, seed=situation.seed, trace=trace)


def posed(reference: Reference, situation: Situation, gradients: bool = True) -> Posed:
    """Say what a subject shall do in a situation, and how it is judged against Keras."""
    X = situation.X.astype(reference.dtype).astype(np.float64)
    # The model keeps one learning rate: it is set for each situation, and again for what is computed in it later.
    at = partial(reference.at, recipe_for(reference, situation))
    return (_free if situation.free else _lockstep)(at, situation, X, gradients)


def _expected(reference: Reference, situation: Situation, X: Array) -> Expected:
    """What Keras does in a situation; without the truths where it must be told of what the subject draws."""
    batches = situation.batches
    each = [rounded(reference, W) for W in situation.each] or reference.trajectory(
        X, situation.y, batches, situation.weights
    )
    if situation.zero_biases:
        each = [without_biases(reference.recipe.architecture, weights) for weights in each]
    truths = [] if reference.drops else reference.truths(X, situation.y, batches, each, situation.exact)
    return Expected(each, truths)


def _lockstep(at: Callable[[], Reference], situation: Situation, X: Array, gradients: bool) -> Posed:
    """Each step begins with the weights that Keras has before it."""
    reference, batches = at(), situation.batches
    each, truths = reference.expected(situation, partial(_expected, reference, situation, X))
    planned = len(each) if reference.drops else len(truths)

    def judge(performance: Performance) -> Driven:
        performance, of = _as_set(reference, performance, each), truths
        if reference.drops:
            made = each[: len(performance.steps)]
            of = at().truths(X, situation.y, batches, made, situation.exact, performance.steps)
        steps = [_judge(truth, did) for truth, did in zip(of, performance.steps, strict=False)]
        return Driven(situation, performance, steps, planned)

    weights = each[: max(planned, 1)]  # to begin with, even where no step can be compared
    task = Task(reference.recipe, X, situation.y, batches[:planned], weights, False, gradients, seed=situation.seed)
    return Posed(task, judge)


def _free(at: Callable[[], Reference], situation: Situation, X: Array, gradients: bool) -> Posed:
    """Each step is judged from the weights that the subject itself had before it."""
    batches = situation.batches

    def judge(performance: Performance) -> Driven:
        reference = at()
        performance = _as_set(reference, performance, [situation.weights])
        each: list[list[Array]] = []
        weights = situation.weights
        for did in performance.steps:
            weights = did.before or weights  # as it was left, where the subject did not get to telling it
            if not all(np.isfinite(W).all() for W in weights):
                break
            each.append(weights)
            weights = did.after or weights
        known = reference.truths(X, situation.y, batches, each, situation.exact, performance.steps)
        steps = [_judge(truth, did) for truth, did in zip(known, performance.steps, strict=False)]
        if len(known) == len(each):
            return Driven(situation, performance, steps, len(batches))
        if performance.refusal is not None:
            note = f"after Keras's own numbers overflow: {performance.refusal}"
            performance = replace(performance, refusal=None, notes=[*performance.notes, note])
        return Driven(situation, performance, steps, len(steps))

    recipe = at().recipe
    task = Task(recipe, X, situation.y, batches, [situation.weights], True, gradients, seed=situation.seed)
    return Posed(task, judge)


def without_loss(runs: Sequence[Driven]) -> list[str]:
    """The situations in which steps tell no loss, though others do."""
    silent = {
        run.situation.name: [step.did.loss is None for step in run.steps if step.did.error is None] for run in runs
    }
    return [name for name, each in silent.items() if any(each)] if not all(map(all, silent.values())) else []


def _as_set(reference: Reference, performance: Performance, each: Sequence[list[Array]]) -> Performance:
    """Take it for an error where kernels do not come back as they were set: as they did when the subject was met.

    They may be kept in single precision. Biases that do not come back were told then.
    """
    tensors = reference.recipe.architecture.weights

    def looked_at(did: Did, given: list[Array]) -> Did:
        if did.before is None or did.error is not None:
            return did
        for place, (weight, now, then) in enumerate(zip(tensors, did.before, given, strict=True)):
            if weight.role == "kernel" and not (np.array_equal(now, then) or np.array_equal(now, np.float32(then))):
                return replace(did, error=f"`set_weights`: weights[{place}] does not come back as it was set")
        return did

    looked = [looked_at(did, given) for did, given in zip(performance.steps, each, strict=False)]
    return replace(performance, steps=[*looked, *performance.steps[len(looked) :]])


def _judge(truth: Truth, did: Did) -> Judged:
    return judged(truth.step, truth.bounds, did, truth.loss, truth.after)


def rejudged(runs: Sequence[Driven], reference: Reference) -> list[Driven]:
    """Hold what was driven to another precision or tolerance."""

    def again(run: Driven, one: Judged) -> Judged:
        return judged(one.step, reference.bounds(one.step, run.situation.exact), one.did, one.loss, one.after)

    return [replace(run, steps=[again(run, one) for one in run.steps]) for run in runs]


def judged(step: Step, bounds: Rounding, did: Did, loss: float, after: list[Array]) -> Judged:
    """Say how far the subject's step is from the reference's, in units of the tolerance."""
    found: dict[str, Any] = {}
    if did.loss is not None:
        found["loss_ratio"] = ratio(np.array(did.loss), np.array(loss), np.array(bounds.loss))
    if did.loss is not None and step.P.size:
        top = np.sort(step.P, axis=1)
        clear = top.shape[1] < 2 or bool((top[:, -1] - top[:, -2] > 2 * bounds.probabilities.max(axis=1)).all())
        found["accuracy_differs"] = did.accuracy is not None and clear and not abs(did.accuracy - step.accuracy) < 1e-6
    if did.after is not None:
        found["ratios"] = off = ratios(did.after, after, bounds.after)
        crossed = bounds.kinks and max(ratios(did.after, after, bounds.without_kinks)) > 1 and max(off) <= 1
        found["kinks"] = bounds.kinks if crossed else []
        found["equal"] = all(np.array_equal(a, b) for a, b in zip(did.after, after, strict=True))
    if did.gradients is not None:
        tolerances = [2 * each + 1e-300 for each in bounds.gradients]
        found["gradient_ratios"] = ratios(did.gradients, step.gradients, tolerances)
    if did.probabilities is not None and step.P.size:
        found["probability_ratio"] = ratio(did.probabilities, step.P, 2 * bounds.probabilities + 1e-300)
    return Judged(step, bounds, did, loss, after, **found)
