"""Before a subject is checked it is met: what it is, whether it does as it is told, how precise it is."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from compare.check.dropout import places_of_masks
from compare.check.first_batch import FirstBatch
from compare.check.misreadings import misreading
from compare.check.samplewise import of_one, refused, takes_one
from compare.check.steps.situations import Rows, draw_weights
from compare.check.subject.drivers import Driver
from compare.check.subject.masks import dropout_layers
from compare.check.subject.tasks import LEFT_RUNNING, TOO_LONG, Did, Performance
from compare.mathematics.functions import Array
from compare.recipe.architecture import Architecture
from compare.recipe.recipe import Recipe


@dataclass(frozen=True)
class Introduction:
    """What is known of a subject before it is checked; with a `refusal` it cannot be.

    `takes_rate`: it is told its learning rate, so that another can be tried. `zero_biases`: it is checked with zero
    biases only. `no_biases`: they stay zero, whatever they are set to and however it trains. `predicts`: the methods
    that it predicts with. `name`: what its file calls it, where that was not said; `adapter`: the code of the adapter
    by which it is driven, where that was inferred, and `certain` whether its steps were seen to be right by it;
    `reads_activations`: those of its hidden layers were seen then, too.
    """

    recipe: Recipe
    precision: str
    kind: str = "an object"
    zero_biases: bool = False
    no_biases: bool = False
    reports_loss: bool = True
    train: tuple[str, ...] | None = None
    predicts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    refusal: str | None = None
    random: bool = False
    takes_rate: bool = True
    name: str = ""
    adapter: str = ""
    certain: bool = True
    reads_activations: bool = False

    def noting(self, *notes: str, **changes: Any) -> "Introduction":
        """Return the same with more notes, and other changes."""
        return replace(self, notes=(*self.notes, *notes), **changes)

    def with_zero_biases(self, why: str) -> "Introduction":
        """Return the same for a subject that runs with zero biases only."""
        note = f"it runs with zero biases only ({why}): checked with those, which hides faults"
        return self.noting(note, zero_biases=True)


def meet(
    driver: Driver,
    recipe: Recipe,
    X: Array,
    y: Rows,
    rng: np.random.Generator,
    batch: Callable[[Array, Rows], FirstBatch] | None = None,
) -> Introduction:
    """Try a subject out: labels, round trip of the weights, whether they matter, precision, determinism.

    `batch` makes a first batch of samples and targets; by default one for a plain network.
    """
    found = driver.describe(recipe)
    train = found.get("train")
    met = Introduction(
        recipe,
        recipe.architecture.dtype,
        kind=found.get("kind", Introduction.kind),
        takes_rate=bool(found.get("takes_rate", False)),
        train=None if train is None else tuple(train),
        predicts=tuple(found.get("predicts", ())),
        notes=tuple(found.get("notes", ())),
        refusal=found.get("error"),
        name=found.get("name", ""),
        adapter=found.get("adapter", ""),
        certain=found.get("certain", True),
        reads_activations="adapter" in found and "activations" in found,
    )
    if met.refusal is not None:
        return met
    rows = rng.permutation(len(y))[: min(16, len(y))]
    first = (
        FirstBatch(recipe, X[rows], y[rows], [draw_weights(recipe.architecture, rng, X) for _ in range(2)])
        if batch is None
        else batch(X[rows], y[rows])
    )
    met, performance = _try_labels(met, driver, first)
    if performance.refusal and not performance.steps:
        if TOO_LONG in performance.refusal:  # whatever biases it has
            return replace(met, refusal=performance.refusal)
        first = first.with_zero_biases()
        retry = driver.perform(first.task(met.recipe))
        if retry.refusal and not retry.steps:
            return replace(met, refusal=performance.refusal)
        met, performance = met.with_zero_biases(performance.refusal), retry
    met = _round_trip(met, driver, performance, first)
    error = performance.steps[0].error
    if error is not None and met.refusal == error and error != LEFT_RUNNING:
        alone = of_one(first)
        _, tried = _try_labels(replace(met, recipe=recipe), driver, alone)
        if takes_one(alone, tried):
            return replace(met, refusal=refused(error))
    if met.zero_biases:
        first = first.with_zero_biases()
        performance = driver.perform(first.task(met.recipe))
    if met.refusal is None and dropout_layers(recipe.architecture):
        places = places_of_masks(driver, met.recipe, first)
        met = replace(met, recipe=replace(met.recipe, masks=places)) if places else met.noting(UNFOUND)
    if batch is None and (misread := misreading(driver, performance, met.recipe, first)):
        return replace(met, refusal=misread)
    for examine in (_matters, *(() if dropout_layers(recipe.architecture) else (_repeats,))):
        if met.refusal is None:
            met = examine(met, driver, performance, first)
    return met


def _try_labels(met: Introduction, driver: Driver, first: FirstBatch) -> tuple[Introduction, Performance]:
    """Give labels as the recipe says; else in each way, until the loss is right."""
    asked = met.recipe.labels
    tried: dict[str, Performance] = {}
    for choice in ("integer", "onehot") if asked == "auto" else (asked,):
        tried[choice] = driver.perform(first.task(replace(met.recipe, labels=choice)))
        slow = TOO_LONG in (tried[choice].refusal or "")
        if slow or first.trouble(tried[choice])[2] < 1e-4:
            break
    best = min(tried, key=lambda choice: first.trouble(tried[choice]))
    met = replace(met, recipe=replace(met.recipe, labels=best))
    if asked == "auto" and best == "onehot" and met.kind != "a Keras model":
        met = met.noting("labels are given one-hot encoded: integers did not work")
    return met, tried[best]


def _round_trip(met: Introduction, driver: Driver, performance: Performance, first: FirstBatch) -> Introduction:
    """Weights must come back as they were set: exactly, or as float32 keeps them."""
    did, given, architecture = performance.steps[0], first.weights[0], met.recipe.architecture
    if did.error is not None:
        retry = driver.perform(first.task(met.recipe, first.with_zero_biases().weights[:1]))
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
    weight = architecture.weights[wrong]
    what = f"the {weight.role} of layer {weight.layer + 1} (array {wrong + 1} of them all)"
    if back.shape == set_to.T.shape and np.array_equal(back, set_to.T):
        hint = (
            " transposed: one of `get_weights` and `set_weights` turns it round and the other does not. Kernels are "
            'given as (inputs, units); where the network keeps (units, inputs), say `adapt(..., kernel="units_inputs")`'
        )
    else:
        hint = " otherwise than it was set: return what training changes, and set that, `old[...] = new` for each array"
    return replace(met, refusal=f"`set_weights` does not do what it should: {what} comes back{hint}")


UNFOUND = "the masks of its dropout cannot be found: keep each in an attribute, as `self.mask = mask`"
WRITE = "write into the arrays that train, `old[...] = new` for each, or let `adapt` do so"


def _matters(met: Introduction, driver: Driver, performance: Performance, first: FirstBatch) -> Introduction:
    """The weights that are set must be the ones that train: aliased parameters pass a round trip."""
    losses = [did.loss for did in performance.steps if did.error is None]
    if not any(loss is not None for loss in losses):
        met = met.noting("no loss is reported: the updates alone are judged", reports_loss=False)
    elif (
        len(losses) > 1
        and losses[0] == losses[1]
        and losses[0] is not None
        and np.isfinite(losses[0])
        and not any(map(_moved, performance.steps))  # else the loss is wrong, not the weights
    ):
        why = f"`set_weights` has no effect: the loss is the same for other weights (aliased parameters?): {WRITE}"
        return replace(met, refusal=why)
    free = driver.perform(first.task(met.recipe, first.weights[:1], free=True))
    shown = [did for did in free.steps if did.error is None and did.before and did.after]
    if _no_biases(met.recipe.architecture, [*performance.steps, *shown]):
        note = (
            "no biases: its biases stay zero, whatever they are set to, and training does not move them, as in a "
            "network without biases"
        )
        met = met.noting(note, no_biases=True, zero_biases=True)
    moved = any(_moved(did) for did in shown)
    trained = len({did.loss for did in shown}) > 1
    if moved or not shown or not trained:
        return met
    if len(losses) > 2 and losses[0] != losses[2]:
        why = (
            "`set_weights` has no effect on what trains: from equal weights the loss differs, and `get_weights` does "
            f"not show what training changes (aliased parameters?): {WRITE}"
        )
        return replace(met, refusal=why)
    why = (
        "`get_weights` does not show what training changes: the loss moves, the weights do not: return the arrays that "
        "train, and give a class or function that makes the network: a copy of an object parts views of one array"
    )
    return replace(met, refusal=why)


def _moved(did: Did) -> bool:
    return any(not np.array_equal(a, b) for a, b in zip(did.before or [], did.after or [], strict=True))


def _no_biases(architecture: Architecture, steps: list[Did]) -> bool:
    """Whether kernels are trained, and biases are zero before and after every step."""
    places = [place for place, weight in enumerate(architecture.weights) if weight.role == "bias"]
    told = [did for did in steps if did.before and did.after]
    biases = [tensors[place] for did in told for tensors in (did.before, did.after) if tensors for place in places]
    return bool(places) and any(_moved(did) for did in told) and not any(bias.any() for bias in biases)


def _repeats(met: Introduction, driver: Driver, performance: Performance, first: FirstBatch) -> Introduction:
    """Two fresh subjects must do the same, whatever the global random generators say."""
    again = driver.perform(first.task(met.recipe, seed=1))
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
