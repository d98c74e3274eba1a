"""Puts a subject beside Keras step by step, each step from equal weights, and judges every tensor of it."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from compare.check.driving import Did, Performance, Task
from compare.check.probes import Rows, Situation, without_biases
from compare.check.rounding import Rounding, rounding
from compare.check.subjects import Plan
from compare.faults.fault import Observed
from compare.faults.mathematics import CORRECT, Array, Setting, Step, slope_of, take_step
from compare.reference import import_quietly

Drive = Callable[[Task], Performance]


@dataclass(frozen=True)
class Reference:
    """The Keras model that a plan describes, in `dtype`; the subject is held to `precision`.

    `tolerance` multiplies the bound on rounding.
    """

    model: Any
    plan: Plan
    dtype: str
    precision: str
    tolerance: float = 1.0

    @property
    def eps(self) -> float:
        """Machine epsilon of the comparison, times the tolerance asked for."""
        return float(np.finfo(self.precision).eps) * self.tolerance

    @property
    def setting(self) -> Setting:
        """The plan, for the reference mathematics; Keras rounds the learning rate to its own precision."""
        rate = float(np.dtype(self.dtype).type(self.plan.learning_rate))
        return Setting(self.plan.activations, rate, self.plan.n_samples, self.plan.batch_size, self.plan.n_classes)


def build_reference(plan: Plan, dtype: str, precision: str | None = None, tolerance: float = 1.0) -> Reference:
    """Return the reference; models are kept, since tracing one takes longer than most checks with it."""
    import_quietly()
    model = _model(plan.layer_sizes, plan.activations, plan.learning_rate, dtype)
    return Reference(model, plan, dtype, precision or dtype, tolerance)


@functools.lru_cache(maxsize=8)
def _model(sizes: tuple[int, ...], activations: tuple[str, ...], rate: float, dtype: str) -> Any:
    """Build the Keras model; a leaky ReLU keeps its slope in full precision, where TensorFlow's own rounds it."""
    import keras

    from keras_ref import build_model

    def activation(name: str) -> Any:
        slope = slope_of(name)
        return name if slope is None else lambda Z: keras.ops.where(Z > 0, Z, slope * Z)

    hidden = [activation(name) for name in activations]
    return build_model(sizes[0], sizes[1:], rate, dtype=dtype, activations=hidden)


@dataclass
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


@dataclass
class Run:
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


def run_situation(reference: Reference, situation: Situation, drive: Drive, gradients: bool = True) -> Run:
    """Drive the subject through a situation and judge it against Keras."""
    batches, X = situation.batches, situation.X.astype(reference.dtype).astype(np.float64)
    # What a subject is told to be the nominal size is that of the situation's first batch.
    plan = replace(reference.plan, batch_size=len(batches[0]))
    reference = replace(reference, plan=plan)
    if situation.free:
        task = Task(plan, X, situation.y, batches, [situation.weights], True, gradients)
        performance = drive(task)
        given = [did.before for did in performance.steps]
    else:
        each = [_round(reference, W) for W in situation.each] or _trajectory(
            reference, X, situation.y, batches, situation.weights
        )
        each = [without_biases(weights) for weights in each] if situation.zero_biases else each
        task = Task(plan, X, situation.y, batches[: len(each)], each, False, gradients)
        performance = drive(task)
        given = list(each[: len(performance.steps)])
    judged: list[Judged] = []
    for did, rows, weights in zip(performance.steps, batches, given, strict=False):
        if weights is None or not all(np.isfinite(W).all() for W in weights):
            break
        step = _judge(reference, X[rows], situation.y[rows], weights, did, situation.exact)
        if step is None:
            break
        judged.append(step)
    return Run(situation, performance, judged)


def _round(reference: Reference, weights: Sequence[Array]) -> list[Array]:
    with np.errstate(over="ignore"):
        return [np.asarray(W).astype(reference.precision).astype(np.float64) for W in weights]


def _trajectory(
    reference: Reference, X: Array, y: Rows, batches: list[Rows], weights: list[Array]
) -> list[list[Array]]:
    """Keras's own weights before each step, as far as they are finite."""
    from keras_ref.training import steps_compiled

    first = _round(reference, weights)
    reference.model.set_weights(first)
    after = steps_compiled(reference.model, X, y, batches).weights
    found = [first]
    for index in range(len(batches) - 1):
        now = [np.asarray(W[index], np.float64) for W in after]
        if not all(np.isfinite(W).all() for W in now):
            break
        found.append(_round(reference, now))
    return found


def _judge(reference: Reference, x: Array, y: Rows, weights: list[Array], did: Did, exact: bool) -> Judged | None:
    from keras_ref.training import steps_compiled

    weights = _round(reference, weights)
    reference.model.set_weights(weights)
    truth = steps_compiled(reference.model, x, y, [np.arange(len(y))])
    loss, after = float(truth.loss[0]), [np.asarray(W[0], np.float64) for W in truth.weights]
    step = take_step(CORRECT, reference.setting, weights, x, y, {})
    bounds = rounding(step, reference.eps, exact)
    finite = [loss, bounds.loss, *(float(np.abs(W).max()) for W in (*after, *bounds.after))]
    if not np.isfinite(finite).all() or _overflows(step, reference):
        return None
    _confirm(step, bounds, loss, after)
    judged = Judged(step, bounds, did, loss, after)
    compare(judged)
    return judged


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


def compare(judged: Judged) -> None:
    """Fill in how far the subject's step is from the reference's, in units of the tolerance."""
    did, bounds = judged.did, judged.bounds
    if did.loss is not None:
        judged.loss_ratio = _ratio(np.array(did.loss), np.array(judged.loss), np.array(bounds.loss))
        right = judged.step.P.argmax(axis=1) == judged.step.y
        top = np.sort(judged.step.P, axis=1)
        clear = top.shape[1] < 2 or bool((top[:, -1] - top[:, -2] > 2 * bounds.probabilities.max(axis=1)).all())
        judged.accuracy_differs = did.accuracy is not None and clear and not abs(did.accuracy - right.mean()) < 1e-6
    if did.after is not None:
        judged.ratios = [_ratio(a, b, t) for a, b, t in zip(did.after, judged.after, bounds.after, strict=True)]
        narrow = zip(did.after, judged.after, bounds.without_kinks, strict=True)
        if bounds.kinks and any(_ratio(a, b, t) > 1 for a, b, t in narrow) and max(judged.ratios) <= 1:
            judged.kinks = bounds.kinks
        with np.errstate(all="ignore"):
            judged.ulp = max(
                float(np.abs(a - b).max() / np.spacing(np.abs(b).max().astype(b.dtype)))
                for a, b in zip(did.after, judged.after, strict=True)
            )
    if did.gradients is not None:
        judged.gradient_ratios = [
            _ratio(g, right_g, 2 * t + 1e-300)
            for g, right_g, t in zip(did.gradients, judged.step.gradients, bounds.gradients, strict=True)
        ]
    if did.probabilities is not None:
        judged.probability_ratio = _ratio(did.probabilities, judged.step.P, 2 * bounds.probabilities + 1e-300)


def _ratio(value: Array, right: Array, tolerance: Array) -> float:
    """The largest deviation in units of the tolerance; infinite where the value is not finite."""
    with np.errstate(all="ignore"):
        off = np.abs(value - right)
        ratio = np.where(off == 0, 0.0, off / tolerance)
    return float(np.where(np.isnan(ratio), np.inf, ratio).max())
