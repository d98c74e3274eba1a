"""What Keras does: the reference model, its trajectory, and single steps of it from given weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from compare.agreement.tolerance import unit
from compare.check.steps.known import Known
from compare.check.steps.situations import Rows, Situation
from compare.check.subject.tasks import Did
from compare.mathematics.functions import Array
from compare.mathematics.rounding import Rounding, rounding
from compare.mathematics.rules import CORRECT, take_step
from compare.mathematics.step import Step
from compare.recipe.architecture import SYMBOLS
from compare.recipe.recipe import Recipe
from compare.sides.models import reused_model
from compare.sides.quiet_keras import import_quietly, load_keras

if TYPE_CHECKING:
    from keras_ref import Steps

KNOWN = Known()  # in this process


@dataclass(frozen=True)
class Reference:
    """The Keras model that a recipe describes; the subject is held to `precision`.

    `tolerance` multiplies what is tolerated of a step.
    """

    model: Any
    recipe: Recipe
    precision: str
    tolerance: float = 1.0

    @property
    def dtype(self) -> str:
        """The model's own precision."""
        return self.recipe.architecture.dtype

    @property
    def unit(self) -> float:
        """What is propagated through a step to give its tolerances, times the tolerance asked for."""
        return unit(self.precision) * self.tolerance

    @property
    def rounded(self) -> Recipe:
        """The recipe, for the reference mathematics: Keras rounds the learning rate to its own precision."""
        return self.recipe.at(float(np.dtype(self.dtype).type(self.recipe.architecture.learning_rate)))

    def at(self, recipe: Recipe) -> Reference:
        """Return the reference of another recipe for the same network."""
        return replace(self, recipe=recipe, model=reused_model(recipe.architecture))

    def bounds(self, step: Step, exact: bool) -> Rounding:
        """Return what is tolerated of a step."""
        return rounding(step, self.unit, exact)

    def quantities(self, step: Step, instead: Mapping[str, Array]) -> Mapping[str, Array]:
        """Return what Keras computes in a step, by name, with some values replaced."""
        found: Mapping[str, Array] = load_keras().quantities(self.model, step.weights, step.X, step.Y, instead)
        return found

    def expected(self, situation: Situation, compute: Callable[[], Expected]) -> Expected:
        """Return what Keras does in a situation in lockstep; computed once for all subjects."""
        return KNOWN.expected((self.recipe, self.precision, self.tolerance), situation, compute)

    def known_quantities(self, step: Step) -> Mapping[str, Array]:
        """Return what Keras computes in a step of such a situation, by name; computed once for all subjects."""
        return KNOWN.quantities(step, lambda: self.quantities(step, {}))

    def updated(self, step: Step, computed: Mapping[str, Array], instead: Mapping[str, Array]) -> Mapping[str, Array]:
        """Return quantities with gradients of weights, or new weights, replaced: only the update follows."""
        found: Mapping[str, Array] = load_keras().updated(self.model, computed, instead)
        return found

    @property
    def names(self) -> list[str]:
        """The name of each tensor among the quantities, in order."""
        return [f"{SYMBOLS[weight.role]}{weight.layer + 1}" for weight in self.recipe.architecture.weights]

    @property
    def takes(self) -> Mapping[str, tuple[str, ...]]:
        """What each of Keras's layers takes, by the name of what it makes; the output comes last."""
        found: Mapping[str, tuple[str, ...]] = load_keras().takes_of(self.model)
        return found

    def trajectory(self, X: Array, y: Rows, batches: list[Rows], weights: list[Array]) -> list[list[Array]]:
        """Keras's own weights before each step, as far as they are finite."""
        first = rounded(self, weights)
        after = self._going_on(X, y, batches, first)
        found = [first]
        for index in range(len(batches) - 1):
            now = [np.asarray(W[index], np.float64) for W in after]
            if not all(np.isfinite(W).all() for W in now):
                break
            found.append(rounded(self, now))
        return found

    def _going_on(self, X: Array, y: Rows, batches: list[Rows], first: list[Array]) -> list[Array]:
        """Keras's weights after each of these steps, each tensor with an axis of steps."""
        return steps_from(self, X, y, batches, [first]).weights

    @property
    def drops(self) -> bool:
        """Whether a step has random numbers of the subject's in it, which Keras must be told."""
        return False

    def truths(
        self,
        X: Array,
        y: Rows,
        batches: Sequence[Rows],
        each: Sequence[Sequence[Array]],
        exact: bool,
        dids: Sequence[Did] = (),
    ) -> list[Truth]:
        """One step on each batch from its own weights, as far as the numbers keep away from the largest there are.

        `dids` are the steps that the subject made, where Keras must be told something of them.
        """
        starts = [rounded(self, weights) for weights in each]
        if not starts:
            return []
        batches = batches[: len(starts)]
        found = steps_from(self, X, y, batches, starts)
        told: list[Truth] = []
        for index, (rows, weights) in enumerate(zip(batches, starts, strict=True)):
            loss, after = float(found.loss[index]), [np.asarray(W[index], np.float64) for W in found.weights]
            step = take_step(CORRECT, self.rounded, weights, X[rows], y[rows], {})
            truth = _truth(self, step, exact, loss, after)
            if truth is None:
                break
            told.append(truth)
        return told


