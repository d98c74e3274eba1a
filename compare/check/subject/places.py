"""Where a network keeps its parameters, and how they are written there so that whatever else holds them sees it."""

import inspect
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import combinations
from types import CodeType, FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.check.subject.refusal import Refusal

Array = NDArray[Any]
Key = str | int
ABSENT = KeyError, IndexError, AttributeError, TypeError, ValueError


class Variables(MutableMapping[str, Any]):
    """What a function keeps between its calls, by name: variables of the function around it, and of its module."""

    def __init__(self, function: FunctionType) -> None:
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        self._cells = dict(cells)
        self._globals = function.__globals__
        self._names = [*self._cells, *(name for name in _names(function.__code__) if name in self._globals)]

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        return self._cells[name].cell_contents if name in self._cells else self._globals[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if name in self._cells:
            self._cells[name].cell_contents = value
        else:
            self._globals[name] = value

    def __delitem__(self, name: str) -> None:
        raise TypeError("a function keeps its variables")

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _names(code: CodeType) -> list[str]:
    """The names of a module that code reads, or that the functions inside it read."""
    inner = [name for const in code.co_consts if inspect.iscode(const) for name in _names(const)]
    return list(dict.fromkeys([*code.co_names, *inner]))


@dataclass(frozen=True)
class Slot:
    """One parameter's place: an entry of a dict, list or tuple, or an attribute of an object; or a part of such."""

    home: Any
    key: Key
    part: Any = None

    @property
    def _all(self) -> Any:
        return self.home[self.key] if _by_item(self.home, self.key) else getattr(self.home, str(self.key))

    @property
    def held(self) -> Any:
        """What lies there, as it is."""
        return self._all if self.part is None else np.asarray(self._all)[self.part]

    def put(self, value: Array, shared: bool = False) -> None:
        """Write a value in place where that can be, so that other holders of the same array see it; else rebind.

        An array keeps its dtype if it is a float's; of integers, it could not hold the value. A list stays a list. With
        `shared`, writing in place would change another parameter too.
        """
        if self.part is not None:
            whole = np.array(self._all, np.float64)
            whole[self.part] = value
            replace(self, part=None).put(whole, shared)
            return
        old = self.held
        if isinstance(old, np.ndarray):
            floats = old.dtype.kind == "f"
            if floats and old.shape == value.shape and old.flags.writeable and not shared:
                old[...] = value
                if np.array_equal(np.asarray(self.held), old, equal_nan=True):  # no copy made by a property
                    return
            self._bind(np.array(value, dtype=old.dtype if floats else None, order="C"))
        elif isinstance(old, list):
            old[:] = _like(old, value)
        else:
            self._bind(_like(old, value))

    def _bind(self, value: Any) -> None:
        try:
            if _by_item(self.home, self.key):
                self.home[self.key] = value
            else:
                setattr(self.home, str(self.key), value)
        except (TypeError, AttributeError) as error:
            raise Refusal(
                f"the parameter {self.key!r} of a {type(self.home).__name__} can neither be written in place nor "
                f"replaced ({error}): make it a float64 array of its final shape, or keep it in a list, dict or object"
            ) from None


Tensor = tuple[Any, Key, Key | None] | tuple[Slot, Slot | None]
Tensors = Callable[[Any], Sequence[Tensor]]


@dataclass(frozen=True)
class Places:
    """A way of finding the parameters, which can be shown as it was written."""

    find: Tensors
    written: str

    def __call__(self, net: Any) -> Sequence[Tensor]:
        """Find them."""
        return self.find(net)

    def __str__(self) -> str:
        return self.written


def each(attribute: str, kernel: Key = "W", bias: Key | None = "b") -> Places:
    """Parameters in a list, of dicts, layer objects or pairs; entries without a kernel are passed over.

    `each("params")` is for `net.params[0]["W"]`, `each("layers", "weights", "bias")` for `net.layers[0].weights`,
    `each("layers", 0, 1)` for `W, b = net.layers[0]`, `each("layers", "kernel.data", "bias.data")` for
    `net.layers[0].kernel.data`. A `bias` of None: it has no biases.
    """

    def find(net: Any) -> list[Tensor]:
        entries = [Slot(*place).held for place in _entries(held(net, attribute))]
        return [(entry, kernel, bias) for entry in entries if _has(entry, kernel)]

    return Places(find, _written("each", attribute, (kernel, "W"), (bias, "b")))


def numbered(attribute: str | None, kernel: str = "W", bias: str | None = "b", first: int = 1) -> Places:
    """Parameters numbered in a dict, or (attribute None) as the object's own attributes: W1, b1, W2, ..."""

    def find(net: Any) -> list[Tensor]:
        home = _holder(net if attribute is None else held(net, attribute))
        found: list[Tensor] = []
        while _has(home, f"{kernel}{first + len(found)}"):
            number = first + len(found)
            found.append((home, f"{kernel}{number}", None if bias is None else f"{bias}{number}"))
        return found

    written = _written("numbered", attribute, (kernel, "W"), (bias, "b"))
    return Places(find, written if first == 1 else f"{written[:-1]}, first={first})")


def lists(kernels: str, biases: str | None) -> Places:
    """Parameters in two lists, or dicts: `net.weights[0]`, `net.biases[0]`; entries that are None are passed over."""

    def find(net: Any) -> list[Tensor]:
        W = [Slot(*place) for place in _entries(held(net, kernels))]
        if biases is None:
            return [(kernel, None) for kernel in W]
        return list(zip(W, (Slot(*place) for place in _entries(held(net, biases))), strict=False))

    return Places(find, f"lists({_quoted(kernels)}, {_quoted(biases)})")


def slots(tensors: Sequence[Tensor]) -> list[tuple[Slot, Slot | None]]:
    """Kernel and bias of each layer as places."""
    found: list[tuple[Slot, Slot | None]] = []
    for tensor in tensors:
        if len(tensor) == 2:
            found.append(tensor)
        else:
            home, kernel, bias = tensor
            found.append((place(home, kernel), None if bias is None else place(home, bias)))
    return found


def place(home: Any, key: Key) -> Slot:
    """A place by its key; if there is none, "kernel.data" is in what lies at "kernel", and "0" is the first entry.

    Of a function, a key is one of its variables.
    """
    home = _holder(home)
    slot = Slot(home, key)
    if isinstance(key, str) and not _lies(slot):
        first, dot, rest = key.partition(".")
        if dot:
            return place(place(home, first).held, rest)
        return Slot(home, int(key)) if key.isdecimal() else slot
    return slot


def held(home: Any, path: str) -> Any:
    """What lies at a path."""
    return place(home, path).held


def _holder(home: Any) -> Any:
    return Variables(home) if isinstance(home, FunctionType) else home


def sharing(arrays: Sequence[Any]) -> set[int]:
    """The places of arrays that another one of them changes with."""
    owners = {id(array) for array in arrays if isinstance(array, np.ndarray) and array.flags.owndata}
    if len(owners) == len(arrays):
        return set()
    pairs = combinations(enumerate(arrays), 2)
    return {place for (i, one), (j, other) in pairs if _share_memory(one, other) for place in (i, j)}


def _share_memory(one: Any, other: Any) -> bool:
    """Whether writing into one array changes the other; taken to be so where it is too hard to tell."""
    if not (isinstance(one, np.ndarray) and isinstance(other, np.ndarray)):
        return one is other
    try:
        return bool(np.shares_memory(one, other, max_work=10_000))  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True


def _entries(container: Any) -> Iterator[tuple[Any, Key]]:
    """Where the entries of a list, tuple or dict lie that are not None."""
    keys = container.keys() if isinstance(container, Mapping) else range(len(container))
    return ((container, key) for key in keys if container[key] is not None)


def _by_item(home: Any, key: Key) -> bool:
    return not isinstance(key, str) or isinstance(home, Mapping)


def _has(home: Any, key: Key) -> bool:
    with suppress(*ABSENT):
        return _lies(place(home, key))
    return False


def _lies(slot: Slot) -> bool:
    with suppress(*ABSENT):
        return slot.held is not None
    return False


def _like(old: Any, value: Any) -> Any:
    """Return a value as the lists, tuples or arrays that the old one is made of."""
    if isinstance(old, np.ndarray):
        return np.array(value, dtype=old.dtype if old.dtype.kind == "f" else None)
    if np.ndim(value) == 0:
        return float(value)
    if isinstance(old, list | tuple):
        rows = old if len(old) == len(value) else [old[:0]] * len(value)
        return (list if isinstance(old, list) else tuple)(_like(*pair) for pair in zip(rows, value, strict=True))
    return np.array(value)


def _quoted(key: Key | None) -> str:
    return f'"{key}"' if isinstance(key, str) else str(key)


def _written(name: str, attribute: str | None, *keys: tuple[Key | None, str]) -> str:
    """Return the call as a person would write it: without what is the default."""
    given = [_quoted(key) for key, _ in keys] if any(key != usual for key, usual in keys) else []
    return f"{name}({', '.join([_quoted(attribute), *given])})"
