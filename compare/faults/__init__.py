"""Known bugs of training code. A fault is one small named variation of the mathematics.

One definition serves both ends: a network is planted with it (`planted`), and the diagnosis computes
what it would do and compares that with what a subject did.
"""

from collections.abc import Sequence
from functools import lru_cache

from compare.faults.backward import BACKWARD_FAULTS
from compare.faults.error import ERROR_FAULTS
from compare.faults.fault import Cause, Fault
from compare.faults.forward import FORWARD_FAULTS
from compare.faults.kinds import KINDS
from compare.faults.loss import LOSS_FAULTS
from compare.faults.penalty import PENALTY_FAULTS
from compare.faults.training import TRAINING_FAULTS
from compare.faults.update import UPDATE_FAULTS
from compare.mathematics.rules import CORRECT, Rules

_CATALOGUE = (
    *FORWARD_FAULTS,
    *LOSS_FAULTS,
    *ERROR_FAULTS,
    *BACKWARD_FAULTS,
    *PENALTY_FAULTS,
    *UPDATE_FAULTS,
    *TRAINING_FAULTS,
    *KINDS,
)
FAULTS: dict[str, Fault] = {fault.name: fault for fault in _CATALOGUE}


_ORDER = {name: place for place, name in enumerate(FAULTS)}


def combine(causes: Sequence[Cause]) -> Rules:
    """Return the correct rules with these bugs in them, applied in the catalogue's order.

    Sets that begin alike share their first rules, so that it shows which phases they have in common.
    """
    return _combined(in_order(causes))


def in_order(causes: Sequence[Cause]) -> tuple[Cause, ...]:
    """Return them in the catalogue's order, in which they make one set of rules however they were found."""
    return tuple(sorted(causes, key=lambda cause: _ORDER[cause.name]))


@lru_cache(maxsize=10_000)
def _combined(causes: tuple[Cause, ...]) -> Rules:
    return causes[-1](_combined(causes[:-1])) if causes else CORRECT
