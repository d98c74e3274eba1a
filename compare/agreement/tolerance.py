"""What is tolerated: one theory for a step and for a whole run, in float32 and in float64.

Two correct implementations do the same operations in another order, and each operation rounds anew. So a value drifts
from itself under rounding alone. **Tolerated is `FACTOR` times that drift**, whatever is judged. The drift is counted
in units in the last place (ULP) of the size of what is judged, and is known in three ways:

- *At least* it is `LEAST` ULP: a value is itself the result of a few operations. The size is that of what it was made
  from: of a loss the largest so far, of a tensor the largest weight of its layer, since kernel and bias are made from
  the same gradients; and never below one.
- Of *one step* from equal weights it is *propagated*: a few ULP of each operation's result, more for a sum of many, are
  carried through the step to first order (`mathematics/rounding.py`). Each step of a check is judged so.
- Of a *run* left to itself it is *sampled*: the run is made again, its roundings drawn anew, and the largest drift of a
  few such runs is taken. Where sums can be reordered they are, and the initial weights lie one ULP apart (matched
  pairs, cells of a sweep); where the run is known only by what it must compute, each step's loss and weights are moved
  by a drawn part of the step's propagated drift (a subject's own training).

`FACTOR` is what lies between a typical rounding and one that no correct implementation passes. Errors of many
operations behave as independent random ones (Higham and Mary 2019), so that a propagated drift is a deviation of about
one standard error, and a sampled one that of a few runs; what is judged may lie at another place of the same
distribution, whose tails are long where a ReLU's input comes near zero. In 300 random pairs the largest gap was 2 of
these 10, in either precision; `benchmarks.trajectories` and `benchmarks.false_alarms` go on measuring it.

Where more than the part `LOOSEST` of a value would be tolerated, rounding alone moves it too far to tell: that is not
judged, and never counts as agreement, unless the two sides agree to the least all the same. And where a run drifts by
more than the least, being within tolerance says something only if a fault would not have been: the same run at a
learning rate that is off by `PROBE`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compare.agreement.parity import gap

Array = NDArray[np.floating]

FACTOR = 10.0
LEAST = 4.0  # ULP
LOOSEST = 1e-3
PROBE = 1e-3
FLOAT32_PER_FLOAT64 = 2.0**29  # units in the last place


class Tolerance(NamedTuple):
    """What is tolerated of a run, and at least; arrays of shape (epochs,) and (tensors,), of dtype's precision.

    Attributes
    ----------
    loss, weights : ndarray
    least_loss, least_weights : ndarray
        The same of a run that drifts by the least.
    losses, sizes : ndarray
        What is judged: each epoch's loss, and the largest weight of each tensor's layer.
    dtype : str
    """

    loss: Array
    weights: Array
    least_loss: Array
    least_weights: Array
    losses: Array
    sizes: Array
    dtype: str

    @property
    def amplified(self) -> bool:
        """Whether the run drifts by more than the least anywhere."""
        return bool((self.loss > self.least_loss).any() or (self.weights > self.least_weights).any())

    @property
    def tight(self) -> bool:
        """Whether every comparison of the run tells something, however it comes out."""
        return self.upto(np.inf) == len(self.loss) and bool(self.told(np.inf).all())

    def upto(self, apart: ArrayLike) -> int:
        """Return how many epochs' losses tell something, from the first on, where the sides are so far apart."""
        return judged_upto(self.loss, self.losses, apart, self.dtype)

    def told(self, apart: ArrayLike) -> NDArray[np.bool_]:
        """Return which tensors tell something, where the sides are so far apart."""
        return _tells(self.weights, self.sizes, apart, self.dtype)


def ulp(dtype: str) -> float:
    """Return the unit in the last place of 1."""
    return float(np.finfo(dtype).eps)


def unit(dtype: str) -> float:
    """Return the unit that is propagated through a step to give its tolerances, not its drift."""
    return FACTOR * ulp(dtype)


def size(values: ArrayLike) -> Array:
    """Return the size of what is judged, not below one."""
    return np.maximum(1.0, np.abs(np.asarray(values, np.float64)))


def sampled(perturbed: ArrayLike, base: ArrayLike) -> Array:
    """Return the sampled drift: the largest gap, (...), of perturbed runs, (count, ...), to their base, (...)."""
    return gap(perturbed, np.asarray(base)[np.newaxis]).max(axis=0)


def least(values: ArrayLike, dtype: str) -> Array:
    """Return what is tolerated at least of values of this size."""
    return FACTOR * LEAST * ulp(dtype) * size(values)


def least_of_loss(loss: ArrayLike, dtype: str) -> Array:
    """Return what is tolerated at least of each epoch's loss: what it was made from stays as large as it was."""
    return least(_so_far(np.abs(loss)), dtype)


def of_loss(drift: ArrayLike, loss: ArrayLike, dtype: str) -> Array:
    """Return what is tolerated of each epoch's loss: amplified rounding stays."""
    return np.maximum(least_of_loss(loss, dtype), FACTOR * _so_far(drift))


def of_run(
    drift: tuple[ArrayLike, ArrayLike], loss: ArrayLike, weights: Sequence[Array], layers: Sequence[int], dtype: str
) -> Tolerance:
    """Return what is tolerated of a run.

    Parameters
    ----------
    drift : arrays of shape (epochs,) and (tensors,)
        As sampled: of each epoch's loss, and of each tensor at the end.
    loss : array of shape (epochs,)
        As one side made it.
    weights : list of ndarray
        At the end.
    layers : list of int
        The layer of each tensor.
    dtype : str

    Returns
    -------
    Tolerance
    """
    largest = np.array([np.abs(W).max() for W in weights], np.float64)
    sizes = np.array([largest[np.equal(layers, layer)].max() for layer in layers])
    losses, smallest = of_loss(drift[0], loss, dtype), least(sizes, dtype)
    tensors = np.maximum(smallest, FACTOR * np.asarray(drift[1], np.float64))
    made = np.asarray(loss, np.float64)
    return Tolerance(losses, tensors, least_of_loss(loss, dtype), smallest, made, sizes, dtype)


def of_flips(flips: ArrayLike, losses: ArrayLike, least_losses: ArrayLike) -> Array:
    """Return how many samples each epoch's accuracy may be off by: none, unless rounding alone flips predictions.

    Parameters
    ----------
    flips : array of shape (epochs,)
        The drift, in samples.
    losses, least_losses : arrays of shape (epochs,)
        What is tolerated of the loss, and at least. Where it is more than the least, one sample may always flip.
    """
    allowed = FACTOR * _so_far(flips)
    return np.where(np.asarray(losses) > np.asarray(least_losses), np.maximum(allowed, 1), allowed)


def judged_upto(tolerated: ArrayLike, loss: ArrayLike, apart: ArrayLike, dtype: str) -> int:
    """Return how many epochs' losses tell something: up to the first that does not, or is not finite."""
    loss = np.asarray(loss, np.float64)
    ends = np.flatnonzero(~(_tells(tolerated, loss, apart, dtype) & np.isfinite(loss)))
    return int(ends[0]) if len(ends) else len(loss)


def _tells(tolerated: ArrayLike, values: ArrayLike, apart: ArrayLike, dtype: str) -> NDArray[np.bool_]:
    """Whether little is tolerated, or the sides are no further apart than the least anyway."""
    with np.errstate(invalid="ignore"):
        tight = np.asarray(tolerated) <= LOOSEST * size(values)
        return tight | (np.asarray(apart) <= least(values, dtype))


def _so_far(values: ArrayLike) -> Array:
    return np.maximum.accumulate(np.asarray(values, np.float64), axis=-1)
