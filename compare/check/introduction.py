"""Before a subject is checked it is met: what it is, whether it does as it is told, how precise it is."""

from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from compare.check.driving import TOO_LONG, Performance, Task, contained, describe, train_options
from compare.check.handle import Handle
from compare.check.probes import Rows, draw_weights, without_biases
from compare.check.subjects import Plan, Refusal, is_factory, is_keras, is_step_function, make, read_off
from compare.faults.mathematics import CORRECT, Array, Setting, take_step


class Driver(Protocol):
    """Where a subject lives: in this process, or in one of its own."""

    def describe(self, plan: Plan) -> dict[str, Any]:
        """What the subject is and says about itself."""

    def perform(self, task: Task) -> Performance:
        """Run a fresh subject through a task."""


def describe_subject(subject: Any, plan: Plan) -> dict[str, Any]:
    """What a subject is and says about itself, in plain values: `kind`, what `read_off` finds, `train`, `error`."""
    found: dict[str, Any] = {"notes": []}
    with contained():
        try:
            found["kind"] = (
                "a Keras model"
                if is_keras(subject)
                else "a step function"
                if is_step_function(subject)
                else "a factory"
                if is_factory(subject)
                else "an object"
            )
            made = make(subject, plan)
            if is_step_function(made):
                return found
            found |= read_off(made)
            if is_factory(subject):
                # A factory was told rate and activations; what it does with them is what is checked.
                found = {key: value for key, value in found.items() if key in ("kind", "notes", "layer_sizes", "dtype")}
            if is_keras(made):
                found["labels"] = "integer" if "sparse" in str(made.loss) else "onehot"
            options = train_options(made)
            found["train"] = None if options is None else sorted(options)
            found["notes"] = _starting_weights(made, plan)
        except Refusal as error:
            found["error"] = str(error)
        except (Exception, SystemExit) as error:
            sizes = list(plan.layer_sizes)
            found["error"] = f"it cannot be made with layer sizes {sizes} (--layers), rate {plan.learning_rate:g}: "
            found["error"] += describe(error)
    return found


def _starting_weights(made: Any, plan: Plan) -> list[str]:
    try:
        kernels = Handle(made, plan).get_weights()[::2]
    except Exception:
        return []  # some have no weights before they are set; what is wrong with others shows when they are driven
    if all(W.size > 1 and np.ptp(W) == 0 for W in kernels):
        return [f"weights all zero or all equal: a fresh subject's kernels are all {kernels[0].flat[0]:g}"]
    return []


@dataclass
class Introduction:
    """What is known of a subject before it is checked; with a `refusal` it cannot be."""

    plan: Plan
    kind: str = "an object"
    precision: str = "float64"
    dtype: str = "float64"
    zero_biases: bool = False
    reports_loss: bool = True
    train: list[str] | None = None
    notes: list[str] = field(default_factory=list)
    refusal: str | None = None
    random: bool = False


def meet(driver: Driver, plan: Plan, dtype: str, X: Array, y: Rows, rng: np.random.Generator) -> Introduction:
    """Try a subject out: labels, round trip of the weights, whether they matter, precision, determinism."""
    met = Introduction(plan, dtype=dtype, precision=dtype)
    found = driver.describe(plan)
    met.kind, met.train = found.get("kind", met.kind), found.get("train")
    met.notes += found.get("notes", [])
    if "error" in found:
        met.refusal = found["error"]
        return met
    rows = rng.permutation(len(y))[: min(16, len(y))]
    x, labels = X[rows], y[rows]
    first, second = (draw_weights(plan.layer_sizes, rng, plan.activations, X) for _ in range(2))
    tried: dict[str, Performance] = {}
    for choice in ["integer", "onehot"] if plan.labels == "auto" else [plan.labels]:
        task = Task(replace(plan, labels=choice), x, labels, [np.arange(len(rows))] * 3, [first, second, first])
        tried[choice] = driver.perform(task)
        slow = TOO_LONG in (tried[choice].refusal or "")
        if slow or _loss_is_right(tried[choice], plan, first, x, labels):
            break
    best = min(tried, key=lambda choice: _trouble(tried[choice], plan, first, x, labels))
    performance, met.plan = tried[best], replace(plan, labels=best)
    if plan.labels == "auto" and best == "onehot" and met.kind != "a Keras model":
        met.notes.append("labels are given one-hot encoded: integers did not work")
    if performance.refusal and not performance.steps:
        first, second = without_biases(first), without_biases(second)
        retry = driver.perform(Task(met.plan, x, labels, [np.arange(len(rows))] * 3, [first, second, first]))
        if retry.refusal and not retry.steps:
            met.refusal = performance.refusal
            return met
        _zero_biases_only(met, performance.refusal)
        performance = retry
    _round_trip(met, driver, performance, [first, second], x, labels)
    if met.refusal is None:
        _matters(met, driver, performance, first, x, labels)
    if met.refusal is None:
        again = driver.perform(Task(met.plan, x, labels, [np.arange(len(rows))] * 3, [first, second, first], seed=1))
        met.random = not _same(performance, again)
    return met


