"""What an object holds, and the way to it: by attributes, keys, numbers and, of a function, its variables."""

import inspect
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from compare.check.subject.places import Key, Variables

# Arrays that are no parameters, though they have their shapes: gradients, moments, what is kept of a step.
NOT_PARAMETERS = re.compile(r"_?(d_?[Wwb]|d[A-Z]|grad|delta|prev|old|cache|mom|vel|best|nabla|[mvs]_)")
DEEP, MANY = 6, 1000  # members of members, and objects in all, among which an array is looked for


def members(thing: Any) -> dict[Key, Any]:
    """The entries of a dict or list, the attributes of an object, or the variables of a function, but for gradients."""
    found: dict[Any, Any] = {}
    if isinstance(thing, Mapping):
        found = dict(thing)
    elif isinstance(thing, list | tuple):
        found = dict(enumerate(thing))
    elif isinstance(thing, FunctionType):
        with suppress(ValueError):  # a variable that is not made yet
            found = dict(Variables(thing))
    elif not isinstance(thing, np.ndarray):
        slots = [name for kind in type(thing).__mro__ for name in _slots(kind)]
        found = {name: getattr(thing, name) for name in slots if hasattr(thing, name)} | getattr(thing, "__dict__", {})
    return {key: value for key, value in found.items() if not NOT_PARAMETERS.match(str(key))}


def reach(thing: Any, deep: int = DEEP) -> Iterator[tuple[str, Any]]:
    """Yield an object and what can be reached from it, each with the way to it, the nearest first and each once.

    A way has names with dots between; "" leads to the object itself.
    """
    waiting: list[tuple[str, int, Any]] = [("", 0, thing)]
    seen = {id(thing)}
    for path, depth, one in waiting:
        yield path, one
        if depth == deep:
            continue
        for key, value in members(one).items():
            if len(waiting) < MANY and id(value) not in seen and _may_hold(key, value):
                seen.add(id(value))
                waiting.append((f"{path}.{key}".removeprefix("."), depth + 1, value))


def _slots(kind: type) -> tuple[str, ...]:
    named = kind.__dict__.get("__slots__", ())
    return (named,) if isinstance(named, str) else tuple(named)


def _may_hold(key: Any, value: Any) -> bool:
    """Whether something may be, or hold, a parameter, and can be named in a way."""
    named = isinstance(key, int) or (isinstance(key, str) and key != "" and "." not in key)
    plain = value is None or isinstance(value, str | bytes | bool | int | float | complex | ModuleType)
    return named and not plain and not inspect.isclass(value) and not inspect.isbuiltin(value)
