"""Where a subject keeps the masks of its dropout, found out before it is checked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, product

import numpy as np

from compare.check.first_batch import FirstBatch, ModelFirstBatch, deviation
from compare.check.subject.drivers import Driver
from compare.check.subject.masks import dropout_layers, fits, multiplied
from compare.check.subject.tasks import Did
from compare.mathematics.functions import Array
from compare.recipe.architecture import Given
from compare.recipe.recipe import Recipe

STEPS = 3  # from the same weights, on the same batch: what is drawn is another each time
LIKELY = 4.0  # standard deviations from the share that is kept
LIKELIEST = 6  # masks of each layer that are combined with others
COMBINED = 24  # ways to give each layer a mask that Keras is asked about
CLOSE = 1e-4  # of a loss, or of what a weight moves: float32 does as well

Held = Mapping[str, Array]


def places_of_masks(driver: Driver, recipe: Recipe, first: FirstBatch) -> tuple[str, ...]:
    """Return the place of each layer's mask, in order; nothing, if one is not found.

    The one with which Keras does as the subject does; or else what is drawn anew each time, is scaled, has zeros as
    often as the layer says, and is come to first. A slope of ReLU looks like a mask, too.
    """
    layers = [layer for _, layer in dropout_layers(recipe.architecture)]
    units = {layer.outputs[0] for layer in layers if len(layer.outputs) == 1}
    size = next(size for size in range(len(first.y), 0, -1) if size not in units or size == 1)
    batch = replace(first, x=first.x[:size], y=first.y[:size])
    done = driver.perform(batch.task(recipe, [batch.weights[0]] * STEPS))
    steps = [did for did in done.steps if did.error is None]
    if not steps:
        return ()
    ways = _ways(layers, [did.held for did in steps], size)
    tried = list(islice(ways, COMBINED))
    agreeing = (way for way in tried if _agrees(batch, steps, layers, way)) if len(tried) > 1 else iter(())
    return next(agreeing, tried[0] if tried else ())


def _ways(layers: Sequence[Given], held: Sequence[Held], samples: int) -> Iterator[tuple[str, ...]]:
    """The ways to give each layer a mask, the likeliest first: no two layers have the same."""
    common = [place for place in held[0] if all(place in each for each in held)]

    def likely(layer: Given) -> list[str]:
        fitting = [place for place in common if all(fits(each[place], layer, samples) for each in held)]
        return sorted(fitting, key=lambda place: _unlikely([each[place] for each in held], layer.rate))[:LIKELIEST]

    def same(one: str, other: str) -> bool:
        return all(np.array_equal(each[one] != 0, each[other] != 0) for each in held)

    chosen = [likely(layer) for layer in layers]
    orders = sorted(product(*(range(len(each)) for each in chosen)), key=lambda order: (sum(order), order))
    for order in orders:
        way = tuple(each[index] for each, index in zip(chosen, order, strict=True))
        if not any(same(way[a], way[b]) for a in range(len(way)) for b in range(a)):
            yield way


def _unlikely(masks: Sequence[Array], rate: float) -> tuple[bool, bool, bool]:
    """What speaks against a mask, the weightiest first."""
    kept = np.array([mask != 0 for mask in masks])
    varies = any(not np.array_equal(kept[0], other) for other in kept[1:])
    off = abs(kept.sum() - (1 - rate) * kept.size) / np.sqrt(rate * (1 - rate) * kept.size)
    scaled = {float(value) for value in np.unique(masks) if value} == {1 / (1 - rate)}
    return not varies, bool(off > LIKELY), not scaled


def _agrees(batch: FirstBatch, steps: Sequence[Did], layers: Sequence[Given], way: Sequence[str]) -> bool:
    """Whether Keras, with masks from these places, does as the subject did in its first step."""
    did = steps[0]
    if not isinstance(batch, ModelFirstBatch):
        return False
    masks = [multiplied(did.held[place], layer.rate) for place, layer in zip(way, layers, strict=True)]
    rows = [np.arange(len(batch.y))]
    told = batch.reference.truths(batch.x, batch.y, rows, batch.weights[:1], False, [replace(did, masks=masks)])
    if not told:
        return False
    if did.loss is not None:
        return deviation(did.loss, told[0].loss) < CLOSE
    moved = [np.abs(right - before).max() for right, before in zip(told[0].after, batch.weights[0], strict=True)]
    off = [np.abs(right - own).max() for right, own in zip(told[0].after, did.after or [], strict=True)]
    return all(a <= CLOSE * b for a, b in zip(off, moved, strict=True))
