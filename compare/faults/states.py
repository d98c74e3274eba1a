"""What goes wrong in moving averages beside any Keras model, whatever else does: from Keras's own, what faults make."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from compare.faults.fault import Fault
from compare.faults.variants import variant_of
from compare.mathematics.functions import Array


@dataclass(frozen=True)
class Average:
    """One moving average in one step.

    Attributes
    ----------
    old, now : Array
        What it was, and the batch's own mean or variance.
    momentum : float
        The share of the old one that Keras keeps.
    n : float
        How many values `now` is of.
    variance : bool
        Whether it is one of a variance.
    """

    old: Array
    now: Array
    momentum: float
    n: float
    variance: bool


@dataclass(frozen=True)
class OfStates:
    """A fault of moving averages: from one of them, and the momentum that its code may have, to the new one."""

    fault: Fault
    make: Callable[[Average, float], Array]
    fitted: bool = False  # whether its momentum is another than Keras's, which is solved for


def moved(of: Average, momentum: float) -> Array:
    """The moving average that keeps this share of the old one."""
    return momentum * of.old + (1 - momentum) * of.now


def _less(of: Average, momentum: float) -> Array:
    """With the variance divided by n - 1."""
    more = of.n / (of.n - 1) if of.variance and of.n > 1 else 1.0
    return momentum * of.old + (1 - momentum) * of.now * more


def _roots(of: Average, momentum: float) -> Array:
    return momentum * of.old + (1 - momentum) * (np.sqrt(of.now) if of.variance else of.now)


def _states(name: str, words: str, fix: str, make: Callable[[Average, float], Array], fitted: bool = False) -> OfStates:
    return OfStates(variant_of(name, words, fix), make, fitted)


_MOMENTUM = "use Keras's momentum, 0.99 if nothing is said, or tell Keras yours"
STATES = (
    _states("moving averages never updated", "the moving averages stay as they are", "move them in each step",
            lambda of, momentum: of.old),
    _states("moving averages' momentum swapped", "the moving averages keep 1 - momentum of what they were",
            "use momentum * average + (1 - momentum) * batch", lambda of, momentum: moved(of, 1 - momentum)),
    _states("momentum of the moving averages", "the moving averages keep {0} of what they were", _MOMENTUM,
            moved, True),
    _states("moving variance of n - 1", "the moving variance takes a variance divided by n - 1", "divide by n", _less),
    _states("momentum of the moving averages, and variance of n - 1",
            "the moving averages keep {0} of what they were, and the variance is divided by n - 1, as PyTorch's",
            f"{_MOMENTUM}; divide by n", _less, True),
    _states("moving averages replaced", "the moving averages are the last batch's", "keep momentum of what they were",
            lambda of, momentum: of.now),
    _states("moving variance of roots", "the moving variance averages standard deviations", "average variances",
            _roots),
    _states("moving variance never updated", "the moving variance stays as it is", "move it in each step",
            lambda of, momentum: of.old if of.variance else moved(of, momentum)),
    _states("moving mean never updated", "the moving mean stays as it is", "move it in each step",
            lambda of, momentum: moved(of, momentum) if of.variance else of.old),
)  # fmt: skip


def momentum_of(averages: Sequence[Average], seen: Sequence[Array]) -> float:
    """The share of what they were that these moving averages kept, by least squares over the means alone."""
    pairs = [(of.old - of.now, new - of.now) for of, new in zip(averages, seen, strict=True) if not of.variance]
    bottom = sum(float(np.vdot(a, a)) for a, _ in pairs)
    return sum(float(np.vdot(a, b)) for a, b in pairs) / bottom if bottom else np.nan
