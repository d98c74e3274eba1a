"""The situations that a subject of any kind is put into beside a Keras model: what needs no knowledge of its layers."""

from collections.abc import Sequence

import numpy as np

from compare.check.steps.model_reference import ModelReference
from compare.check.steps.situations import Rows, Situation, cut, ragged_size
from compare.mathematics.functions import Array
from compare.recipe.architecture import Weight

STEPS = 20  # an optimizer's memory shows in as many
MOST = 192  # samples: scratch convolutions are slow


def draw(reference: ModelReference, rng: np.random.Generator, zero_biases: bool = False) -> list[Array]:
    """Draw weights that hide nothing: biases and scales beside zero and one, variances above zero."""
    tensors = zip(reference.recipe.architecture.weights, reference.names, strict=True)
    return [_drawn(weight, name, rng, zero_biases) for weight, name in tensors]


def _drawn(weight: Weight, name: str, rng: np.random.Generator, zero_biases: bool) -> Array:
    if weight.role == "bias":
        return np.zeros(weight.shape) if zero_biases else rng.uniform(-0.5, 0.5, weight.shape)
    if weight.role == "scale" or "variance" in name:
        return rng.uniform(0.5, 1.5, weight.shape)
    if weight.role == "state":
        return rng.uniform(-0.5, 0.5, weight.shape)
    receptive = int(np.prod(weight.shape[:-2]))
    limit = np.sqrt(6 / (receptive * sum(weight.shape[-2:])))
    return rng.uniform(-limit, limit, weight.shape)


def model_situations(
    reference: ModelReference, X: Array, y: Rows, steps: int, rng: np.random.Generator, zero_biases: bool, other: bool
) -> list[Situation]:
    """Return ordinary situations, and two extreme ones; `other`: another learning rate can be told."""
    recipe = reference.recipe
    n, batch, weights = len(y), min(recipe.batch_size, len(y) - 1), draw(reference, rng, zero_biases)
    order = rng.permutation(n)
    small = [rows for _ in range(STEPS) for rows in cut(rng.permutation(n), batch)][: min(steps, STEPS)]
    ragged = ragged_size(n, max(2, batch // 3))
    named: list[tuple[str, list[Rows], str]] = [
        (f"batches of {batch}", small, ""),
        ("full batch", [np.arange(n)] * 4, ""),
        ("two steps on the same batch", [order[:batch]] * 2 + [order[-batch:]] * 2, ""),
        ("batches of another size", cut(order, ragged)[:6], ""),
        ("a batch of one", [order[i : i + 1] for i in range(3)], "batches of one"),
    ]
    if y.ndim == 1 and y.dtype.kind in "iu":
        named.append(("sorted batches", cut(np.argsort(y, kind="stable"), batch)[:4], "a class missing"))
    found = [Situation(name, X, y, batches, weights, special=special) for name, batches, special in named]
    continued = [order[:batch], order[: batch // 2], order, order[-1:], order[:batch]]
    found += [
        Situation(f"batches of {batch}, free-running", X, y, small, weights, free=True),
        Situation("training continued with other batch sizes", X, y, continued, weights, free=True),
    ]
    if other:
        rate = 0.37 * recipe.architecture.learning_rate
        found.append(Situation("another learning rate", X, y, cut(order, batch)[:4], weights, learning_rate=rate))
    two = [order[:batch], order[-batch:]]
    steep = _steeper(reference, weights)
    if not reference.indices:
        found.append(Situation("large inputs", 10 * X, y, two, weights, special="large inputs", extreme=True))
    saturated = Situation("saturated outputs", X, y, two, steep, each=[steep] * 2, special="saturation", extreme=True)
    return [*found, saturated]


def _steeper(reference: ModelReference, weights: Sequence[Array]) -> list[Array]:
    """The weights with the last kernel twenty times as large."""
    places = [place for place, weight in enumerate(reference.recipe.architecture.weights) if weight.role == "kernel"]
    return [20 * W if place == places[-1:][0] else W for place, W in enumerate(weights)] if places else list(weights)
