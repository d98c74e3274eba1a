"""Guesses at how an unknown network would be adapted: for messages, and to be tried out (`inference`)."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from compare.check.subject.members import members, reach
from compare.check.subject.places import Key, Places, Slot, each, lists, numbered, slots
from compare.check.subject.tensors import Tensor, orders

Shape = tuple[int, ...]
STEPS = (
    *("train_on_batch", "train_step", "train_batch", "training_step", "fit_batch", "fit_once", "one_step"),
    *("partial_fit", "update_mini_batch", "update_batch", "step", "learn", "train", "fit", "optimize", "optimise"),
    *("update", "backward", "backprop", "backpropagate", "backpropagation"),
)
SAMPLES = re.compile(r"(x|inputs?|data|batch|features|samples|images?)(_?(train|batch|data))?", re.IGNORECASE)
LABELS = re.compile(r"(y|t|labels?|targets?|y_?true|actual|expected)(_?(train|batch|data))?", re.IGNORECASE)
EPOCHS = re.compile(r"(n_?|num_?|max_?)?(epochs?|iter(ation)?s?)", re.IGNORECASE)
NEAR = 3  # members of members, among which lists and dicts of parameters are looked for
BATCH = re.compile(r"(mini_?)?batch_?size|bs", re.IGNORECASE)


@dataclass(frozen=True)
class Guess:
    """Where the parameters seem to lie, as an adapter would say it, whether kernels are (units, inputs), and sizes."""

    written: str
    turned: bool
    sizes: Shape = ()

    def options(self) -> str:
        """Return the adapter's arguments."""
        return self.written + ', kernel="units_inputs"' * self.turned


def orientation(shapes: list[Shape]) -> bool | None:
    """Whether kernels that follow on each other are (units, inputs); None if they do not, or it cannot be told."""
    if len(shapes) < 2 or any(len(shape) != 2 for shape in shapes):
        return None
    forwards = all(a[1] == b[0] for a, b in pairwise(shapes))
    backwards = all(a[0] == b[1] for a, b in pairwise(shapes))
    return None if forwards == backwards else backwards


def name_of(network: Any) -> str:
    """What a network, its class or its factory is called, as it would be written in a line of code."""
    named = getattr(network, "__name__", type(network).__name__)
    return named if named.isidentifier() else "..."


def places_of(network: Any) -> Guess | None:
    """Where an object seems to keep its kernels and biases; None where that cannot be told."""
    return next(guesses(network), None)


def guesses(network: Any) -> Iterator[Guess]:
    """Yield where an object may keep its kernels and biases, as `each`, `numbered` or `lists` say it; each once."""
    seen: set[tuple[int, ...]] = set()
    for path, home in reach(network, NEAR):
        for places in () if isinstance(home, np.ndarray) else _candidates(home, path):
            with suppress(Exception):
                pairs = slots(places(network))
                held = tuple(id(slot.held) for pair in pairs for slot in pair if slot is not None)
                guess = _guess(str(places), pairs)
                if guess is not None and held not in seen:
                    seen.add(held)
                    yield guess


def _guess(written: str, pairs: Sequence[tuple[Slot, Slot | None]]) -> Guess | None:
    """A guess, if kernels follow on each other, and biases fit them."""
    kernels = [np.shape(kernel.held) for kernel, _ in pairs]
    biases = [None if bias is None else int(np.size(bias.held)) for _, bias in pairs]
    if not kernels or any(len(shape) != 2 for shape in kernels):
        return None
    shown = orientation(kernels)
    for turned in (False, True) if shown is None else (shown,):  # a single kernel shows it by its bias alone
        sizes = sizes_of(kernels, turned)
        follows = all(a[0 if turned else 1] == b[1 if turned else 0] for a, b in pairwise(kernels))
        if follows and all(size in (None, units) for size, units in zip(biases, sizes[1:], strict=True)):
            return Guess(written, turned, sizes)
    return None


def sizes_of(kernels: Sequence[Shape], turned: bool) -> Shape:
    """Inputs and units of layers whose kernels follow on each other."""
    first, last = (1, 0) if turned else (0, 1)
    return (kernels[0][first], *(shape[last] for shape in kernels))


def tensors_of(network: Any, arrays: Sequence[Any], expected: Sequence[Shape]) -> str:
    """Return a list of `tensor` by which what a network holds has Keras's shapes; "" where it cannot be told.

    Parameters
    ----------
    network : object
    arrays : sequence of arrays
        What it returns for its weights.
    expected : sequence of tuple of int
        Keras's shapes.
    """
    if len(arrays) != len(expected):
        return ""
    left = list(arrays)
    ordered = all(next(orders(np.shape(a), shape), None) is not None for a, shape in zip(arrays, expected, strict=True))
    found: list[str] = []
    for shape in expected:
        fitting = [a for a in (left[:1] if ordered else left) if next(orders(np.shape(a), shape), None) is not None]
        # What has the shape already comes before what has it with its axes in another order.
        chosen = min(fitting, key=lambda a: next(orders(np.shape(a), shape)) != (), default=None)
        held = None if chosen is None else held_as(network, chosen)
        if held is None:
            return ""
        left = [each for each in left if each is not chosen]
        found.append(str(Tensor(held[0], next(orders(held[1], shape)) or None)))
    return f"[{', '.join(found)}]"


