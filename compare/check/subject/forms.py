"""Whether a subject's arrays have the forms of the layers asked for, and if not, what they seem to be instead."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from compare.check.subject.adapted import Adapted
from compare.check.subject.guesses import Shape, name_of, orientation, places_of, tensors_of
from compare.check.subject.places import Places
from compare.recipe.architecture import Architecture


def misfit(thing: Any, shapes: Sequence[Shape], architecture: Architecture) -> str:
    """Say that kernels are turned round, or that there are no biases, and what to do; "" if neither is so.

    Parameters
    ----------
    thing : object
        The subject, of which a line of adapter is guessed.
    shapes : sequence of tuple of int
        Of what it returned.
    architecture : Architecture
        What it should hold.
    """
    if isinstance(thing, Adapted) and not callable(thing.declared.parameters):
        return ""  # each tensor is looked at by itself
    weights = architecture.weights
    expected = [weight.shape for weight in weights if weight.role == "kernel"]
    every = [tuple(shape) for shape in shapes]
    if len(expected) < len(weights) and all(len(shape) == 2 for shape in every):
        turned = [shape[::-1] for shape in every]
        if expected in (every, turned) or orientation(every) is not None:
            return _no_biases(thing, len(every), len(weights))
    if len(every) == len(weights):
        kernels = [shape for shape, weight in zip(every, weights, strict=True) if weight.role == "kernel"]
    else:
        kernels = [shape for shape in every if len(shape) == 2 and 1 not in shape]
    if not all(len(shape) == 2 for shape in expected):
        return ""
    if kernels != expected and (kernels == [shape[::-1] for shape in expected] or orientation(kernels)):
        number = next((i for i, pair in enumerate(zip(kernels, expected, strict=False)) if pair[0] != pair[1]), 0)
        what = f"the kernel of layer {number + 1} has shape {kernels[number]} instead of {expected[number]}"
        return f"{what}: kernels are (units, inputs). {_turn(thing)}"
    return ""


def mended(thing: Any, arrays: Sequence[Any], architecture: Architecture) -> str:
    """Return the adapter that puts a network's tensors in Keras's order and form; "" if none is needed, or found."""
    expected = [weight.shape for weight in architecture.weights]
    pairs = zip(arrays, architecture.weights, strict=False)
    fit = all(
        np.shape(a) == weight.shape or (weight.role == "bias" and squeezed(np.shape(a)) == squeezed(weight.shape))
        for a, weight in pairs
    )
    found = "" if fit or isinstance(thing, Adapted) else tensors_of(thing, arrays, expected)
    return f"`adapt({name_of(thing)}, {found})`" if found else ""


def squeezed(shape: Shape) -> Shape:
    """A shape without its axes of length one."""
    return tuple(length for length in shape if length != 1)


def _turn(thing: Any) -> str:
    if isinstance(thing, Adapted):
        declared = thing.declared.shape["kernel"]
        other = "inputs_units" if declared == "units_inputs" else "units_inputs"
        return "Say so: " + thing.declared.line(kernel=f'"{other}"')
    if callable(thing) and not hasattr(thing, "get_weights"):
        return "Return the new weights as they were given: kernels (inputs, units)"
    guess = places_of(thing)
    places = "..." if guess is None else guess.written
    line = f'`adapt({name_of(thing)}, {places}, kernel="units_inputs")`'
    return f"Turn them round (`W.T`) in `get_weights` and in `set_weights`, or say so: {line}"


def _no_biases(thing: Any, came: int, expected: int) -> str:
    seen = f"it has no biases: {came} kernels came and nothing else, where {expected} arrays are expected"
    if isinstance(thing, Adapted) and isinstance(thing.declared.parameters, Places):
        return f"{seen}. {KEEP_ZERO}"
    guess = None if isinstance(thing, Adapted) else places_of(thing)
    line = "" if guess is None else f", or say so: `adapt({name_of(thing)}, {guess.options()})`"
    return f"{seen}. {KEEP_ZERO}: {PAIRS}{line}"


KEEP_ZERO = "Declare it: --no-bias, bias=False in Python. Or let zeros stand in for the biases, and leave them zero"
PAIRS = "`get_weights` returns `[a for W in kernels for a in (W, np.zeros(W.shape[1]))]`, `set_weights` takes `ws[::2]`"
