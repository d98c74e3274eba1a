"""The masks of dropout that a subject drew in its last step, wherever it keeps them."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from compare.mathematics.functions import Array
from compare.recipe.architecture import Architecture, Given

DEEP, MANY = 5, 5000  # attributes of attributes, and objects in all, that are looked at


def dropout_layers(architecture: Architecture) -> list[tuple[int, Given]]:
    """Return the layers of dropout, from 0, that drop anything: each as often as it is used."""
    layers = [(n, layer) for n, layer in enumerate(architecture.layers) if isinstance(layer, Given)]
    return [each for each in layers if each[1].kind == "Dropout" and each[1].rate for _ in range(each[1].uses)]


def find_masks(thing: Any, architecture: Architecture, samples: int) -> list[Array] | None:
    """Return what each layer of dropout multiplies by, 0 or 1 / (1 - rate), in order; None if one is not found.

    A mask is an array of a sample's shape for each sample, or of its transpose, of two values, one of them 0.
    """
    found: list[Array] = []
    taken: set[int] = set()
    held = list(_arrays(thing))
    for _, layer in dropout_layers(architecture):
        fitting = [each for each in held if id(each) not in taken and _is_mask(each, layer, samples)]
        mask = next(iter(sorted(fitting, key=lambda each: bool(np.all(each)))), None)  # few drop nothing
        if mask is None:
            return None
        taken.add(id(mask))
        kept = np.asarray(mask) != 0
        kept = kept if kept.shape == (samples, *layer.outputs) else kept.T
        found.append(kept / (1 - layer.rate))
    return found


def _is_mask(array: Array, layer: Given, samples: int) -> bool:
    shape = (samples, *layer.outputs)
    if array.shape not in (shape, shape[::-1]) or array.dtype.kind not in "biuf":
        return False
    values = [float(value) for value in np.unique(array)]
    kept = (1.0, 1 / (1 - layer.rate))
    return values in ([0.0], [kept[0]], [kept[1]]) or (len(values) == 2 and values[0] == 0 < values[1])


def _arrays(thing: Any) -> Iterator[Array]:
    """The arrays that an object holds, in attributes, lists, tuples and dicts."""
    waiting: list[tuple[Any, int]] = [(thing, 0)]
    seen: set[int] = set()
    while waiting and len(seen) < MANY:
        one, depth = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, np.ndarray):
            yield one
        elif depth < DEEP:
            inside = one.values() if isinstance(one, dict) else one if isinstance(one, list | tuple) else None
            inside = vars(one).values() if inside is None and hasattr(one, "__dict__") else inside
            waiting += [(each, depth + 1) for each in inside or ()]
