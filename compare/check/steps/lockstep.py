"""Puts a subject beside Keras step by step, each step from equal weights, and judges every tensor of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from compare.check.steps.situations import Rows, Situation, without_biases
from compare.check.subject.tasks import Did, Performance, Task
from compare.faults.fault import Observed
from compare.mathematics.functions import Array
from compare.mathematics.rounding import Rounding, rounding
from compare.mathematics.rules import CORRECT, take_step
from compare.mathematics.step import Step
from compare.recipe.recipe import Recipe
from compare.sides.models import reused_model
from compare.sides.quiet_keras import import_quietly, load_keras

Drive = Callable[[Task], Performance]


@dataclass(frozen=True)
class Reference:
    """The Keras model that a recipe describes; the subject is held to `precision`.

    `tolerance` multiplies the bound on rounding.
    """

    model: Any
    recipe: Recipe
    precision: str
    tolerance: float = 1.0

    @property
    def dtype(self) -> str:
        """The model's own precision."""
        return self.recipe.architecture.dtype

    @property
    def eps(self) -> float:
        """Machine epsilon of the comparison, times the tolerance asked for."""
        return float(np.finfo(self.precision).eps) * self.tolerance

    @property
    def rounded(self) -> Recipe:
        """The recipe, for the reference mathematics: Keras rounds the learning rate to its own precision."""
        return self.recipe.at(float(np.dtype(self.dtype).type(self.recipe.architecture.learning_rate)))


def build_reference(recipe: Recipe, precision: str | None = None, tolerance: float = 1.0) -> Reference:
    """Return the reference; models are kept, since tracing one takes longer than most checks with it."""
    import_quietly()
    model = reused_model(recipe.architecture)
    return Reference(model, recipe, precision or recipe.architecture.dtype, tolerance)


@dataclass(frozen=True)
class Judged:
    """One step of a subject beside the reference's, from the same weights.

    `loss_ratio` and `ratios` (one a tensor, in Keras's order) are deviations in units of the tolerance: above 1
    is out. `ulp` is the largest deviation of a weight tensor in ULP of the tensor's largest value.
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
    ulp: float = 0.0
    accuracy_differs: bool = False
    kinks: list[tuple[int, int, int, float]] = field(default_factory=list)

    @property
    def wrong_weights(self) -> bool:
        """Whether the step's update is out of tolerance, or failed."""
        return self.did.error is not None or any(not ratio <= 1 for ratio in self.ratios)

    @property
    def wrong_loss(self) -> bool:
        """Whether the step's loss is out of tolerance."""
        return not self.loss_ratio <= 1

    @property
    def wrong(self) -> bool:
        """Whether anything is out of tolerance."""
        return self.wrong_weights or self.wrong_loss


@dataclass(frozen=True)
class Driven:
    """A situation, what the subject did in it, and the judgement of each step."""

    situation: Situation
    performance: Performance
    steps: list[Judged]

    @property
    def first_wrong(self) -> int | None:
        """The first step that is out of tolerance."""
        return next((index for index, step in enumerate(self.steps) if step.wrong), None)

    def observed(self, index: int, step: Step) -> Observed:
        """Step `index` as a family's fit wants it, with the step that a candidate takes."""
        did = self.steps[index].did
        last = self.steps[index - 1].did if index else None
        change = None
        if last is not None and last.after is not None and last.before is not None:
            change = [new - old for new, old in zip(last.after, last.before, strict=True)]
        assert did.after is not None
        return Observed(step, did.after, did.loss, change)


def run_situation(reference: Reference, situation: Situation, drive: Drive, gradients: bool = True) -> Driven:
    """Drive the subject through a situation and judge it against Keras."""
    batches, X = situation.batches, situation.X.astype(reference.dtype).astype(np.float64)
    # What a subject is told to be the nominal size is that of the situation's first batch.
    recipe = replace(reference.recipe, batch_size=len(batches[0]))
    reference = replace(reference, recipe=recipe)
    if situation.free:
        task = Task(recipe, X, situation.y, batches, [situation.weights], True, gradients)
        performance = drive(task)
        given = [did.before for did in performance.steps]
    else:
        each = [_round(reference, W) for W in situation.each] or _trajectory(
            reference, X, situation.y, batches, situation.weights
        )
        each = [without_biases(recipe.architecture, weights) for weights in each] if situation.zero_biases else each
        task = Task(recipe, X, situation.y, batches[: len(each)], each, False, gradients)
        performance = drive(task)
        given = list(each[: len(performance.steps)])
    steps: list[Judged] = []
    for did, rows, weights in zip(performance.steps, batches, given, strict=False):
        if weights is None or not all(np.isfinite(W).all() for W in weights):
            break
        step = _judge(reference, X[rows], situation.y[rows], weights, did, situation.exact)
        if step is None:
            break
        steps.append(step)
    return Driven(situation, performance, steps)


def _round(reference: Reference, weights: Sequence[Array]) -> list[Array]:
    with np.errstate(over="ignore"):
        return [np.asarray(W).astype(reference.precision).astype(np.float64) for W in weights]


