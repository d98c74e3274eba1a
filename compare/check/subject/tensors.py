"""How a network keeps each of Keras's tensors: where, with which axes and in which shape, whole or in parts."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from compare.check.subject.places import Array, Slot, place
from compare.check.subject.refusal import Refusal
from compare.errors import InputError

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Tensor:
    """Where a tensor, or a part of one, lies, and how; see `tensor`."""

    path: str
    axes: Shape | None = None
    shape: Shape | None = None
    part: Any = None

    @property
    def order(self) -> list[int] | None:
        """Keras's axes in the network's order."""
        return None if self.axes is None else sorted(range(len(self.axes)), key=self.axes.__getitem__)

    def __str__(self) -> str:
        given = (("axes", self.axes), ("shape", self.shape), ("part", self.part))
        return f"tensor({', '.join([_code(self.path), *(f'{k}={_code(v)}' for k, v in given if v is not None)])})"


@dataclass(frozen=True)
class Joined:
    """A tensor that a network keeps in parts; see `joined`."""

    parts: tuple[Tensor, ...]
    axis: int

    def __str__(self) -> str:
        return f"joined([{', '.join(map(str, self.parts))}], axis={self.axis})"


def tensor(
    path: str, axes: Sequence[int] | None = None, shape: Sequence[int] | None = None, part: Any = None
) -> Tensor:
    """Say where a network keeps one of Keras's tensors, and how it lies there.

    Parameters
    ----------
    path : str
        From the network, by attributes, keys and numbers: "W1", "conv.kernel", "params.W1", "layers.0.W".
    axes : sequence of int, optional
        The network's own axes, in Keras's order: `own.transpose(axes)` is what Keras has. A kernel kept as (units,
        inputs) has (1, 0), a convolution's kept as (filters, channels, height, width) has (2, 3, 1, 0).
    shape : sequence of int, optional
        The network's own, where that is another, with at most one -1: (1, -1) for a bias kept as a row. By default a
        bias keeps the shape that it has before anything is set.
    part : index, optional
        What of the array at `path` it is: `np.s_[:, :4]`, where several of Keras's tensors lie in one.

    Raises
    ------
    InputError
        If an argument is none of these.
    """
    if not isinstance(path, str) or not all(path.split(".")):
        raise InputError(f'`path` must be names with dots between, "conv.kernel". Received: {path!r}')
    return Tensor(path, _axes(axes, path), _shape(shape, path), part)


def joined(parts: Sequence[Tensor | str], axis: int = -1) -> Joined:
    """Say that a network keeps one of Keras's tensors in parts of one size, as an LSTM's gates in four kernels.

    Parameters
    ----------
    parts : sequence of tensor or str
        In Keras's order, of an LSTM the input gate, the forget gate, the candidate and the output gate; a str is
        `tensor(path)`.
    axis : int
        Keras's axis along which they follow on each other.

    Raises
    ------
    InputError
        If there are no parts, or `axis` is no number.
    """
    if isinstance(parts, str) or not parts or isinstance(axis, bool) or not isinstance(axis, int):
        raise InputError(f"`joined` must be given a list of parts, and an axis. Received: {parts!r}, axis={axis!r}")
    return Joined(tuple(whole(each) for each in parts), axis)


def whole(given: object) -> Tensor:
    """Return a tensor of one part as it was given, or by its path."""
    if isinstance(given, Tensor):
        return given
    if isinstance(given, str):
        return tensor(given)
    raise InputError(f'each part must be tensor("path"), or a path. Received: {given!r}')


@dataclass(frozen=True)
class Kept:
    """A tensor of Keras's, or a part of one, in a network.

    Attributes
    ----------
    slot : Slot
    keras : tuple of int
        Its shape in Keras.
    name : str
        As it is told to the user; "" for what nothing is told of.
    said : Tensor
        How it lies there.
    """

    slot: Slot
    keras: Shape
    name: str
    said: Tensor

    @property
    def _turned(self) -> Shape:
        """Keras's shape, in the order of the network's axes."""
        order = self.said.order
        return self.keras if order is None else tuple(self.keras[place] for place in order)

    def own(self, first: Shape) -> Shape:
        """The shape that it has in the network; `first` is what it had before anything was set."""
        size = math.prod(self.keras)
        if self.said.shape is not None:
            known = math.prod(side for side in self.said.shape if side >= 0)
            return tuple(size // max(known, 1) if side < 0 else side for side in self.said.shape)
        return first if len(self.keras) == 1 and first and math.prod(first) == size else self._turned

    def read(self, first: Shape) -> Array:
        """In Keras's form; of another shape than it should have, as it is: that is a finding."""
        held: Array = np.array(self.slot.held)
        own, axes = held.shape == self.own(first), self.said.axes
        held = held.reshape(self._turned) if own else held
        return held.transpose(axes).copy() if axes is not None and held.ndim == len(axes) else held

    def turned(self, value: Array, first: Shape) -> Array:
        """A value of Keras's as the network keeps it."""
        order = self.said.order
        return (value if order is None else value.transpose(order)).reshape(self.own(first))

    def misfit(self) -> str:
        """Say that what lies there cannot be Keras's tensor as it was declared, and what would be; "" if it can."""
        held, said = self.slot.held, self.said
        have, many = np.shape(held), len(self.keras if said.axes is None else said.axes)
        whole = many == len(self.keras) and math.prod(self.own(have)) == math.prod(self.keras)
        if whole and (held is None or have == self.own(have)):
            return ""
        what = f"`{said}` has shape {have}, and Keras's tensor {self.keras}"
        other = next(orders(have, self.keras), None)
        if other is None:
            return f"{what}: no order of its axes makes that; name another, or its own `shape`"
        return f"{what}: say `{replace(said, axes=other or None, shape=None)}`"


