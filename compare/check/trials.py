"""A training as a trial: what the mathematics makes of it, the orders it may run in, how far rounding carries it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations, product

import numpy as np

from compare.agreement.parity import gap
from compare.check.steps.reference import Reference
from compare.check.steps.situations import Rows
from compare.mathematics.functions import Array
from compare.mathematics.rounding import rounding
from compare.mathematics.rules import CORRECT, Rules, take_step
from compare.mathematics.step import Step
from compare.recipe.recipe import Recipe

VARIATIONS = 4  # trainings whose rounding is drawn, to see how far it carries
TYPICAL = 0.1  # of the bounds: what rounding errors come to that do not all add up


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


def simulate(
    rules: Rules, recipe: Recipe, trial: Trial, perturbed: Callable[[Step], list[Array]] | None = None
) -> tuple[list[float], list[Array]] | None:
    """Train by these rules; return history and final weights, or None where the faulty code would raise.

    `perturbed` gives the weights after a step as other arithmetic would have them.
    """
    memory: dict[str, object] = {}
    history, weights = [], trial.weights
    recipe = replace(recipe, batch_size=trial.size)
    try:
        for epoch, order in enumerate(trial.orders):
            losses, sizes = [], []
            for rows, labels in rules.batches(order, epoch, trial.size):
                step = take_step(rules, recipe, weights, trial.X[rows], trial.y[labels], memory)
                weights = step.after if perturbed is None else perturbed(step)
                losses.append(step.loss)
                sizes.append(len(rows))
            now = partial(_loss_now, rules, recipe, trial, weights, dict(memory))
            history.append(rules.history(losses, sizes, now))
    except ValueError:
        return None
    return history, weights


def _loss_now(rules: Rules, recipe: Recipe, trial: Trial, weights: list[Array], memory: dict[str, object]) -> float:
    return take_step(rules, recipe, weights, trial.X, trial.y, memory).loss


def largest(seen: Sequence[Array], right: Sequence[Array], floors: Sequence[float]) -> float:
    """The largest deviation in units of the floor; infinite where something is not finite."""
    with np.errstate(all="ignore"):
        ratios = [
            float(np.abs(a - b).max() / floor) if np.isfinite(a).all() and np.isfinite(b).all() else np.inf
            for a, b, floor in zip(seen, right, floors, strict=True)
        ]
    return max(ratios)


def noise(reference: Reference, trial: Trial) -> tuple[float, list[float]]:
    """How far this training may drift under rounding alone.

    Four times what errors of a tenth of the rounding bounds do to it, drawn anew for each weight in every step; plus
    200 ULP of the largest value, for what these variations do not show.
    """
    eps = float(np.finfo(reference.precision).eps)
    rng = np.random.default_rng(0)

    def perturbed(step: Step) -> list[Array]:
        bounds = rounding(step, TYPICAL * eps).without_kinks
        return [W + rng.uniform(-1, 1, W.shape) * bound for W, bound in zip(step.after, bounds, strict=True)]

    plain = simulate(CORRECT, reference.rounded, trial)
    assert plain is not None
    loss, floors = 0.0, [0.0] * len(plain[1])
    for _ in range(VARIATIONS):
        turned = simulate(CORRECT, reference.rounded, trial, perturbed)
        assert turned is not None
        loss = max(loss, float(gap(plain[0], turned[0]).max()))
        floors = [max(f, float(gap(a, b).max())) for f, a, b in zip(floors, plain[1], turned[1], strict=True)]
    loss = 4 * loss + 200 * eps * max(1.0, *plain[0])
    floors = [4 * f + 200 * eps * float(np.abs(a).max() + 1e-3) for f, a in zip(floors, plain[1], strict=True)]
    return loss, floors


def steady(reference: Reference, trial: Trial) -> bool:
    """Whether rounding grows by less than a factor of 10,000 in this training, so that its floor can be trusted."""
    plain = simulate(CORRECT, reference.rounded, trial)
    assert plain is not None
    if not np.isfinite(plain[0]).all() or not all(np.isfinite(W).all() for W in plain[1]):
        return False
    loss, floors = noise(reference, trial)
    limit = 1e4 * float(np.finfo(reference.precision).eps)
    scales = [float(np.abs(W).max()) for W in (*trial.weights, *plain[1])]
    if max(scales) > 1e3 * max(scales[: len(trial.weights)]):
        return False
    pairs = zip(floors, plain[1], strict=True)
    return loss <= limit * max(1.0, *plain[0]) and all(f <= limit * (1e-3 + float(np.abs(W).max())) for f, W in pairs)


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
