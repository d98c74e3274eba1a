"""What any compiled Keras model does in a step, and how far rounding moves it: sampled, whatever the layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from compare.agreement.tolerance import FACTOR, LEAST, ulp
from compare.check.steps.reference import Expected, Reference, Truth, rounded
from compare.check.steps.situations import Rows, Situation
from compare.check.subject.masks import dropout_layers
from compare.check.subject.tasks import Did
from compare.mathematics.functions import Array
from compare.mathematics.rounding import Rounding
from compare.mathematics.step import Step
from compare.recipe.recipe import Recipe
from compare.sides.quiet_keras import load_keras

SAMPLES = 3  # runs whose inputs and weights lie an ULP apart, to see how far rounding goes


@dataclass
class ModelStep(Step):
    """A step of which Keras shows the loss and the new weights: no phase of it is in view.

    `targets` are y as the model's loss takes them, `masks` what dropout multiplied by, `slots` the optimizer's
    variables before the step; `drift` is how far one ULP moves the loss, and each tensor, in ULP.
    """

    targets: Array = field(default_factory=lambda: np.empty(0))
    masks: list[Array] = field(default_factory=list)
    slots: list[Array] = field(default_factory=list)
    drift: tuple[float, list[float]] = (0.0, [])

    @property
    def Y(self) -> Array:
        """The targets, as the loss takes them."""
        return self.targets


@dataclass(frozen=True)
class ModelReference(Reference):
    """A compiled model, whatever its layers, loss and optimizer, as `stepping.copied` makes it.

    `samplewise`: each sample of a batch is a step of its own.
    """

    samplewise: bool = False
    alike: Any = None  # the same model, computed in a way that rounds otherwise

    def at(self, recipe: Recipe) -> ModelReference:
        """Return the reference of another recipe for the same network; a schedule of learning rates stays."""
        for model in (self.model, self.alike) if not self.scheduled else ():
            if model is not None:
                model.optimizer.learning_rate = recipe.architecture.learning_rate
        return replace(self, recipe=recipe)

    @property
    def scheduled(self) -> bool:
        """Whether the learning rate changes with the step, as the model's schedule says."""
        return isinstance(self.model.optimizer.get_config()["learning_rate"], dict)

    @property
    def indices(self) -> bool:
        """Whether inputs are indices: no size or rounding of theirs means anything."""
        return bool(load_keras().reads_indices(self.model))

    @property
    def names(self) -> list[str]:
        """The name of each tensor among the quantities, in order."""
        found: list[str] = load_keras().weight_names(self.model)
        return found

    def targets(self, y: Rows) -> Array:
        """Return targets as the loss takes them: classes one-hot encoded, numbers with an axis for the output."""
        y = np.asarray(y)
        architecture = self.recipe.architecture
        if "sparse" in architecture.loss:
            return y
        outputs = architecture.shapes[-1]
        if y.ndim == 1 and y.dtype.kind in "iu" and outputs[-1] > 1:
            return np.eye(outputs[-1])[y]
        return y.reshape(len(y), *outputs).astype(np.float64)

    def steps(
        self, X: Array, y: Rows, batches: Sequence[Rows], weights: Sequence[Sequence[Array]], starts: Sequence[int]
    ) -> Any:
        """Return Keras's steps; where samples are steps of their own, a batch's last weights, and its mean loss."""
        made = load_keras().model_steps
        if not self.samplewise:
            return made(self.model, X, self.targets(y), batches, weights, starts)
        single = [rows[i : i + 1] for rows in batches for i in range(len(rows))]
        first = [start if i == 0 else -1 for rows, start in zip(batches, starts, strict=True) for i in range(len(rows))]
        found = made(self.model, X, self.targets(y), single, weights, first)
        ends = np.cumsum([len(rows) for rows in batches])
        begins = ends - [len(rows) for rows in batches]
        loss = np.array([found.loss[a:b].mean() for a, b in zip(begins, ends, strict=True)])
        return type(found)(loss, [W[ends - 1] for W in found.weights], [slot[begins] for slot in found.slots])

    def _masked(
        self,
        X: Array,
        y: Rows,
        batches: Sequence[Rows],
        weights: Sequence[Sequence[Array]],
        masks: Sequence[list[Array]],
    ) -> Any:
        """Keras's steps with the dropout that the subject drew."""
        return load_keras().masked_steps(self.model, X, self.targets(y), batches, weights, masks)

    def trajectory(self, X: Array, y: Rows, batches: list[Rows], weights: list[Array]) -> list[list[Array]]:
        """Keras's own weights before each step, as far as they are finite; with dropout, weights that differ a little.

        Keras's own masks would be others every time.
        """
        if not self.drops:
            return super().trajectory(X, y, batches, weights)
        rng, first = np.random.default_rng(len(batches)), rounded(self, weights)
        return [rounded(self, [W * rng.uniform(0.9, 1.1, W.shape) for W in first]) for _ in batches]

    def _going_on(self, X: Array, y: Rows, batches: list[Rows], first: list[Array]) -> list[Array]:
        """Keras's weights after each of these steps, each tensor with an axis of steps."""
        found: list[Array] = self.steps(X, y, batches, [first], [0, *[-1] * (len(batches) - 1)]).weights
        return found

    @property
    def drops(self) -> bool:
        """Whether there is dropout, whose masks the subject draws."""
        return bool(dropout_layers(self.recipe.architecture))

    def truths(
        self,
        X: Array,
        y: Rows,
        batches: Sequence[Rows],
        each: Sequence[Sequence[Array]],
        exact: bool,
        dids: Sequence[Did] = (),
    ) -> list[Truth]:
        """One step on each batch from its own weights, the optimizer going on: as far as the numbers are finite."""
        masks = [did.masks or [] for did in dids]
        if self.drops and not all(masks):
            each = each[: next(index for index, given in enumerate(masks) if not given)]
        starts = [rounded(self, weights) for weights in each]
        if not starts:
            return []
        batches, order = batches[: len(starts)], range(len(starts))
        steps = partial(self.steps, y=y, batches=batches, starts=order)
        if self.drops and masks:
            steps = partial(self._masked, y=y, batches=batches, masks=masks[: len(starts)])
        found = steps(X, weights=starts)
        one, moved = ulp(self.dtype), self.mover()
        near = [
            steps(X if self.indices else moved(X), weights=[list(map(moved, W)) for W in starts])
            for _ in range(1 if self.drops else SAMPLES)
        ]
        if self.alike is not None and not self.drops:
            near.append(replace(self, model=self.alike).steps(X, y, batches, starts, order))
        told: list[Truth] = []
        for index, (rows, weights) in enumerate(zip(batches, starts, strict=True)):
            loss, after = float(found.loss[index]), [np.asarray(W[index], np.float64) for W in found.weights]
            numbers = [np.array([loss]), *after]
            if not all(np.isfinite(each).all() and (np.abs(each) < 1e150).all() for each in numbers):
                break
            drift = max(abs(float(run.loss[index]) - loss) for run in near) / one
            drifts = [
                max(float(np.abs(run.weights[k][index] - W).max()) for run in near) / one for k, W in enumerate(after)
            ]
            step = ModelStep(self.recipe, list(weights), X[rows], y[rows], {}, loss=loss, after=after)
            step.targets, step.slots = self.targets(y)[rows], [slot[index] for slot in found.slots]
            step.masks = list(masks[index]) if self.drops and masks else []
            step.drift = drift, drifts
            told.append(Truth(step, self.bounds(step, exact), loss, after))
        return told

    def mover(self) -> Callable[[Array], Array]:
        """Return what moves numbers by up to an ULP, each time otherwise."""
        one, rng = ulp(self.dtype), np.random.default_rng(0)
        return lambda values: np.asarray(values * (1 + one * rng.uniform(-1, 1, np.shape(values))))

    def predictions(self, X: Array, weights: Sequence[Array]) -> tuple[Array, float]:
        """Return what Keras predicts, and how far rounding moves it, in ULP: sampled, as a step's drift is."""
        ask, moved = load_keras().predictions, self.mover()
        right: Array = ask(self.model, weights, X)
        near = [ask(self.model, [*map(moved, weights)], X if self.indices else moved(X)) for _ in range(SAMPLES)]
        if self.alike is not None:
            near.append(ask(self.alike, weights, X))
        drift = max(float(np.abs(run - right).max()) for run in near) / ulp(self.dtype)
        return right.astype(np.float64), max(drift, LEAST * max(1.0, float(np.abs(right).max())))

    @property
    def takes_logits(self) -> bool:
        """Whether probabilities are made of the outputs by the loss alone."""
        return bool(getattr(self.model.loss, "from_logits", False))

    def bounds(self, step: Step, exact: bool) -> Rounding:
        """Return what is tolerated of a step: a multiple of its drift, and of a few ULP at least."""
        assert isinstance(step, ModelStep)
        one = ulp(self.precision) * self.tolerance * FACTOR
        layers = [weight.layer for weight in step.architecture.weights]
        sizes = [max(1.0, float(np.abs(W).max())) for W in step.after]
        largest = [max(size for size, other in zip(sizes, layers, strict=True) if other == layer) for layer in layers]
        pairs = zip(step.after, step.drift[1], largest, strict=True)
        after = [np.full(W.shape, one * max(drift, LEAST * size)) for W, drift, size in pairs]
        loss = one * max(step.drift[0], LEAST * max(1.0, abs(step.loss)))
        return Rounding(loss, [], after, after, [], np.empty(0))

    def quantities(self, step: Step, instead: Mapping[str, Array]) -> Mapping[str, Array]:
        """Return what Keras computes in a step, by name, with some values replaced."""
        assert isinstance(step, ModelStep)
        found: Mapping[str, Array] = load_keras().quantities(
            self.model, step.weights, step.X, step.Y, instead, step.slots, step.masks
        )
        return found

    def expected(self, situation: Situation, compute: Callable[[], Expected]) -> Expected:
        """Return what Keras does in a situation: of another model nothing is known, however alike it is."""
        return compute()

    def known_quantities(self, step: Step) -> Mapping[str, Array]:
        """Return what Keras computes in a step, by name."""
        return self.quantities(step, {})

    def updated(self, step: Step, computed: Mapping[str, Array], instead: Mapping[str, Array]) -> Mapping[str, Array]:
        """Return quantities with gradients of weights, or new weights, replaced: only the update follows."""
        assert isinstance(step, ModelStep)
        found: Mapping[str, Array] = load_keras().updated(self.model, computed, instead, step.slots)
        return found
