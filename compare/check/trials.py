"""A training as a trial: what the mathematics makes of it, the orders it may run in, how far rounding carries it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from compare.agreement.parity import gap
from compare.agreement.tolerance import PROBE, Tolerance, of_run, sampled, ulp
from compare.check.steps.reference import Reference
from compare.check.steps.situations import Rows
from compare.mathematics.functions import Array
from compare.mathematics.rounding import rounding
from compare.mathematics.rules import CORRECT, Rules, take_step
from compare.mathematics.step import Step
from compare.recipe.recipe import Recipe

VARIATIONS = 8  # trainings whose rounding is drawn, to see how far it carries


@dataclass(frozen=True)
class Trial:
    """Data, starting weights, orders (epochs, n) and batch size of one training, and the calls it is made in."""

    X: Array
    y: Rows
    weights: list[Array]
    orders: Rows
    size: int
    calls: int = 1

    @property
    def ragged(self) -> bool:
        """Whether an epoch's last batch is smaller than the others."""
        return len(self.y) % self.size != 0


@dataclass(frozen=True)
class _Reached:
    """How far a training has come: weights, what faulty code keeps, and this epoch's batches' losses and sizes."""

    weights: list[Array]
    memory: dict[object, object]
    losses: list[float]
    sizes: list[int]


def _exactly(step: Step) -> tuple[float, list[Array]]:
    return step.loss, step.after


def simulate(
    rules: Rules, recipe: Recipe, trial: Trial, told: Callable[[Step], tuple[float, list[Array]]] = _exactly
) -> tuple[list[float], list[Array]] | None:
    """Train by these rules; return history and final weights, or None where the faulty code would raise.

    `told` gives a step's loss and the weights after it as other arithmetic would have them.
    """
    history, reached = [], _Reached(trial.weights, {}, [], [])
    recipe = replace(recipe, batch_size=trial.size)
    try:
        for epoch, order in enumerate(trial.orders):
            reached = _after_epoch(rules, recipe, trial, epoch, order, reached, told, {})
            history.append(_loss_of_epoch(rules, recipe, trial, reached))
    except ValueError:
        return None
    return history, reached.weights


def _after_epoch(
    rules: Rules,
    recipe: Recipe,
    trial: Trial,
    epoch: int,
    order: Rows,
    begun: _Reached,
    told: Callable[[Step], tuple[float, list[Array]]],
    known: dict[tuple[bytes, ...], _Reached],
) -> _Reached:
    """Train for an epoch; what is known of the same beginning with the same batches is taken from there, and added."""
    reached = replace(begun, losses=[], sizes=[])
    taken: tuple[bytes, ...] = ()
    for rows, labels in rules.batches(order, epoch, trial.size):
        taken = (*taken, rows.tobytes(), labels.tobytes())
        if taken not in known:
            memory = dict(reached.memory)
            step = take_step(rules, recipe, reached.weights, trial.X[rows], trial.y[labels], memory)
            loss, weights = told(step)
            known[taken] = _Reached(weights, memory, [*reached.losses, loss], [*reached.sizes, len(rows)])
        reached = known[taken]
    return reached


def _loss_of_epoch(rules: Rules, recipe: Recipe, trial: Trial, reached: _Reached) -> float:
    def now() -> float:
        return take_step(rules, recipe, reached.weights, trial.X, trial.y, dict(reached.memory)).loss

    return rules.history(reached.losses, reached.sizes, now)


def largest(seen: Sequence[ArrayLike], right: Sequence[ArrayLike], tolerances: Iterable[Array | float]) -> float:
    """The largest deviation in units of the tolerance; infinite where something is not finite."""
    finite = all(np.isfinite(each).all() for each in (*seen, *right))
    ratios = (float((gap(a, b) / most).max()) for a, b, most in zip(seen, right, tolerances, strict=True))
    return max(ratios) if finite else np.inf


