"""Drives a network in one of the ways in which it may be meant, and measures what its parameters do.

What would be right is known: the step of a correct network from the same weights, on the same batch. A correct network
shows the right way by it; one with a fault in most of its tensors, or at least in its loss.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np

from compare.check.subject.inference.calls import Calls
from compare.check.subject.inference.heads import HEADS, SOFTMAX, Head, head_of
from compare.check.subject.inference.layouts import Layout
from compare.check.subject.inference.spelling import kept, numbers
from compare.mathematics.functions import Array
from compare.mathematics.rules import take_step
from compare.mathematics.step import Step
from compare.recipe.architecture import Dense
from compare.recipe.recipe import Recipe

CLOSE = 1e-4  # what float32 may cost; what is told apart differs by far more
PARALLEL = 1e-7  # one minus the cosine of two updates of one direction
RECKONING = (np.add, np.subtract, np.multiply, np.divide, np.matmul)
ACTIVATIONS = ("relu", "sigmoid", "tanh")  # that hidden layers may have, whatever was asked for


class Indices(np.ndarray[Any, Any]):
    """Labels that may be looked up with and compared; what adds them to errors, or multiplies by them, means others."""

    def __array_ufunc__(self, ufunc: Any, method: Any, *inputs: Any, **kwargs: Any) -> Any:
        plain = [np.asarray(each) if isinstance(each, Indices) else each for each in inputs]
        if ufunc in RECKONING and any(np.ndim(each) and np.asarray(each).dtype.kind == "f" for each in plain):
            raise TypeError("labels are numbers of classes, and not amounts")
        return getattr(ufunc, method)(*plain, **kwargs)


@dataclass(frozen=True)
class Batch:
    """A few samples, two draws of weights, and what would be right from each, for several activations.

    There are as many samples as no layer has units: arrays that are turned round do not fit by chance.
    """

    recipe: Recipe
    shift: int = 0  # of the classes
    indices: bool = False  # whether the labels refuse to be anything else

    @cached_property
    def x(self) -> Array:
        """Samples as rows."""
        sizes = self.recipe.architecture.sizes
        n = next(n for n in range(7, 7 + len(sizes) + 1) if n not in sizes)
        return np.random.default_rng(5).normal(size=(n, sizes[0]))

    @cached_property
    def y(self) -> Array:
        """Labels, of which each class has some; of a single output 0 and 1."""
        labels = (np.arange(len(self.x)) + self.shift) % max(self.recipe.architecture.outputs, 2)
        return labels.view(Indices) if self.indices else labels

    @cached_property
    def weights(self) -> list[list[Array]]:
        """Two draws of all tensors, none of them zero."""
        shapes = [weight.shape for weight in self.recipe.architecture.weights]
        rng = np.random.default_rng(6)
        return [[rng.normal(0, 0.5, shape) for shape in shapes] for _ in range(2)]

    @cached_property
    def right(self) -> list[tuple[Head, list[Step]]]:
        """What each draw's step would be.

        For the head and the activations that are asked for, then for other activations of hidden layers, then for
        other heads.
        """
        asked = head_of(self.recipe.architecture)
        recipes = [self.recipe, *(_with(self.recipe, activation) for activation in ACTIVATIONS)]
        heads = [asked, *(head for head in HEADS if head is not asked and self._may_be(head))]
        return [(head, self._steps(head, recipe)) for head in heads for recipe in recipes]

    def _may_be(self, head: Head) -> bool:
        """Whether a network of so many outputs may have this head: one output is always one by a softmax."""
        return head is not SOFTMAX or self.recipe.architecture.outputs > 1

    def _steps(self, head: Head, recipe: Recipe) -> list[Step]:
        return [take_step(head.rules, recipe, weights, self.x, self.y, {}) for weights in self.weights]


def _with(recipe: Recipe, activation: str) -> Recipe:
    *hidden, last = recipe.architecture.layers
    layers = [replace(layer, activation=activation) if isinstance(layer, Dense) else layer for layer in hidden]
    return replace(recipe, architecture=replace(recipe.architecture, layers=(*layers, last)))


@dataclass(frozen=True)
class Way:
    """A way of driving a network; `layout` to `samples` are what an adapter says."""

    layout: Layout
    calls: Calls
    labels: str
    samples: str


@dataclass(frozen=True)
class Seen:
    """What a network did in both draws when it was driven in a way.

    Attributes
    ----------
    way : Way
    updates : list of list of ndarray
        What each tensor was moved by.
    returned, kept : list of dict
        Numbers in what the calls returned, and in the network afterwards, by the code to them.
    results : list
        What the calls returned.
    score : int
        How much of it is right: two for each right update and for the loss, one for an update of the right direction.
    exact, along : bool
        Whether every update is right, or at least of the right direction.
    losses : tuple of float
        What the loss of each draw would be, for the activations by which most is right.
    activations, head : tuple of str, Head
        These, of the hidden layers, and the head.
    """

    way: Way
    updates: list[list[Array]]
    returned: list[dict[str, float]]
    kept: list[dict[str, float]]
    results: list[Any]
    score: int = 0
    exact: bool = False
    along: bool = False
    losses: tuple[float, ...] = ()
    activations: tuple[str, ...] = ()
    head: Head = SOFTMAX

    @property
    def moved(self) -> int:
        """How many tensors were moved."""
        return sum(all(update.any() for update in updates) for updates in zip(*self.updates, strict=True))

    def same(self, other: "Seen") -> bool:
        """Whether another way does the same."""
        pairs = zip(chain(*self.updates), chain(*other.updates), strict=True)
        return all(a.shape == b.shape and np.allclose(a, b, rtol=1e-6, atol=1e-12) for a, b in pairs)


def observe(adapted: Callable[[], Any], batch: Batch, way: Way) -> Seen | None:
    """Drive a network in a way, from both draws; None where it does not let itself be driven so.

    Parameters
    ----------
    adapted : callable
        Makes a fresh network behind Keras's own method names, which keeps what its calls `returned`.
    batch : Batch
    way : Way
    """
    done = []
    for weights in batch.weights:
        made = _driven(adapted, batch, weights)
        if made is None:
            return None
        done.append(made)
    updates, ends, things = zip(*done, strict=True)
    if any(all(np.allclose(a, b) for a, b in zip(*pair, strict=True)) for pair in (updates, ends)):
        return None  # the weights that it is given do not matter to it
    results = [thing.returned for thing in things]
    left = [dict(kept(thing.network)) for thing in things]
    return scored(Seen(way, list(updates), [dict(numbers(each)) for each in results], left, results), batch)


def _driven(
    adapted: Callable[[], Any], batch: Batch, weights: list[Array]
) -> tuple[list[Array], list[Array], Any] | None:
    """What a step moved, where it ended, and the network; None where it cannot be made so."""
    np.random.seed(0)  # noqa: NPY002
    try:  # one that draws its weights anew draws the same
        thing = adapted()
        thing.set_weights(weights)
        before = thing.get_weights()
        thing.train_on_batch(batch.x.copy(), batch.y.copy())
        after = thing.get_weights()
        update = _update(weights, before, after)
    except Exception:  # whatever a network raises that is driven wrongly
        return None
    return None if update is None else (update, after, thing)


def _update(weights: Sequence[Array], before: Sequence[Array], after: Sequence[Array]) -> list[Array] | None:
    """What each tensor was moved by; None where they are not as they were set, or none was moved."""
    if not all(a.shape == b.shape and np.allclose(a, b, atol=1e-6) for a, b in zip(before, weights, strict=True)):
        return None
    if not all(a.shape == b.shape and np.isfinite(b).all() for a, b in zip(before, after, strict=True)):
        return None
    update = [b - a for a, b in zip(before, after, strict=True)]
    return update if any(each.any() for each in update) else None


def scored(seen: Seen, batch: Batch) -> Seen:
    """Say how much is right, for the head and the activations by which most is."""
    return max((_scored(seen, *right) for right in batch.right), key=lambda each: each.score)


def _scored(seen: Seen, head: Head, right: Sequence[Step]) -> Seen:
    points = []
    for number in range(len(seen.updates[0])):
        pairs = [
            (updates[number], step.after[number] - step.weights[number])
            for updates, step in zip(seen.updates, right, strict=True)
        ]
        points.append(min(2 * _equal(a, b) or int(_along(a, b)) for a, b in pairs))
    losses = tuple(step.loss for step in right)
    told = any(matching(numbers, losses) for numbers in (seen.returned, seen.kept))
    score, activations = sum(points) + 2 * told, tuple(right[0].architecture.activations)
    exact, along = min(points) == 2, min(points) > 0
    return replace(seen, score=score, exact=exact, along=along, losses=losses, activations=activations, head=head)


def matching(told: Sequence[dict[str, float]], losses: Sequence[float]) -> list[str]:
    """The codes whose numbers are the losses in every draw."""
    return [
        code
        for code in told[0]
        if all(
            code in values and abs(values[code] - loss) <= CLOSE * abs(loss)
            for values, loss in zip(told, losses, strict=True)
        )
    ]


def _equal(one: Array, other: Array) -> bool:
    return one.shape == other.shape and bool(abs(one - other).max() <= CLOSE * abs(other).max())


def _along(one: Array, other: Array) -> bool:
    """Whether two updates have one direction, up to its sign."""
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return one.shape == other.shape and one.size > 2 and abs(float(np.vdot(one, other))) > (1 - PARALLEL) * lengths > 0
