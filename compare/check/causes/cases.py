"""What is seen of a subject beside any Keras model in a run's first steps, and what Keras, altered, makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from compare.check.steps.lockstep import Driven, Judged, recipe_for
from compare.check.steps.model_reference import ModelReference, ModelStep
from compare.faults.variants import Facts, Tensors
from compare.mathematics.functions import Array

STEPS = 8  # of a run: an optimizer's memory tells its variants apart
RUNS = 2
LIKE = 1e-9  # how far what a variant makes may lie from it, relative to the update: constants are rounded


@dataclass(frozen=True)
class Seen:
    """One step: what it starts from, what the subject made of it, and how far rounding may carry that.

    `told` is the subject's loss, if it tells one; `right` Keras's, of which `paid` is the penalty. Tensors that are not
    trained are `states`.
    """

    step: ModelStep
    facts: Facts
    weights: Tensors
    after: Tensors
    bounds: Tensors
    states: Tensors
    states_after: Tensors
    states_bounds: Tensors
    told: float | None
    right: float
    paid: float
    loss_bound: float


@dataclass(frozen=True)
class Case:
    """Some steps of a run, one after the other; `rate` is the learning rate, where no schedule gives it."""

    steps: list[Seen]
    rate: float


class Makes:
    """What Keras computes in each step with layers, or the loss, altered: when it is asked for, and once.

    `altering` is an `Altering`, `altered` the alterations that it takes.
    """

    def __init__(self, cases: Sequence[Case], altering: Any, **altered: Any) -> None:
        self.cases, self.altering, self.altered = cases, altering, altered
        self.first_loss = cache(self._first_loss)
        self.step = cache(self._step)

    def _first_loss(self) -> float:
        """Of the first step of all, without gradients."""
        step = self.cases[0].steps[0].step
        found: float = self.altering.loss(step.weights, step.X, step.Y, masks=step.masks, **self.altered)
        return found

    def _step(self, case: int, index: int) -> Any:
        """Loss, gradients and states of a step, as an `AlteredStep`."""
        step = self.cases[case].steps[index].step
        return self.altering.step(step.weights, step.X, step.Y, masks=step.masks, **self.altered)


def cases_of(runs: Sequence[Driven], reference: ModelReference) -> list[Case]:
    """The first ordinary runs that are wrong within their first steps, where each of those tells its weights."""
    found: list[Case] = []
    for run in runs:
        first = run.first_wrong
        if first is None or first >= STEPS or run.situation.extreme or run.situation.free:
            continue
        steps = run.steps[:STEPS]
        if len(found) == RUNS or any(one.did.error is not None or one.did.after is None for one in steps):
            continue
        recipe = recipe_for(reference, run.situation)
        found.append(Case([_seen(one, reference) for one in steps], recipe.architecture.learning_rate))
    return found


def _seen(one: Judged, reference: ModelReference) -> Seen:
    architecture, step = reference.recipe.architecture, one.step
    assert isinstance(step, ModelStep)
    assert one.did.after is not None
    places = range(len(architecture.weights))
    trained = [place for place in places if architecture.weights[place].trainable]
    others = [place for place in places if place not in trained]

    def these(tensors: Sequence[Array], which: Sequence[int]) -> Tensors:
        return [tensors[place] for place in which]

    roles, penalty = [architecture.weights[place].role for place in trained], architecture.penalty
    kernels = [W for W, weight in zip(step.weights, architecture.weights, strict=True) if weight.role == "kernel"]
    after, bounds = one.did.after, one.bounds.after
    return Seen(
        step,
        Facts(step.n, int(np.prod(architecture.shapes[-1])), roles, penalty.l1, penalty.l2),
        these(step.weights, trained),
        these(after, trained),
        these(bounds, trained),
        these(step.weights, others),
        these(after, others),
        these(bounds, others),
        one.did.loss,
        one.loss,
        sum(penalty.l1 * float(np.abs(W).sum()) + penalty.l2 * float((W**2).sum()) for W in kernels),
        float(one.bounds.loss),
    )


def near(made: Array, seen: Array, bound: Array, start: Array) -> bool:
    """Whether what a variant makes of a tensor is what the subject made."""
    allowed = 10 * bound + LIKE * np.abs(made - start).max()
    return bool(np.isfinite(made).all() and (np.abs(made - seen) <= allowed).all())


def tells(one: Seen, expected: float) -> bool:
    """Whether the subject's loss, if it tells one, is what a variant makes."""
    if one.told is None:
        return True
    return abs(one.told - expected) <= 10 * one.loss_bound * max(1.0, abs(expected / one.right) if one.right else 1.0)
