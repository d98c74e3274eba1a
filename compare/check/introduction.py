"""Before a subject is checked it is met: what it is, whether it does as it is told, how precise it is."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from compare.check.steps.situations import Rows, draw_weights, without_biases
from compare.check.subject.drivers import Driver
from compare.check.subject.tasks import TOO_LONG, Performance, Task
from compare.mathematics.functions import Array
from compare.mathematics.rules import CORRECT, take_step
from compare.recipe.recipe import Recipe


@dataclass(frozen=True)
class Introduction:
    """What is known of a subject before it is checked; with a `refusal` it cannot be."""

    recipe: Recipe
    precision: str
    kind: str = "an object"
    zero_biases: bool = False
    reports_loss: bool = True
    train: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    refusal: str | None = None
    random: bool = False

    @property
    def takes_rate(self) -> bool:
        """Whether it is told its learning rate, so that another can be tried."""
        return self.kind in ("a factory", "a step function")

    def noting(self, *notes: str, **changes: Any) -> "Introduction":
        """Return the same with more notes, and other changes."""
        return replace(self, notes=(*self.notes, *notes), **changes)

    def with_zero_biases(self, why: str) -> "Introduction":
        """Return the same for a subject that runs with zero biases only."""
        note = f"it runs with zero biases only ({why}): checked with those, which hides faults"
        return self.noting(note, zero_biases=True)


@dataclass(frozen=True)
class _Trial:
    """A batch and two sets of weights, which a subject is given in turn: the first, the second, the first."""

    x: Array
    y: Rows
    weights: list[list[Array]]

    @property
    def each(self) -> list[list[Array]]:
        first, second = self.weights
        return [first, second, first]

    def task(self, recipe: Recipe, each: list[list[Array]] | None = None, **options: Any) -> Task:
        """Return the task of a step for each of the weights, by default for `each`."""
        each = self.each if each is None else each
        steps = 3 if options.get("free") else len(each)
        return Task(recipe, self.x, self.y, [np.arange(len(self.y))] * steps, each, **options)

    def trouble(self, performance: Performance, recipe: Recipe) -> tuple[bool, int, float]:
        """How badly a subject took it: whether it was refused, errors, the first loss's relative deviation."""
        refused = performance.refusal is not None
        errors = sum(did.error is not None for did in performance.steps)
        if not performance.steps or performance.steps[0].loss is None:
            return refused, errors, float(errors > 0)
        right = take_step(CORRECT, recipe, self.weights[0], self.x, self.y, {}).loss
        off = abs(performance.steps[0].loss - right) / max(abs(right), 1e-9)
        return refused, errors, float(off) if np.isfinite(off) else np.inf


def meet(driver: Driver, recipe: Recipe, X: Array, y: Rows, rng: np.random.Generator) -> Introduction:
    """Try a subject out: labels, round trip of the weights, whether they matter, precision, determinism."""
    found = driver.describe(recipe)
    train = found.get("train")
    met = Introduction(
        recipe,
        recipe.architecture.dtype,
        kind=found.get("kind", Introduction.kind),
        train=None if train is None else tuple(train),
        notes=tuple(found.get("notes", ())),
        refusal=found.get("error"),
    )
    if met.refusal is not None:
        return met
    rows = rng.permutation(len(y))[: min(16, len(y))]
    trial = _Trial(X[rows], y[rows], [draw_weights(recipe.architecture, rng, X) for _ in range(2)])
    met, performance = _try_labels(met, driver, trial)
    if performance.refusal and not performance.steps:
        trial = replace(trial, weights=[without_biases(recipe.architecture, weights) for weights in trial.weights])
        retry = driver.perform(trial.task(met.recipe))
        if retry.refusal and not retry.steps:
            return replace(met, refusal=performance.refusal)
        met, performance = met.with_zero_biases(performance.refusal), retry
    for examine in (_round_trip, _matters, _repeats):
        if met.refusal is None:
            met = examine(met, driver, performance, trial)
    return met