@dataclass(frozen=True)
class Whole:
    """One of Keras's tensors in a network: its parts, along an axis of Keras's."""

    parts: tuple[Kept, ...]
    axis: int = 0

    def split(self, value: Array) -> list[Array]:
        """Part a value of Keras's."""
        return [value] if len(self.parts) == 1 else np.split(value, len(self.parts), self.axis)


def found(said: Tensor | Joined, network: Any, keras: Shape) -> Whole:
    """Return where a tensor of Keras's of this shape lies in a network.

    Raises
    ------
    Refusal
        If it cannot be cut into as many parts.
    """
    if isinstance(said, Tensor):
        return Whole((_kept(said, network, keras),))
    many, axis = len(said.parts), said.axis
    if not -len(keras) <= axis < len(keras) or keras[axis] % many:
        raise Refusal(f"`{said}` cannot be cut from Keras's tensor {keras}: its axis {axis} is not {many} equal parts")
    pieces = np.split(np.empty(keras), many, axis)
    kept = (_kept(part, network, piece.shape) for part, piece in zip(said.parts, pieces, strict=True))
    return Whole(tuple(kept), axis)


def _kept(said: Tensor, network: Any, keras: Shape) -> Kept:
    return Kept(replace(place(network, said.path), part=said.part), keras, f"`{said.path}`", said)


def orders(have: Shape, keras: Shape) -> Iterator[Shape]:
    """Yield the orders of axes in which one shape is the other; first none, where it is that already."""
    if have == keras or (len(keras) == 1 and sorted(have) == sorted([*[1] * (len(have) - 1), *keras])):
        yield ()
    if len(have) == len(keras):
        for axes in itertools.permutations(range(len(have))):
            if tuple(have[axis] for axis in axes) == keras:
                yield axes


def _axes(axes: Sequence[int] | None, path: str) -> Shape | None:
    if axes is None:
        return None
    try:
        given = tuple(int(axis) for axis in axes)
    except (TypeError, ValueError):
        given = (-1,)
    if sorted(given) != list(range(len(given))):
        raise InputError(f'`axes` of "{path}" must be each of its axes once, as in (1, 0). Received: {axes!r}')
    return given


def _shape(shape: Sequence[int] | None, path: str) -> Shape | None:
    if shape is None:
        return None
    try:
        given = tuple(int(side) for side in shape)
    except (TypeError, ValueError):
        given = (0,)
    if any(side < 1 and side != -1 for side in given) or given.count(-1) > 1:
        raise InputError(f'`shape` of "{path}" must be lengths with at most one -1, as in (1, -1). Received: {shape!r}')
    return given


def _code(value: Any) -> str:
    """A value as it is written in code."""
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, slice):
        ends = ["" if end is None else str(end) for end in (value.start, value.stop)]
        return f"np.s_[{':'.join(ends)}]"
    if isinstance(value, tuple) and any(isinstance(each, slice) for each in value):
        inside = [_code(each).removeprefix("np.s_[").removesuffix("]") for each in value]
        return f"np.s_[{', '.join(inside)}]"
    return str(value)
