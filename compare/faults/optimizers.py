"""Update rules of Keras's optimizers in NumPy, with the options that known faults set otherwise."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from compare.faults.variants import Tensors
from compare.mathematics.functions import Array


def updated(
    name: str, of: dict[str, Any], rate: float | Sequence[float], steps: Iterable[tuple[Tensors, Tensors]], roles: Any
) -> Iterator[Tensors]:
    """Make the new weights of each step, by an optimizer with these options.

    Parameters
    ----------
    name : {"sgd", "rmsprop", "adagrad", "adam", "adamw"}
    of : dict
        Keras's arguments, and the options of the variants.
    rate : float or sequence of float
        Of each step.
    steps : iterable of (weights, gradients)
        The weights that each step begins from, and the gradients there: taken one by one, as they are needed.
    roles : sequence of str
        Of the tensors.
    """
    rule = {"sgd": _sgd, "rmsprop": _rmsprop, "adagrad": _adagrad, "adam": _adam, "adamw": _adam}[name]
    memory: list[dict[str, Any]] = [{} for _ in roles]
    for t, (weights, gradients) in enumerate(steps, 1):
        now = rate if isinstance(rate, float) else rate[t - 1]
        with np.errstate(all="ignore"):
            tensors = zip(weights, _clipped(gradients, of), memory, roles, strict=True)
            yield [_moved(rule, W, g, kept, t, now, of, role) for W, g, kept, role in tensors]


def _moved(
    rule: Any, W: Array, g: Array, kept: dict[str, Any], t: int, rate: float, of: dict[str, Any], role: str
) -> Array:
    """One tensor's new weights."""
    decay, at = of.get("weight_decay") or 0.0, of.get("decay_at")
    if at == "gradient":
        return np.asarray(W + rule(kept, g + decay * W, t, rate, of, role))
    change = rule(kept, g, t, rate, of, role)
    if at == "nowhere" or (at == "kernels" and role not in ("kernel", "recurrent")):
        decay = 0.0
    if at == "after":
        return np.asarray((W + change) * (1 - rate * decay))
    return np.asarray(W - (1.0 if at == "weights" else rate) * decay * W + change)


def clip_of(of: dict[str, Any]) -> str | None:
    """Return which of Keras's arguments clips gradients; None if none does."""
    return next((name for name in ("clipnorm", "global_clipnorm", "clipvalue") if of.get(name)), None)


def _clipped(gradients: Tensors, of: dict[str, Any]) -> Tensors:
    """Gradients clipped as Keras does: each by its norm, all by that of all, or value by value."""
    given = clip_of(of)
    if given is None or of.get("clip") == "none":
        return gradients
    most, way = of[given], of.get("clip", given)
    if way == "clipvalue":
        return [np.clip(g, -most, most) for g in gradients]
    norms = [float(np.linalg.norm(g)) for g in gradients]
    if way == "global_clipnorm":
        norms = [float(np.linalg.norm(norms))] * len(norms)
    return [g * (most / max(norm, most)) for g, norm in zip(gradients, norms, strict=True)]


def _sgd(kept: dict[str, Any], g: Array, t: int, rate: float, of: dict[str, Any], role: str) -> Array:
    momentum = 0.0 if of.get("plain_biases") and role == "bias" else of["momentum"]
    old = kept.get("v", np.zeros_like(g))
    if of.get("rate_outside"):
        v = kept["v"] = momentum * old + g
        return np.asarray(-rate * (momentum * v + g if of["nesterov"] and momentum else v))
    v = kept["v"] = momentum * old - (1 - momentum if of.get("average") else 1.0) * rate * g
    if ahead := of.get("ahead"):
        return np.asarray({"alone": momentum * v, "whole": (1 + momentum) * v}[ahead])
    if of.get("old_sign"):
        return np.asarray(momentum * old + (1 + momentum) * v)
    return np.asarray(momentum * v - rate * g if of["nesterov"] and momentum else v)


def _rmsprop(kept: dict[str, Any], g: Array, t: int, rate: float, of: dict[str, Any], role: str) -> Array:
    rho = 1 - of["rho"] if of.get("swapped") else of["rho"]
    v = kept["v"] = (rho * kept.get("v", 0.0) if of.get("memory", True) else 0.0) + (1 - rho) * g**2
    return np.asarray(-rate * g / (_rooted(v, of) if of.get("root", True) else v + of["epsilon"]))


def _adagrad(kept: dict[str, Any], g: Array, t: int, rate: float, of: dict[str, Any], role: str) -> Array:
    start = of.get("start", of["initial_accumulator_value"])
    before = kept.get("v", start) if of.get("memory", True) else start
    v = kept["v"] = before + g**2
    return np.asarray(-rate * g / _rooted(before + 0 * g if of.get("late") else v, of))


def _rooted(v: Array, of: dict[str, Any]) -> Array:
    epsilon = of["epsilon"]
    return np.asarray(np.sqrt(v) + epsilon if of.get("epsilon_at") == "outside" else np.sqrt(v + epsilon))


def _adam(kept: dict[str, Any], g: Array, t: int, rate: float, of: dict[str, Any], role: str) -> Array:
    one, two = (of["beta_2"], of["beta_1"]) if of.get("swapped") else (of["beta_1"], of["beta_2"])
    m = kept["m"] = one * kept.get("m", 0.0) + (1 - one) * g
    v = kept["v"] = two * kept.get("v", 0.0) + (1 - two) * (m if of.get("second_of") == "m" else g) ** 2
    power = 1 if of.get("correction") == "no powers" else t + of.get("offset", 0)
    first, second = 1 - of.get("power_1", one) ** power, 1 - of.get("power_2", two) ** power
    if of.get("correction") == "none":
        first = second = 1.0
    epsilon, at, root = of["epsilon"], of.get("epsilon_at"), np.sqrt
    if of.get("correction") == "no root":
        return np.asarray(-rate * second / first * m / (root(v) + epsilon))
    if at == "corrected":
        return np.asarray(-rate * m / first / (root(v / second) + epsilon))
    under = root(v + epsilon) if at == "inside" else root(v) + epsilon
    return np.asarray(-rate * root(second) / first * m / under)