def _try_labels(met: Introduction, driver: Driver, trial: _Trial) -> tuple[Introduction, Performance]:
    """Give labels as the recipe says; else in each way, until the loss is right."""
    asked = met.recipe.labels
    tried: dict[str, Performance] = {}
    for choice in ("integer", "onehot") if asked == "auto" else (asked,):
        tried[choice] = driver.perform(trial.task(replace(met.recipe, labels=choice)))
        slow = TOO_LONG in (tried[choice].refusal or "")
        if slow or trial.trouble(tried[choice], met.recipe)[2] < 1e-4:
            break
    best = min(tried, key=lambda choice: trial.trouble(tried[choice], met.recipe))
    met = replace(met, recipe=replace(met.recipe, labels=best))
    if asked == "auto" and best == "onehot" and met.kind != "a Keras model":
        met = met.noting("labels are given one-hot encoded: integers did not work")
    return met, tried[best]


def _round_trip(met: Introduction, driver: Driver, performance: Performance, trial: _Trial) -> Introduction:
    """Weights must come back as they were set: exactly, or as float32 keeps them."""
    did, given, architecture = performance.steps[0], trial.weights[0], met.recipe.architecture
    if did.error is not None:
        retry = driver.perform(trial.task(met.recipe, [without_biases(architecture, given)]))
        works = retry.steps and retry.steps[0].error is None
        return met.with_zero_biases(did.error) if works else replace(met, refusal=did.error)
    assert did.before is not None
    pairs = list(zip(did.before, given, strict=True))
    same = [np.array_equal(a, b) for a, b in pairs]
    if all(same):
        return met
    if all(np.array_equal(a, b.astype(np.float32)) for a, b in pairs):
        return (
            met.noting("weights come back rounded to float32", precision="float32")
            if (met.precision == "float64")
            else met
        )
    biases = [weight.role == "bias" for weight in architecture.weights]
    if all(equal or bias for equal, bias in zip(same, biases, strict=True)):
        met = met.noting("biases do not come back as they were set")
        if not any(a.any() for (a, _), bias in zip(pairs, biases, strict=True) if bias):
            return met.noting("checked with zero biases, which hides faults", zero_biases=True)
    wrong = same.index(False)
    back, set_to = pairs[wrong]
    hint = ": it is transposed" if back.shape == set_to.T.shape and np.array_equal(back, set_to.T) else ""
    why = f"`set_weights` does not do what it should: weights[{wrong}] does not come back as it was set{hint}"
    return replace(met, refusal=why)


def _matters(met: Introduction, driver: Driver, performance: Performance, trial: _Trial) -> Introduction:
    """The weights that are set must be the ones that train: aliased parameters pass a round trip."""
    losses = [did.loss for did in performance.steps if did.error is None]
    if not any(loss is not None for loss in losses):
        met = met.noting("no loss is reported: the updates alone are judged", reports_loss=False)
    elif len(losses) > 1 and losses[0] == losses[1] and losses[0] is not None and np.isfinite(losses[0]):
        why = "`set_weights` has no effect: the loss is the same for other weights (aliased parameters?)"
        return replace(met, refusal=why)
    free = driver.perform(trial.task(met.recipe, trial.weights[:1], free=True))
    shown = [did for did in free.steps if did.error is None and did.before and did.after]
    moved = any(
        not np.array_equal(a, b) for did in shown for a, b in zip(did.before or [], did.after or [], strict=True)
    )
    trained = len({did.loss for did in shown}) > 1
    if moved or not shown or not trained:
        return met
    if len(losses) > 2 and losses[0] != losses[2]:
        why = (
            "`set_weights` has no effect on what trains: from equal weights the loss differs, and `get_weights` does "
            "not show what training changes (aliased parameters?)"
        )
        return replace(met, refusal=why)
    why = "`get_weights` does not show what training changes: the loss moves, the weights do not"
    return replace(met, refusal=why)


def _repeats(met: Introduction, driver: Driver, performance: Performance, trial: _Trial) -> Introduction:
    """Two fresh subjects must do the same, whatever the global random generators say."""
    again = driver.perform(trial.task(met.recipe, seed=1))
    return replace(met, random=not _same(performance, again))


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