def _trajectory(
    reference: Reference, X: Array, y: Rows, batches: list[Rows], weights: list[Array]
) -> list[list[Array]]:
    """Keras's own weights before each step, as far as they are finite."""
    first = _round(reference, weights)
    reference.model.set_weights(first)
    after = load_keras().steps_compiled(reference.model, X, y, batches).weights
    found = [first]
    for index in range(len(batches) - 1):
        now = [np.asarray(W[index], np.float64) for W in after]
        if not all(np.isfinite(W).all() for W in now):
            break
        found.append(_round(reference, now))
    return found


def _judge(reference: Reference, x: Array, y: Rows, weights: list[Array], did: Did, exact: bool) -> Judged | None:
    weights = _round(reference, weights)
    reference.model.set_weights(weights)
    truth = load_keras().steps_compiled(reference.model, x, y, [np.arange(len(y))])
    loss, after = float(truth.loss[0]), [np.asarray(W[0], np.float64) for W in truth.weights]
    step = take_step(CORRECT, reference.rounded, weights, x, y, {})
    bounds = rounding(step, reference.eps, exact)
    finite = [loss, bounds.loss, *(float(np.abs(W).max()) for W in (*after, *bounds.after))]
    if not np.isfinite(finite).all() or _overflows(step, reference):
        return None
    _confirm(step, bounds, loss, after)
    return judged(step, bounds, did, loss, after)


def rejudged(runs: Sequence[Driven], reference: Reference) -> list[Driven]:
    """Hold what was driven to another precision or tolerance."""

    def again(run: Driven, one: Judged) -> Judged:
        return judged(one.step, rounding(one.step, reference.eps, run.situation.exact), one.did, one.loss, one.after)

    return [replace(run, steps=[again(run, one) for one in run.steps]) for run in runs]


def _overflows(step: Step, reference: Reference) -> bool:
    """Whether an intermediate result comes near the largest number: what then happens depends on the order of sums."""
    limit = 1e-6 * min(float(np.finfo(reference.dtype).max), float(np.finfo(reference.precision).max))
    return any(not float(np.abs(array).max()) < limit for array in (*step.Z, *step.A, *step.dZ, *step.dW, *step.after))


def _confirm(step: Step, bounds: Rounding, loss: float, after: list[Array]) -> None:
    """The mathematics that localises and diagnoses must be Keras's; if it ever is not, nothing else can be trusted."""
    off = [abs(step.loss - loss) / bounds.loss] if bounds.loss else []
    off += [_ratio(a, b, tolerance) for a, b, tolerance in zip(step.after, after, bounds.after, strict=True)]
    if not max(off, default=0) <= 1:
        raise RuntimeError(
            f"the reference mathematics and Keras differ by {max(off):.3g} tolerances: please report this"
        )


def judged(step: Step, bounds: Rounding, did: Did, loss: float, after: list[Array]) -> Judged:
    """Say how far the subject's step is from the reference's, in units of the tolerance."""
    found: dict[str, Any] = {}
    if did.loss is not None:
        found["loss_ratio"] = _ratio(np.array(did.loss), np.array(loss), np.array(bounds.loss))
        right = step.P.argmax(axis=1) == step.y
        top = np.sort(step.P, axis=1)
        clear = top.shape[1] < 2 or bool((top[:, -1] - top[:, -2] > 2 * bounds.probabilities.max(axis=1)).all())
        found["accuracy_differs"] = did.accuracy is not None and clear and not abs(did.accuracy - right.mean()) < 1e-6
    if did.after is not None:
        ratios = [_ratio(a, b, t) for a, b, t in zip(did.after, after, bounds.after, strict=True)]
        narrow = zip(did.after, after, bounds.without_kinks, strict=True)
        crossed = bounds.kinks and any(_ratio(a, b, t) > 1 for a, b, t in narrow) and max(ratios) <= 1
        found |= {"ratios": ratios, "kinks": bounds.kinks if crossed else []}
        with np.errstate(all="ignore"):
            found["ulp"] = max(
                float(np.abs(a - b).max() / np.spacing(np.abs(b).max().astype(b.dtype)))
                for a, b in zip(did.after, after, strict=True)
            )
    if did.gradients is not None:
        tensors = zip(did.gradients, step.gradients, bounds.gradients, strict=True)
        found["gradient_ratios"] = [_ratio(g, right_g, 2 * t + 1e-300) for g, right_g, t in tensors]
    if did.probabilities is not None:
        found["probability_ratio"] = _ratio(did.probabilities, step.P, 2 * bounds.probabilities + 1e-300)
    return Judged(step, bounds, did, loss, after, **found)


def _ratio(value: Array, right: Array, tolerance: Array) -> float:
    """The largest deviation in units of the tolerance; infinite where the value is not finite."""
    with np.errstate(all="ignore"):
        off = np.abs(value - right)
        ratio = np.where(off == 0, 0.0, off / tolerance)
    return float(np.where(np.isnan(ratio), np.inf, ratio).max())