def tolerated(reference: Reference, trial: Trial) -> Tolerance | None:
    """What is tolerated of this training; None where rounding alone carries it too far to judge it by.

    So it is where something is not finite or the weights explode, where any epoch or tensor tells nothing, or where a
    learning rate that is off would not show in a training that amplifies rounding.
    """
    one_ulp, rng = ulp(reference.precision), np.random.default_rng(0)

    def perturbed(step: Step) -> tuple[float, list[Array]]:
        drift = rounding(step, one_ulp)
        after = [W + rng.uniform(-1, 1, W.shape) * of for W, of in zip(step.after, drift.without_kinks, strict=True)]
        return step.loss + rng.uniform(-1, 1) * drift.loss, after

    recipe, layers = reference.rounded, [weight.layer for weight in reference.recipe.architecture.weights]
    history, weights = _trained(recipe, trial)
    if not (np.isfinite(history).all() and all(np.isfinite(W).all() for W in weights)) or explodes(trial, weights):
        return None
    turned = [_trained(recipe, trial, perturbed) for _ in range(VARIATIONS)]
    drift = sampled([losses for losses, _ in turned], history)
    drifts = [float(sampled([after[k] for _, after in turned], W).max()) for k, W in enumerate(weights)]
    allowed = of_run((drift, drifts), history, weights, layers, reference.precision)
    if not allowed.tight:
        return None
    off = _trained(recipe.at(recipe.architecture.learning_rate * (1 + PROBE)), trial)
    shows = largest([off[0]], [history], [allowed.loss]) > 1 or largest(off[1], weights, allowed.weights) > 1
    return allowed if shows or not allowed.amplified else None


def _trained(
    recipe: Recipe, trial: Trial, told: Callable[[Step], tuple[float, list[Array]]] = _exactly
) -> tuple[list[float], list[Array]]:
    found = simulate(CORRECT, recipe, trial, told)
    assert found is not None
    return found


def explodes(trial: Trial, weights: Sequence[Array]) -> bool:
    """Whether weights grow a thousandfold: Keras's own may then overflow in single precision."""
    start, end = (max(float(np.abs(W).max()) for W in of) for of in (trial.weights, weights))
    return end > 1e3 * start


def batchings(n: int, size: int) -> Iterator[list[int]]:
    """Every order of n samples that makes other batches, the last one ragged: inside a batch, order is nothing."""

    def cut(rest: tuple[int, ...]) -> Iterator[list[int]]:
        if len(rest) <= size:
            yield list(rest)
            return
        for batch in combinations(rest, size):
            for more in cut(tuple(sample for sample in rest if sample not in batch)):
                yield [*batch, *more]

    return cut(tuple(range(n)))


def likeliest(
    rules: Rules, reference: Reference, trial: Trial, sizes: Sequence[int], after: Sequence[Array]
) -> Trial | None:
    """Of all sizes and orders of batches, the one whose training under these rules comes nearest to these weights.

    For few samples and epochs: all are tried. None where each would raise.
    """
    best: tuple[float, Trial | None] = (np.inf, None)
    seen = _joined(after)
    for size in sizes:
        for orders, weights in _every_end(rules, reference.rounded, replace(trial, size=size)):
            off = np.inf if weights is None else largest([seen], [_joined(weights)], [1.0])
            if best[1] is None or off < best[0]:
                best = off, replace(trial, orders=np.array(orders), size=size)
    return best[1]


def _joined(tensors: Sequence[Array]) -> Array:
    return np.concatenate([tensor.ravel() for tensor in tensors])


def _every_end(rules: Rules, recipe: Recipe, trial: Trial) -> Iterator[tuple[list[Rows], list[Array] | None]]:
    """Every order of batches, and the weights it ends with; None, once, where the faulty code raises.

    What orders that begin alike have in common is trained once.
    """
    recipe = replace(recipe, batch_size=trial.size)
    every = [np.array(order) for order in batchings(len(trial.y), trial.size)]

    def go_on(orders: list[Rows], begun: _Reached) -> Iterator[tuple[list[Rows], list[Array] | None]]:
        epoch = len(orders)
        known: dict[tuple[bytes, ...], _Reached] = {}
        if epoch == len(trial.orders):
            yield orders, begun.weights
            return
        for order in every:
            try:
                reached = _after_epoch(rules, recipe, trial, epoch, order, begun, _exactly, known)
                _loss_of_epoch(rules, recipe, trial, reached)
            except ValueError:
                yield [*orders, order, *every[:1] * (len(trial.orders) - epoch - 1)], None
            else:
                yield from go_on([*orders, order], reached)

    return go_on([], _Reached(trial.weights, {}, [], []))
