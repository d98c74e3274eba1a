"""What Keras does in the situations that many subjects are put into, one after the other: computed once for all."""

import hashlib
import pickle
from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple

from compare.check.steps.reference import Reference, Truth
from compare.check.steps.situations import Situation
from compare.mathematics.functions import Array
from compare.mathematics.step import Step

MOST = 48  # situations: as two kinds of networks meet, with other sizes or another rate; 2 MB each


class Expected(NamedTuple):
    """A situation in lockstep, as Keras goes through it: the weights before each step, and what it does in it."""

    each: list[list[Array]]
    truths: list[Truth]


class Known:
    """Situations in lockstep whose outcome is known, by all that it depends on.

    It is the same for every subject: each step begins with Keras's own weights. What came first is forgotten.
    """

    def __init__(self) -> None:
        self._found: dict[Hashable, Expected] = {}
        self._quantities: dict[int, tuple[Step, Mapping[str, Array]]] = {}

    def expected(self, reference: Reference, situation: Situation, compute: Callable[[], Expected]) -> Expected:
        """Return what Keras does in a situation; computed where it is not known."""
        digest = hashlib.sha256(pickle.dumps(situation)).digest()
        key = (reference.recipe, reference.precision, reference.tolerance, digest)
        if key not in self._found:
            _make_room(self._found)
            self._found[key] = compute()
        return self._found[key]

    def quantities(self, step: Step, compute: Callable[[], Mapping[str, Array]]) -> Mapping[str, Array]:
        """Return what Keras computes in a step of a known situation; that very step is asked for again."""
        if id(step) not in self._quantities:
            _make_room(self._quantities)
            self._quantities[id(step)] = step, compute()
        return self._quantities[id(step)][1]


def _make_room(found: dict[Any, Any]) -> None:
    if len(found) == MOST:
        del found[next(iter(found))]
