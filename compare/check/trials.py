"""A training as a trial: what the mathematics makes of it, the orders it may run in, how far rounding carries it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations, product

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


def _exactly(step: Step) -> tuple[float, list[Array]]:
    return step.loss, step.after


def simulate(
    rules: Rules, recipe: Recipe, trial: Trial, told: Callable[[Step], tuple[float, list[Array]]] = _exactly
) -> tuple[list[float], list[Array]] | None:
    """Train by these rules; return history and final weights, or None where the faulty code would raise.

    `told` gives a step's loss and the weights after it as other arithmetic would have them.
    """
    memory: dict[str, object] = {}
    history, weights = [], trial.weights
    recipe = replace(recipe, batch_size=trial.size)
    try:
        for epoch, order in enumerate(trial.orders):
            losses, sizes = [], []
            for rows, labels in rules.batches(order, epoch, trial.size):
                step = take_step(rules, recipe, weights, trial.X[rows], trial.y[labels], memory)
                loss, weights = told(step)
                losses.append(loss)
                sizes.append(len(rows))
            now = partial(_loss_now, rules, recipe, trial, weights, dict(memory))
            history.append(rules.history(losses, sizes, now))
    except ValueError:
        return None
    return history, weights


def _loss_now(rules: Rules, recipe: Recipe, trial: Trial, weights: list[Array], memory: dict[str, object]) -> float:
    return take_step(rules, recipe, weights, trial.X, trial.y, memory).loss


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
    if not (np.isfinite(history).all() and all(np.isfinite(W).all() for W in weights)) or _explodes(trial, weights):
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


def _explodes(trial: Trial, weights: Sequence[Array]) -> bool:
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
    n, epochs = len(trial.y), len(trial.orders)
    for size in sizes:
        for orders in product(batchings(n, size), repeat=epochs):
            one = replace(trial, orders=np.array(orders), size=size)
            found = simulate(rules, reference.rounded, one)
            off = np.inf if found is None else largest(after, found[1], [1.0] * len(after))
            if best[1] is None or off < best[0]:
                best = off, one
    return best[1]