def _zero_biases_only(met: Introduction, why: str) -> None:
    met.zero_biases = True
    met.notes.append(f"it runs with zero biases only ({why}): checked with those, which hides faults")


def _loss_is_right(performance: Performance, plan: Plan, weights: list[Array], x: Array, y: Rows) -> bool:
    return _trouble(performance, plan, weights, x, y)[2] < 1e-4


def _trouble(performance: Performance, plan: Plan, weights: list[Array], x: Array, y: Rows) -> tuple[bool, int, float]:
    errors = sum(did.error is not None for did in performance.steps)
    if not performance.steps or performance.steps[0].loss is None:
        return performance.refusal is not None, errors, float(errors > 0)
    setting = Setting(plan.activations, plan.learning_rate, plan.n_samples, plan.batch_size, plan.n_classes)
    right = take_step(CORRECT, setting, weights, x, y, {}).loss
    off = abs(performance.steps[0].loss - right) / max(abs(right), 1e-9)
    return performance.refusal is not None, errors, float(off) if np.isfinite(off) else np.inf


def _round_trip(
    met: Introduction, driver: Driver, performance: Performance, given: list[list[Array]], x: Array, y: Rows
) -> None:
    """Weights must come back as they were set: exactly, or as float32 keeps them."""
    did = performance.steps[0]
    if did.error is not None:
        retry = driver.perform(Task(met.plan, x, y, [np.arange(len(y))], [without_biases(given[0])]))
        if retry.steps and retry.steps[0].error is None:
            _zero_biases_only(met, did.error)
        else:
            met.refusal = did.error
        return
    assert did.before is not None
    pairs = list(zip(did.before, given[0], strict=True))
    if all(np.array_equal(a, b) for a, b in pairs):
        return
    if all(np.array_equal(a, b.astype(np.float32)) for a, b in pairs):
        if met.precision == "float64":
            met.precision = "float32"
            met.notes.append("weights come back rounded to float32")
        return
    if all(np.array_equal(a, b) for a, b in pairs[::2]):
        met.zero_biases = all(not a.any() for a, _ in pairs[1::2])
        met.notes.append("biases do not come back as they were set")
        if met.zero_biases:
            met.notes.append("checked with zero biases, which hides faults")
            return
    wrong = next(index for index, (a, b) in enumerate(pairs) if not np.array_equal(a, b))
    turned = pairs[wrong][0].shape == given[0][wrong].T.shape and np.array_equal(pairs[wrong][0], given[0][wrong].T)
    hint = ": it is transposed" if turned else ""
    met.refusal = f"`set_weights` does not do what it should: weights[{wrong}] does not come back as it was set{hint}"


def _matters(
    met: Introduction, driver: Driver, performance: Performance, weights: list[Array], x: Array, y: Rows
) -> None:
    """The weights that are set must be the ones that train: aliased parameters pass a round trip."""
    steps = [did for did in performance.steps if did.error is None]
    losses = [did.loss for did in steps]
    met.reports_loss = any(loss is not None for loss in losses)
    if not met.reports_loss:
        met.notes.append("no loss is reported: the updates alone are judged")
    elif len(losses) > 1 and losses[0] == losses[1] and losses[0] is not None and np.isfinite(losses[0]):
        met.refusal = "`set_weights` has no effect: the loss is the same for other weights (aliased parameters?)"
        return
    free = driver.perform(Task(met.plan, x, y, [np.arange(len(y))] * 3, [weights], free=True))
    shown = [did for did in free.steps if did.error is None and did.before and did.after]
    moved = any(
        not np.array_equal(a, b) for did in shown for a, b in zip(did.before or [], did.after or [], strict=True)
    )
    trained = len({did.loss for did in shown}) > 1
    if shown and trained and not moved and len(losses) > 2 and losses[0] != losses[2]:
        met.refusal = (
            "`set_weights` has no effect on what trains: from equal weights the loss differs, and `get_weights` does "
            "not show what training changes (aliased parameters?)"
        )
    elif shown and trained and not moved:
        met.refusal = "`get_weights` does not show what training changes: the loss moves, the weights do not"


def _same(one: Performance, other: Performance) -> bool:
    if len(one.steps) != len(other.steps):
        return False
    for a, b in zip(one.steps, other.steps, strict=True):
        if (a.after is None) != (b.after is None) or (a.loss is None) != (b.loss is None):
            return False
        if a.loss is not None and not np.isclose(a.loss, b.loss or 0.0, rtol=1e-9, equal_nan=True):
            return False
        pairs = zip(a.after or [], b.after or [], strict=True)
        if not all(np.allclose(v, w, rtol=1e-9, atol=1e-12, equal_nan=True) for v, w in pairs):
            return False
    return True
