"""The masks of dropout that a subject drew in its last step: what may be one, and what lies where they are kept."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from compare.mathematics.functions import Array
from compare.recipe.architecture import Architecture, Given, Shape

DEEP, MANY = 5, 5000  # attributes of attributes, and objects in all, that are looked at
TURNED = ".T"  # ends the place of a mask of (units, samples)


def dropout_layers(architecture: Architecture) -> list[tuple[int, Given]]:
    """Return the layers of dropout, from 0, that drop anything: each as often as it is used."""
    layers = [(n, layer) for n, layer in enumerate(architecture.layers) if isinstance(layer, Given)]
    return [each for each in layers if each[1].kind == "Dropout" and each[1].rate for _ in range(each[1].uses)]


def maybe_masks(thing: Any, architecture: Architecture, samples: int) -> dict[str, Array]:
    """Return what a subject holds that may be a mask, by its place: an array of a sample's shape for each sample.

    Of two values, or one; one of them 0. Its place is Python's way to it; an array of (units, samples) is turned.
    """
    shapes = {(samples, *layer.outputs) for _, layer in dropout_layers(architecture)}
    ways = ((place + way, one) for place, array in _arrays(thing) for way, one in (("", array), (TURNED, array.T)))
    return {place: np.asarray(one, np.float64) for place, one in ways if one.shape in shapes and _is_mask(one)}


def masks_at(thing: Any, places: tuple[str, ...], architecture: Architecture, samples: int) -> list[Array] | None:
    """Return what each layer of dropout multiplies by, 0 or 1 / (1 - rate), in order; None if one is not there."""
    held = maybe_masks(thing, architecture, samples)
    layers = dropout_layers(architecture)
    if len(places) != len(layers) or not all(place in held for place in places):
        return None
    found = [(held[place], layer) for place, (_, layer) in zip(places, layers, strict=True)]
    if not all(fits(mask, layer, samples) for mask, layer in found):
        return None
    return [multiplied(mask, layer.rate) for mask, layer in found]


def fits(mask: Array, layer: Given, samples: int) -> bool:
    """Whether a mask has a value for each output of a layer."""
    shape: Shape = (samples, *layer.outputs)
    return mask.shape == shape


def multiplied(mask: Array, rate: float) -> Array:
    """Return what is multiplied by, of a mask of any scale."""
    return (mask != 0) / (1 - rate)


def _is_mask(array: Array) -> bool:
    if array.dtype.kind not in "biuf":
        return False
    values = np.unique(array)
    return bool(0 < len(values) <= 2 and values[0] >= 0 and (len(values) == 1 or values[0] == 0))


def _arrays(thing: Any) -> Iterator[tuple[str, Array]]:
    """The arrays that an object holds, in attributes, lists, tuples and dicts, and the way to each."""
    waiting: list[tuple[str, Any, int]] = [("", thing, 0)]
    seen: set[int] = set()
    while waiting and len(seen) < MANY:
        place, one, depth = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, np.ndarray):
            yield place, one
        elif depth < DEEP:
            if isinstance(one, dict):
                inside = [(f"[{key!r}]", value) for key, value in one.items()]
            elif isinstance(one, list | tuple):
                inside = [(f"[{index}]", value) for index, value in enumerate(one)]
            else:
                inside = [(f".{name}", value) for name, value in getattr(one, "__dict__", {}).items()]
            waiting += [(place + way, value, depth + 1) for way, value in inside]
