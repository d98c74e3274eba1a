"""The situations a subject is put into: ordinary training on two scales, and stress that shows what iris hides."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.mathematics.functions import Array
from compare.mathematics.rules import CORRECT, take_step
from compare.recipe.architecture import Architecture, Weight
from compare.recipe.recipe import Recipe

Rows = NDArray[Any]


@dataclass(frozen=True)
class Situation:
    """Data, batches and weights for a fresh subject.

    `weights` are set before the first step, and in lockstep the reference's own before each further one;
    `each` are weights for every step instead. Ordinary situations decide, extreme ones warn. `learning_rate` and
    `batch_size` are what the subject is told, where not the recipe's and the first batch's size; `seed` is that of the
    global generators. `exact`: hidden pre-activations are exact in any order of
    summation. `special` names what is unusual here, in the words of a verdict; "" for ordinary training.
    `zero_biases`: the subject takes no others.
    """

    name: str
    X: Array
    y: Rows
    batches: list[Rows]
    weights: list[Array]
    free: bool = False
    each: list[list[Array]] = field(default_factory=list)
    exact: bool = False
    special: str = ""
    zero_biases: bool = False
    extreme: bool = False
    learning_rate: float | None = None
    seed: int = 0


def without_biases(architecture: Architecture, weights: Sequence[Array]) -> list[Array]:
    """The same weights, with zero biases."""
    tensors = zip(architecture.weights, weights, strict=True)
    return [np.zeros_like(W) if weight.role == "bias" else W for weight, W in tensors]


def draw_weights(
    architecture: Architecture, rng: np.random.Generator, X: Array, zero_biases: bool = False
) -> list[Array]:
    """Glorot-uniform kernels and non-zero biases, drawn again until every hidden layer is alive on X.

    A layer is alive if between a fifth and nine tenths of its activations differ from zero, or its activation
    has no kink; the liveliest of 50 draws is taken if none qualifies.
    """
    best: tuple[float, list[Array]] = (-1.0, [])
    recipe = Recipe(architecture, len(X), len(X))
    for _ in range(50):
        weights = [_drawn(weight, rng, zero_biases) for weight in architecture.weights]
        step = take_step(CORRECT, recipe, weights, X[:64], np.zeros(len(X[:64]), int), {})
        shares = [float((Z > 0).mean()) for Z, phi in zip(step.Z, step.functions, strict=False) if phi.kink]
        liveliness = min((min(share, 1 - share) for share in shares), default=0.5)
        if liveliness > best[0]:
            best = liveliness, weights
        if liveliness >= 0.2:
            break
    return best[1]


def _drawn(weight: Weight, rng: np.random.Generator, zero_biases: bool) -> Array:
    if weight.role == "bias":
        return np.zeros(weight.shape) if zero_biases else rng.uniform(-0.5, 0.5, weight.shape)
    limit = np.sqrt(6 / sum(weight.shape))
    return rng.uniform(-limit, limit, weight.shape)


def cut(order: Rows, batch: int) -> list[Rows]:
    """An order of samples as batches, the last one ragged."""
    return [order[start : start + batch] for start in range(0, len(order), batch)]


def ragged_size(n: int, batch: int) -> int:
    """The nominal batch size, or the nearest smaller one that leaves a ragged last batch."""
    batch = min(batch, max(2, n - 1))
    return next((size for size in range(batch, 1, -1) if n % size), batch)


def ordinary(
    recipe: Recipe, scales: dict[str, Array], y: Rows, steps: int, rng: np.random.Generator, zero_biases: bool = False
) -> list[Situation]:
    """Lockstep and free-running training on each scale of the data, in full batch and in ragged batches."""
    n, batch = len(y), recipe.batch_size
    epochs = -(-steps // -(-n // batch))
    found: list[Situation] = []
    for scale, X in scales.items():
        weights = draw_weights(recipe.architecture, rng, X, zero_biases)
        small = [rows for _ in range(epochs) for rows in cut(rng.permutation(n), batch)][:steps]
        for size, batches in (("full batch", [np.arange(n)] * steps), (f"batches of {batch}", small)):
            lockstep = Situation(f"{scale}, {size}", X, y, batches, weights, zero_biases=zero_biases)
            found += [lockstep, replace(lockstep, name=f"{lockstep.name}, free-running", free=True)]
    return sorted(found, key=lambda situation: situation.free)


def probes(
    recipe: Recipe,
    X: Array,
    y: Rows,
    rng: np.random.Generator,
    zero_biases: bool = False,
    takes_rate: bool = True,
) -> list[Situation]:
    """Short situations that show what ordinary training hides; `takes_rate`: another learning rate among them."""
    architecture, batch = recipe.architecture, recipe.batch_size
    k, last = architecture.outputs, architecture.depth - 1
    weights = draw_weights(architecture, rng, X, zero_biases)
    rows = rng.permutation(len(y))
    some = [rows[:batch], rows[-batch:], rows[: batch // 2 + 1]]
    rate, other = 0.37 * architecture.learning_rate, ragged_size(len(y), max(2, batch // 3))
    in_order = cut(np.argsort(y, kind="stable"), batch)[:6]
    found = [
        Situation("a batch of one", X, y, [rows[i : i + 1] for i in range(3)], weights, special="batches of one"),
        Situation("as many samples as classes", X, y, [rows[:k], rows[-k:]], weights, special="batches of few samples"),
        Situation("two steps on the same batch", X, y, [rows[:batch]] * 2 + [rows[-batch:]] * 2, weights),
        Situation("batches of another size", X, y, cut(rows, other)[:6], weights, seed=1),
        Situation("sorted batches", X, y, in_order, weights, special="a class missing"),
        Situation(
            "training continued with other batch sizes",
            X,
            y,
            [rows[:batch], rows[: batch // 2], rows, rows[:batch], rows[-1:], rows[: batch // 2]],
            weights,
            free=True,
        ),
    ]
    if takes_rate:
        found.append(Situation("another learning rate", X, y, cut(rows, batch)[:4], weights, learning_rate=rate))
    for name, missing in (("the last class", k - 1), ("the first class", 0)):
        without = rng.permutation(np.flatnonzero(y != missing))
        if len(without):
            two = [without[:batch], rows[:batch]]
            found.append(Situation(f"a batch without {name}", X, y, two, weights, special="a class missing"))
    highest = float(take_step(CORRECT, recipe, weights, X[some[0]], y[some[0]], {}).Z[-1].max())
    beyond = 2000 / min(1.0, abs(highest) or 1.0)  # exp overflows from 710 on
    kernel = architecture.places[last, "kernel"]
    for name, scale in (("saturated logits", 20.0), ("logits beyond exp's range", beyond)):
        steep = [W * scale if place == kernel else W for place, W in enumerate(weights)]
        found.append(Situation(name, X, y, some[:2], steep, each=[steep] * 2, special="saturation", extreme=True))
    if not zero_biases and (last, "bias") in architecture.places:
        found.append(_raised_logits(architecture, X, y, weights, some[:2]))
    tensors = zip(architecture.weights, weights, strict=True)
    big = [W * 3 if weight.role == "kernel" else W for weight, W in tensors]
    found.append(
        Situation("large gradients", X * 10, y, some, big, each=[big] * 3, special="large gradients", extreme=True)
    )
    found.append(_exact_zeros(architecture, y, rng))
    if {"tanh", "sigmoid"} & {*architecture.activations}:
        found.append(_saturated_units(architecture, X, y, weights, some[:2]))
    return [replace(situation, zero_biases=zero_biases) for situation in found]


def _exact_zeros(architecture: Architecture, y: Rows, rng: np.random.Generator) -> Situation:
    """Small integers, so that sums are exact, and many pre-activations exactly zero."""
    n = min(24, len(y))
    X = rng.integers(-1, 2, (n, *architecture.inputs)).astype(float)
    X[::4] = 0
    each = []
    for _ in range(2):
        weights = [
            rng.integers(-1, 2, weight.shape).astype(float) if weight.role == "kernel" else np.zeros(weight.shape)
            for weight in architecture.weights
        ]
        last = architecture.places[architecture.depth - 1, "kernel"]
        weights[last] = rng.uniform(-1, 1, weights[last].shape)
        each.append(weights)
    special = "pre-activations that are exactly zero"
    two = [np.arange(n)] * 2
    return Situation(
        "pre-activations exactly zero", X, y[:n], two, each[0], each=each, exact=True, special=special, extreme=True
    )


def _raised_logits(
    architecture: Architecture, X: Array, y: Rows, weights: Sequence[Array], batches: list[Rows]
) -> Situation:
    """Logits beyond exp's range that are near each other: any shift by a largest one saves the softmax here."""
    place = architecture.places[architecture.depth - 1, "bias"]
    raised = [W + 1000 if each == place else W for each, W in enumerate(weights)]
    name, special = "logits that are all large", "logits that are all large"
    return Situation(name, X, y, batches, raised, each=[raised] * 2, special=special, extreme=True)


def _saturated_units(
    architecture: Architecture, X: Array, y: Rows, weights: Sequence[Array], batches: list[Rows]
) -> Situation:
    """Hidden pre-activations beyond exp's range: a tanh or a sigmoid written with exp may be NaN there."""
    tensors = list(zip(architecture.weights, weights, strict=True))
    steep = [
        W * (2000 / float(np.abs(X).mean()) if weight.role == "kernel" and weight.layer == 0 else 1)
        for weight, W in tensors
    ]
    return Situation(
        "saturated hidden units", X, y, batches, steep, each=[steep] * 2, special="saturated hidden units", extreme=True
    )
