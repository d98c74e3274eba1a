"""The ways in which a network may keep its parameters, each as an adapter would say it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from compare.check.subject.guesses import Shape, guesses, orientation, sizes_of
from compare.check.subject.members import reach
from compare.check.subject.tensors import Tensor, orders
from compare.recipe.architecture import Weight, dense

MOST = 8
TURNED = (1, 0)


@dataclass(frozen=True)
class Layout:
    """Where the parameters lie, in code; the layers' sizes, and whether kernels are known to be (units, inputs).

    `options` are further arguments of the adapter.
    """

    written: str
    sizes: Shape
    turned: bool
    options: tuple[tuple[str, str], ...] = ()


def layouts(network: Any, asked: Shape) -> Iterator[Layout]:
    """Yield the ways in which a network may keep its parameters, those of fewest words first.

    Parameters
    ----------
    network : object
    asked : tuple of int
        Sizes of the layers that it was made for; it may have others.
    """
    for guess in islice(guesses(network), MOST):
        options = (("kernel", '"units_inputs"'),) if guess.turned else ()
        yield Layout(guess.written, guess.sizes, guess.turned, options)
    arrays = {path: one for path, one in reach(network) if isinstance(one, np.ndarray) and one.dtype.kind in "fi"}
    yield from _listed(arrays, asked)
    own = _own_sizes(list(arrays.values()))
    if own and own != asked:
        yield from _listed(arrays, own)
    yield from _flat(arrays, asked)


def _own_sizes(arrays: Sequence[Any]) -> Shape:
    """Sizes of the layers whose kernels follow on each other; () where they do not."""
    kernels = [array.shape for array in arrays if array.ndim == 2 and 1 not in array.shape]
    turned = orientation(kernels)
    return () if turned is None else sizes_of(kernels, turned)


def _listed(arrays: dict[str, Any], sizes: Shape) -> Iterator[Layout]:
    """Tensors one by one, each in an array of its own, or a layer's two in one."""
    for turned in (False, True):
        for choose in (_apart, _folded, partial(_folded, first=True)):
            chosen = choose(dict(arrays), _weights(sizes), turned)
            if chosen:
                yield Layout(f"[{', '.join(map(_code, chosen))}]", sizes, turned)


def _apart(left: dict[str, Any], weights: Sequence[Weight], turned: bool) -> list[Tensor]:
    chosen: list[Tensor] = []
    for weight in weights:
        own = weight.shape[::-1] if turned else weight.shape
        path = next((path for path, array in left.items() if _holds(array, weight, own)), None)
        if path is None:
            return []
        del left[path]
        chosen.append(Tensor(path, TURNED if turned and weight.role == "kernel" else None))
    return chosen


def _holds(array: Any, weight: Weight, own: Shape) -> bool:
    if weight.role == "bias":
        return next(orders(array.shape, weight.shape), None) == ()
    return bool(array.shape == own)


def _folded(left: dict[str, Any], weights: Sequence[Weight], turned: bool, first: bool = False) -> list[Tensor]:
    """A layer's bias as the last row of its kernel, or the first; as a column where it is turned round."""
    chosen: list[Tensor] = []
    for inputs, units in (weight.shape for weight in weights if weight.role == "kernel"):
        own = (units, inputs + 1) if turned else (inputs + 1, units)
        path = next((path for path, array in left.items() if array.shape == own), None)
        if path is None:
            return []
        del left[path]
        rows, row = (slice(1, None), 0) if first else (slice(None, -1), -1)
        whole = slice(None)
        chosen.append(Tensor(path, TURNED, part=(whole, rows)) if turned else Tensor(path, part=rows))
        chosen.append(Tensor(path, part=(whole, row)) if turned else Tensor(path, part=row))
    return chosen


def _flat(arrays: dict[str, Any], sizes: Shape) -> Iterator[Layout]:
    """All tensors in one vector: layer by layer, or all kernels first."""
    weights = _weights(sizes)
    total = sum(int(np.prod(weight.shape)) for weight in weights)
    for path in (path for path, array in arrays.items() if array.shape == (total,)):
        for together in (False, True):
            for turned in (False, True):
                order = sorted(weights, key=lambda weight: weight.role == "bias") if together else weights
                begins = dict(zip(order, np.cumsum([0, *(np.prod(weight.shape) for weight in order)]), strict=False))
                chosen = [_cut(path, weight, int(begins[weight]), turned) for weight in weights]
                yield Layout(f"[{', '.join(map(_code, chosen))}]", sizes, turned)


def _cut(path: str, weight: Weight, begin: int, turned: bool) -> Tensor:
    part = slice(begin, begin + int(np.prod(weight.shape)))
    if weight.role == "bias":
        return Tensor(path, part=part)
    return Tensor(path, TURNED if turned else None, shape=(-1,), part=part)


def _weights(sizes: Shape) -> list[Weight]:
    return list(dense(sizes, ("relu",) * (len(sizes) - 2), 0.01).weights)


def _code(tensor: Tensor) -> str:
    """A tensor in code: its path alone, if there is no more to say."""
    return f'"{tensor.path}"' if tensor == Tensor(tensor.path) else str(tensor)
