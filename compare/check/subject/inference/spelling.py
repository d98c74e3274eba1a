"""Numbers that a network keeps, and the code that reads them."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from compare.check.subject.members import members, reach

NEAR = 2


def numbers(value: Any) -> Iterator[tuple[str, float]]:
    """Yield the numbers in what a call returned: itself, entries, the last of a list; each with the code to it."""
    if is_number(value):
        yield "", float(np.asarray(value).reshape(()))
    elif isinstance(value, Mapping):
        yield from ((f"[{spelt(key)}]{rest}", each) for key in value for rest, each in numbers(value[key]))
    elif isinstance(value, tuple):
        yield from ((f"[{place}]{rest}", each) for place, one in enumerate(value) for rest, each in numbers(one))
    elif isinstance(value, list) and value and is_number(value[-1]):
        yield "[-1]", float(np.asarray(value[-1]).reshape(()))


def kept(network: Any) -> Iterator[tuple[str, float]]:
    """Yield the numbers that a network keeps, and the last ones of its lists, with the code to each."""
    for path, one in reach(network, NEAR):
        if isinstance(one, np.ndarray):
            continue
        home = code_to(network, path)
        for key, value in members(one).items():
            if home is not None and isinstance(key, str) and not isinstance(value, tuple | Mapping):
                entry = f"[{spelt(key)}]" if isinstance(one, Mapping) else f".{key}"
                yield from ((f"{home}{entry}{rest}", each) for rest, each in numbers(value))


def code_to(network: Any, path: str) -> str | None:
    """The code that reads what lies at a path of `net`; None where it leads through a function's variables."""
    code, one = "net", network
    for key in path.split(".") if path else ():
        if isinstance(one, Mapping):
            at: Any = key if key in one else int(key)
            code, one = f"{code}[{spelt(at)}]", one[at]
        elif isinstance(one, list | tuple):
            code, one = f"{code}[{key}]", one[int(key)]
        elif hasattr(one, key):
            code, one = f"{code}.{key}", getattr(one, key)
        else:
            return None
    return code


def is_number(value: Any) -> bool:
    """Whether this is one real number, as an array of one is; no truth value, and no count."""
    single = isinstance(value, np.ndarray | np.generic) and value.size == 1 and value.dtype.kind == "f"
    return isinstance(value, float) or single


def spelt(key: Any) -> str:
    """A key as it is written in code."""
    return f'"{key}"' if isinstance(key, str) else repr(key)
