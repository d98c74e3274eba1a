"""What Keras does in the situations that many subjects are put into, one after the other: computed once for all."""

import hashlib
import pickle
from collections.abc import Callable, Hashable
from typing import NamedTuple

from compare.check.steps.reference import Reference, Truth
from compare.check.steps.situations import Situation
from compare.mathematics.functions import Array

MOST = 48  # situations: as two kinds of networks meet, with other sizes or another rate; 3 MB each


class Expected(NamedTuple):
    """A situation in lockstep, as Keras goes through it: the weights before each step, and what it does in it."""

    each: list[list[Array]]
    truths: list[Truth]


class Known:
    """Situations in lockstep whose outcome is known, by all that it depends on.

    It is the same for every subject: each step begins with Keras's own weights. Those that came first are forgotten.
    """

    def __init__(self) -> None:
        self._found: dict[Hashable, Expected] = {}

    def expected(self, reference: Reference, situation: Situation, compute: Callable[[], Expected]) -> Expected:
        """Return what Keras does in a situation; computed where it is not known."""
        digest = hashlib.sha256(pickle.dumps(situation)).digest()
        key = (reference.recipe, reference.precision, reference.tolerance, digest)
        if key not in self._found:
            if len(self._found) == MOST:
                del self._found[next(iter(self._found))]
            self._found[key] = compute()
        return self._found[key]
