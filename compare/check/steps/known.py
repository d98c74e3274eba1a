"""What Keras does in the situations that many subjects are put into, one after the other: computed once for all."""

import hashlib
import pickle
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Generic, TypeVar

import numpy as np

from compare.check.steps.situations import Situation
from compare.mathematics.functions import Array
from compare.mathematics.step import Step

BYTES = 2**27  # of situations, and a tenth of that of quantities; the situations of a check on iris take 17 MB

Kept = TypeVar("Kept")


class Known:
    """Situations in lockstep whose outcome is known, by all that it depends on.

    It is the same for every subject: each step begins with Keras's own weights. What came first is forgotten.
    """

    def __init__(self) -> None:
        self._situations = _Store[Any](BYTES)
        self._quantities = _Store[tuple[Step, Mapping[str, Array]]](BYTES // 10)

    def expected(self, reference: Hashable, situation: Situation, compute: Callable[[], Kept]) -> Kept:
        """Return what Keras does in a situation; computed where it is not known. `reference` says which network's."""
        digest = hashlib.sha256(pickle.dumps(situation)).digest()
        found: Kept = self._situations.get((reference, digest), compute)
        return found

    def quantities(self, step: Step, compute: Callable[[], Mapping[str, Array]]) -> Mapping[str, Array]:
        """Return what Keras computes in a step of a known situation; that very step is asked for again."""
        return self._quantities.get(id(step), lambda: (step, compute()))[1]


class _Store(Generic[Kept]):
    """Keeps what was computed, up to so many bytes."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._found: dict[Hashable, tuple[Kept, int]] = {}

    def get(self, key: Hashable, compute: Callable[[], Kept]) -> Kept:
        if key in self._found:
            return self._found[key][0]
        value = compute()
        size = _bytes(value)
        while self._found and sum(other for _, other in self._found.values()) + size > self.most:
            del self._found[next(iter(self._found))]
        if size <= self.most:
            self._found[key] = value, size
        return value


def _bytes(value: object) -> int:
    """The bytes of all arrays in it, those that it holds twice counted once: steps share what describes the network."""
    found, seen, waiting = 0, set(), [value]
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, np.ndarray):
            found += each.nbytes
        elif isinstance(each, dict):
            waiting += each.values()
        elif isinstance(each, list | tuple):
            waiting += each
        else:
            waiting += getattr(each, "__dict__", {}).values()
    return found
