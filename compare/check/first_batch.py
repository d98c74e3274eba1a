"""A first batch that a subject is given before it is checked, and what would be right on it."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from compare.check.steps.model_reference import ModelReference
from compare.check.steps.situations import Rows, without_biases
from compare.check.subject.tasks import Performance, Task
from compare.mathematics.functions import Array
from compare.mathematics.rules import CORRECT, take_step
from compare.mathematics.step import Step
from compare.recipe.architecture import Architecture
from compare.recipe.recipe import Recipe


@dataclass(frozen=True)
class FirstBatch:
    """A batch and two sets of weights, which a subject is given in turn: the first, the second, the first."""

    recipe: Recipe
    x: Array
    y: Rows
    weights: list[list[Array]]

    @property
    def each(self) -> list[list[Array]]:
        """The weights of each step."""
        first, second = self.weights
        return [first, second, first]

    @cached_property
    def right(self) -> list[Step]:
        """What each step should be."""
        return [take_step(CORRECT, self.recipe, weights, self.x, self.y, {}) for weights in self.each]

    def with_zero_biases(self) -> "FirstBatch":
        """Return the same with zero biases."""
        architecture: Architecture = self.recipe.architecture
        return replace(self, weights=[without_biases(architecture, weights) for weights in self.weights])

    def task(self, recipe: Recipe, each: list[list[Array]] | None = None, *, free: bool = False, seed: int = 0) -> Task:
        """Return the task of a step for each of the weights, by default for `each`."""
        each = self.each if each is None else each
        steps = 3 if free else len(each)
        return Task(recipe, self.x, self.y, [np.arange(len(self.y))] * steps, each, free=free, seed=seed)

    def trouble(self, performance: Performance) -> tuple[bool, int, float]:
        """How badly a subject took it: whether it was refused, errors, the first loss's relative deviation.

        A loss told in the second place is taken for it: `misreadings` says so.
        """
        refused = performance.refusal is not None
        errors = sum(did.error is not None for did in performance.steps)
        if not performance.steps or performance.steps[0].loss is None:
            return refused, errors, float(errors > 0)
        told = (performance.steps[0].loss, performance.steps[0].accuracy)
        off = [deviation(value, self.right[0].loss) for value in told if value is not None]
        return refused, errors, min(off)


@dataclass(frozen=True)
class ModelFirstBatch(FirstBatch):
    """A first batch, and what the model makes of it."""

    reference: ModelReference = field(kw_only=True)

    @cached_property
    def right(self) -> list[Step]:
        """What each step should be."""
        rows = [np.arange(len(self.y))] * len(self.each)
        return [truth.step for truth in self.reference.truths(self.x, self.y, rows, self.each, False)]


def deviation(told: float, right: float) -> float:
    """Return the relative deviation of a number, infinite where it is no number."""
    off = abs(told - right) / max(abs(right), 1e-9)
    return float(off) if np.isfinite(off) else np.inf
