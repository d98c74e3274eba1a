"""The ways in which what a file defines may make a network, each in code."""

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np

from compare.check.subject.factories import RATES
from compare.check.subject.guesses import EPOCHS
from compare.check.subject.inference.binding import ROLES, Part
from compare.check.subject.inference.calls import FORWARD, LOSS, parts_of
from compare.check.subject.kinds import is_step_function
from compare.check.subject.places import Variables

SEEDS = re.compile(r"(random_?)?(seed|state)")
INITIAL = re.compile(r"_*(init|create|make|build|new|get|random)\w*", re.IGNORECASE)


@dataclass(frozen=True)
class Making:
    """How a network is made, in code; of functions over a `state` that is handed round, what else can be called."""

    code: str
    state: str | None = None
    functions: tuple[Part, ...] = ()
    has_rate: bool = False  # of its own: it is not told one

    def parts(self, network: Any) -> list[Part]:
        """What can be called of a network that was made so."""
        return list(self.functions) if self.state else [*parts_of(network), *self.functions]

    def asks(self, places: str, **options: str) -> str:
        """The adapter as far as it is known, in which what is missing is left open."""
        return f"`adapt({', '.join([self.code, places, *(f'{key}={code}' for key, code in options.items())])})`"


def makings(name: str, thing: Any, namespace: Mapping[str, Any]) -> Iterator[Making]:
    """Yield the ways in which what a file calls so may make a network, the likeliest first."""
    beside = _of_networks(namespace, thing)
    if not callable(thing) or (hasattr(thing, "train_on_batch") and not inspect.isclass(thing)):
        yield Making(name, functions=beside, has_rate=True)
        return
    settled = ", ".join(_settled(thing))
    if settled:
        yield Making(f"functools.partial({name}, {settled})", functions=beside)
    if isinstance(thing, FunctionType) and keeps_arrays(thing):
        yield Making(f"lambda: {name}", has_rate=True)
        return
    if is_step_function(thing):
        others = (_handed(first, namespace, name) for first in namespace if is_first(first, namespace[first]))
        yield from (making for making in others)
        return
    spread = _spread(name, thing)
    yield Making(spread or name, functions=beside)
    if is_first(name, thing):
        yield _handed(name, namespace)


def _of_networks(namespace: Mapping[str, Any], thing: Any) -> tuple[Part, ...]:
    """Functions of a file that take a network, or say what its loss is."""
    own = getattr(thing, "__module__", "")
    return tuple(
        Part(name, name, function)
        for name, function in namespace.items()
        if isinstance(function, FunctionType) and function is not thing and function.__module__ == own
        if LOSS.fullmatch(name) or any(ROLES["network"].fullmatch(p) for p in inspect.signature(function).parameters)
    )


def _spread(name: str, thing: Any) -> str:
    """Code for a factory that takes the sizes one after the other, as many as there are; "" for others."""
    try:
        parameters = list(inspect.signature(thing).parameters.values())
    except (TypeError, ValueError):
        return ""
    rates = [p.name for p in parameters if p.name in RATES]
    if not parameters or parameters[0].kind is not inspect.Parameter.VAR_POSITIONAL or len(rates) > 1:
        return ""
    told = f", {rates[0]}=learning_rate" if rates else ""
    return f"lambda layer_sizes{', learning_rate' * bool(rates)}: {name}(*layer_sizes{told})"


def is_first(name: str, thing: Any) -> bool:
    """Whether this may be a function that makes the parameters of others."""
    return isinstance(thing, FunctionType) and bool(INITIAL.match(name)) and bool(_needed(thing))


def _handed(first: str, namespace: Mapping[str, Any], only: str = "") -> Making:
    """Functions that hand round the parameters which the first of them makes; `only` one of them makes a step."""
    own = namespace[first].__module__
    functions = tuple(
        Part(name, name, function)
        for name, function in namespace.items()
        if isinstance(function, FunctionType) and name != first and function.__module__ == own
        if not only or name == only or LOSS.fullmatch(name) or FORWARD.match(name)
    )
    sizes = "*layer_sizes" if len(_needed(namespace[first])) > 2 else "layer_sizes"
    return Making(f"lambda layer_sizes: SimpleNamespace(params={first}({sizes}))", "params", functions)


def _needed(function: FunctionType) -> list[str]:
    return [p.name for p in inspect.signature(function).parameters.values() if p.default is p.empty]


def _settled(thing: Any) -> Iterator[str]:
    """Parameters of a factory that are given a value of their own: one epoch, any seed."""
    try:
        parameters = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return
    for p in parameters:
        if EPOCHS.fullmatch(p.name):
            yield f"{p.name}=1"
        elif SEEDS.fullmatch(p.name) and p.default is p.empty:
            yield f"{p.name}=0"


def keeps_arrays(function: FunctionType) -> bool:
    """Whether a function keeps arrays of floats between its calls, itself or in what it calls."""
    kept = list(dict(Variables(function)).values())
    return any(isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.ndim for value in kept) or any(
        isinstance(value, list | dict)
        and value
        and any(isinstance(each, np.ndarray) for each in (value.values() if isinstance(value, dict) else value))
        for value in kept
    )