@dataclass(frozen=True)
class Truth:
    """What Keras does in one step."""

    step: Step
    bounds: Rounding
    loss: float
    after: list[Array]


class Expected(NamedTuple):
    """A situation in lockstep, as Keras goes through it: the weights before each step, and what it does in it."""

    each: list[list[Array]]
    truths: list[Truth]


def build_reference(recipe: Recipe, precision: str | None = None, tolerance: float = 1.0) -> Reference:
    """Return the reference; models are kept, since tracing one takes longer than most checks with it."""
    import_quietly()
    model = reused_model(recipe.architecture)
    return Reference(model, recipe, precision or recipe.architecture.dtype, tolerance)


def rounded(reference: Reference, weights: Sequence[Array]) -> list[Array]:
    """Weights as the precision of the comparison keeps them."""
    with np.errstate(over="ignore"):
        return [np.asarray(W).astype(reference.precision).astype(np.float64) for W in weights]


def steps_from(
    reference: Reference, X: Array, y: Rows, batches: Sequence[Rows], starts: Sequence[Sequence[Array]]
) -> Steps:
    """Keras's steps on these batches: as many of the first from weights of their own, the others from where it is."""
    stacked = [np.stack(tensor) for tensor in zip(*starts, strict=True)]
    return load_keras().steps_compiled(reference.model, X, y, batches, stacked)


def _truth(reference: Reference, step: Step, exact: bool, loss: float, after: list[Array]) -> Truth | None:
    bounds = reference.bounds(step, exact)
    finite = [loss, bounds.loss, *(float(np.abs(W).max()) for W in (*after, *bounds.after))]
    if not np.isfinite(finite).all() or _overflows(step, reference):
        return None
    _confirm(step, bounds, loss, after)
    return Truth(step, bounds, loss, after)


def _overflows(step: Step, reference: Reference) -> bool:
    """Whether an intermediate result comes near the largest number: what then happens depends on the order of sums."""
    limit = 1e-6 * min(float(np.finfo(reference.dtype).max), float(np.finfo(reference.precision).max))
    return any(not float(np.abs(array).max()) < limit for array in (*step.Z, *step.A, *step.dZ, *step.dW, *step.after))


def _confirm(step: Step, bounds: Rounding, loss: float, after: list[Array]) -> None:
    """The mathematics that localises and diagnoses must be Keras's; if it ever is not, nothing else can be trusted."""
    off = [abs(step.loss - loss) / bounds.loss] if bounds.loss else []
    off += ratios(step.after, after, bounds.after)
    if not max(off, default=0) <= 1:
        raise RuntimeError(
            f"the reference mathematics and Keras differ by {max(off):.3g} tolerances: please report this"
        )


def ratios(values: Sequence[Array], right: Sequence[Array], tolerances: Sequence[Array]) -> list[float]:
    """Each tensor's largest deviation in units of its tolerance; infinite where the value is not finite."""
    sizes = np.array([np.size(value) for value in values])
    flat, others, tolerance = (np.concatenate([np.ravel(each) for each in of]) for of in (values, right, tolerances))
    with np.errstate(all="ignore"):
        off = np.abs(flat - others)
        units = np.where(off == 0, 0.0, off / tolerance)
    units[np.isnan(units)] = np.inf
    found: list[float] = np.maximum.reduceat(units, np.cumsum(sizes) - sizes).tolist()
    return found


def ratio(value: Array, right: Array, tolerance: Array) -> float:
    """One tensor's largest deviation, as `ratios` has it."""
    return ratios([value], [right], [tolerance])[0]
