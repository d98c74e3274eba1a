"""What a fault inside a network is, beside any Keras model: another function in a layer, or another way back.

A variant says how the reference's own layers, or its loss, are altered: the reference takes the step so.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from compare.faults.fault import Fault
from compare.faults.variants import variant_of

Fits = Callable[[Any, bool], bool]


@dataclass(frozen=True)
class OfModel:
    """A fault inside: of layers of some kind, or of the loss.

    Attributes
    ----------
    fault : Fault
        Its parameters are the layer, unless it is one of the loss, and the number if there is one.
    kind, options
        The alteration.
    fits : callable
        From a layer of Keras's, and whether it is the last, to whether the fault may be there; one of the loss is asked
        about the last.
    number : str
        The option that is a number to be found.
    sizes : tuple of float
        What people write for it.
    losses : tuple of str, optional
        Of a fault of the loss, the losses that may have it, in Keras's word; all, if none is named.
    """

    fault: Fault
    kind: str
    options: Mapping[str, Any]
    fits: Fits
    number: str = ""
    sizes: tuple[float, ...] = ()
    losses: tuple[str, ...] | None = None


def kind_of(layer: Any) -> str:
    """A layer's kind, in Keras's word."""
    return type(layer).__name__


def is_a(*kinds: str) -> Fits:
    """Whether a layer is of one of these kinds."""
    return lambda layer, last: kind_of(layer) in kinds


def of(
    fits: Fits, kind: str, rows: Iterable[tuple[Any, ...]], losses: tuple[str, ...] | None = None
) -> tuple[OfModel, ...]:
    """Variants of one kind of alteration: name, words, what to change, options, and a number with its usual sizes."""
    found: list[OfModel] = []
    for row in rows:
        name, words, fix, options, number, sizes = (*row, "", ())[:6]
        fault = variant_of(name, words, fix, None if losses is not None else 0)
        found.append(OfModel(fault, kind, options, fits, number, sizes, losses))
    return tuple(found)