def held_as(network: Any, array: Any) -> tuple[str, Shape] | None:
    """The way from an object to an array that it holds, with its axes in any order, and the shape that it has there.

    By attributes, keys and numbers; None if it is not found.
    """
    for path, one in reach(network):
        for axes in orders(one.shape, np.shape(array)) if isinstance(one, np.ndarray) else ():
            if np.array_equal(one.transpose(axes) if axes else one, array):
                return path, one.shape
    return None


def adapter_for(network: Any, made: Any, **options: str) -> str:
    """Return a line of adapter for a network, guessed from an object that it made."""
    guess = places_of(made)
    parts = [name_of(network), "..." if guess is None else guess.options()]
    return f"`adapt({', '.join([*parts, *(f'{name}={code}' for name, code in options.items())])})`"


def methods_of(network: Any) -> str:
    """Name an object's own methods."""
    names = [name for name in _methods(network) if not name.startswith("_")]
    first = sorted(names, key=lambda name: STEPS.index(name) if name in STEPS else len(STEPS))
    return ", ".join(f"`{name}`" for name in first[:8]) or "no methods"


def step_of(network: Any) -> str:
    """Return the call that seems to make one step of `net` on x and y."""
    found = _methods(network)
    given = {name: _given(found[name]) for name in STEPS if name in found}
    name = next((name for name, words in given.items() if {"x", "y"} <= set(words.split(", "))), None)
    return f"net.{name}({given[name]})" if name else "net.METHOD(x, y)"


def _given(method: Callable[..., Any]) -> str:
    """Arguments for one step, by what the parameters are called."""
    try:
        parameters = list(inspect.signature(method).parameters.values())
    except (TypeError, ValueError):
        return "x, y"
    given = []
    for number, p in enumerate(parameters):
        required = p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        if EPOCHS.fullmatch(p.name) or BATCH.fullmatch(p.name):
            given.append(f"{p.name}={'1' if EPOCHS.fullmatch(p.name) else 'len(x)'}")
        elif required and number < 2:
            given.append("y" if LABELS.fullmatch(p.name) else "x" if SAMPLES.fullmatch(p.name) or not number else "y")
        elif required:
            given.append(f"{p.name}=...")
    return ", ".join(given)


def _methods(network: Any) -> dict[str, Callable[..., Any]]:
    found: dict[str, Callable[..., Any]] = {}
    for name in dir(network):
        with suppress(Exception):
            value = getattr(network, name)
            if not name.startswith("__") and inspect.isroutine(value):
                found[name] = value
    return found


def _dimensions(value: Any) -> int:
    """Dimensions of an array, 0 of anything else."""
    return value.ndim if isinstance(value, np.ndarray) else 0


def _is_bias(value: Any) -> bool:
    return _dimensions(value) == 1 or (_dimensions(value) == 2 and 1 in value.shape)


def _candidates(home: Any, path: str) -> Iterator[Places]:
    """Each way in which the parameters may be said to lie in what is found at a path, the ones with biases first."""

    def at(name: Any) -> str:
        return f"{path}.{name}".removeprefix(".")

    held = {at(key): value for key, value in members(home).items() if isinstance(value, list | tuple | dict) and value}
    kernels = [name for name, value in held.items() if all(_dimensions(W) == 2 for W in _filled(value))]
    biases = [name for name, value in held.items() if all(_is_bias(b) for b in _filled(value))]
    yield from (lists(W, b) for W in kernels for b in biases if b != W)
    yield from _numbered(path or None, members(home))
    if isinstance(home, list | tuple | dict) and home and path:
        entry = next((entry for entry in _filled(home) if any(_dimensions(W) == 2 for W in _arrays(entry).values())), 0)
        inner = _arrays(entry)
        flat = [key for key, array in inner.items() if _is_bias(array)]
        for kernel in (key for key, array in inner.items() if _dimensions(array) == 2):
            yield from (each(path, kernel, bias) for bias in (*flat, None) if bias != kernel)
    yield from (lists(W, None) for W in kernels)


def _arrays(entry: Any) -> dict[Key, Any]:
    """The arrays of an entry of a list, by their keys, or by the way to them."""
    found = (
        {path: one for path, one in reach(entry, 2) if _dimensions(one)} if not isinstance(entry, np.ndarray) else {}
    )
    return {int(path) if path.isdecimal() else path: one for path, one in found.items()}


def _filled(container: Any) -> list[Any]:
    values = container.values() if isinstance(container, Mapping) else container
    return [value for value in values if value is not None]


def _numbered(attribute: str | None, members: Mapping[Any, Any]) -> Iterator[Places]:
    stems: dict[bool, set[tuple[str, int]]] = {True: set(), False: set()}
    for first in (0, 1):
        for key, value in members.items():
            match = re.fullmatch(rf"(.*?){first}", key) if isinstance(key, str) else None
            if match and (_dimensions(value) == 2 or _is_bias(value)):
                stems[_is_bias(value)].add((match[1], first))
    for kernel, first in sorted(stems[False]):
        biases = [bias for bias, start in sorted(stems[True]) if start == first]
        yield from (numbered(attribute, kernel, bias, first) for bias in (*biases, None))
