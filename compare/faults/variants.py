"""What goes wrong beside any Keras model, whatever its layers: in gradients as a whole, in an update rule, in a loss.

A variant is fitted to nothing and knows no layer: from Keras's own gradients it makes what the faulty code makes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from compare.faults.fault import Fault
from compare.mathematics.functions import Array
from compare.mathematics.rules import Rules

Tensors = list[Array]


@dataclass(frozen=True)
class Facts:
    """What a variant may know of a step.

    Attributes
    ----------
    n, outputs : int
        Samples, and values of one sample's output.
    roles : list of str
        Of the tensors that are trained.
    l1, l2 : float
        The penalty of each kernel.
    """

    n: int
    outputs: int
    roles: Sequence[str]
    l1: float = 0.0
    l2: float = 0.0


def _as_it_is(rules: Rules, *parameters: object) -> Rules:
    """Faults of this kind are no variation of the plain network's mathematics."""
    return rules


def _fault(name: str, words: str, fix: str, reporting: bool = False) -> Fault:
    return Fault(name, words, fix, _as_it_is, reporting=reporting)


@dataclass(frozen=True)
class OfGradients:
    """A fault of all gradients: from Keras's, the weights and what is known of the step."""

    fault: Fault
    make: Callable[[Tensors, Tensors, Facts], Tensors]


@dataclass(frozen=True)
class OfUpdate:
    """A fault of an optimizer: options of `updated` that are other than Keras's."""

    fault: Fault
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OfLoss:
    """A fault of the reported loss: from Keras's, its penalty, and what is known of the step."""

    fault: Fault
    make: Callable[[float, float, Facts], float]


def _times(factor: Callable[[Facts], float]) -> Callable[[Tensors, Tensors, Facts], Tensors]:
    """Multiply what comes from the data; a penalty stays as it is."""

    def make(g: Tensors, W: Tensors, facts: Facts) -> Tensors:
        paid = zip(g, W, facts.roles, strict=True)
        penalties = [
            facts.l1 * np.sign(own) + 2 * facts.l2 * own if role == "kernel" else np.zeros_like(each)
            for each, own, role in paid
        ]
        return [factor(facts) * (each - own) + own for each, own in zip(g, penalties, strict=True)]

    return make


def _penalised(amount: Callable[[Facts], float], roles: Sequence[str] = ("kernel", "recurrent")) -> Any:
    """Add so many times the weights to the gradients of tensors of these roles."""

    def make(g: Tensors, W: Tensors, facts: Facts) -> Tensors:
        tensors = zip(g, W, facts.roles, strict=True)
        return [each + amount(facts) * own if role in roles else each for each, own, role in tensors]

    return make


FACTORS: tuple[tuple[str, str, Callable[[Facts], float]], ...] = (
    ("gradient not averaged", "gradients are summed over the samples of a batch", lambda f: float(f.n)),
    ("gradient averaged twice", "gradients are divided by the number of samples twice", lambda f: 1 / f.n),
    (
        "gradient summed over the outputs",
        "gradients are averaged over the samples alone; Keras's loss is a mean over outputs too",
        lambda f: float(f.outputs),
    ),
    ("gradient averaged over outputs", "gradients are divided by the number of outputs too", lambda f: 1 / f.outputs),
    (
        "gradient halved",
        "gradients are half of Keras's: the loss has a 1/2, or the factor 2 is left out",
        lambda f: 0.5,
    ),
    ("gradient doubled", "gradients are twice Keras's", lambda f: 2.0),
    (
        "squared error halved and summed over the outputs",
        "gradients are those of half the squared error, averaged over the samples alone",
        lambda f: f.outputs / 2,
    ),
    ("gradient sign flipped", "weights go up the gradient", lambda f: -1.0),
)
GRADIENTS = (
    *(
        OfGradients(_fault(name, words, "make the gradients those of Keras's loss, or declare another"), _times(factor))
        for name, words, factor in FACTORS
    ),
    OfGradients(
        _fault("L2 penalty halved", "the penalty's gradient is l2 * W; Keras's is 2 * l2 * W", "use 2 * l2 * W"),
        _penalised(lambda f: -f.l2),
    ),
    OfGradients(
        _fault(
            "L2 penalty divided by the batch size",
            "the penalty is divided by the number of samples",
            "do not divide it",
        ),
        _penalised(lambda f: 2 * f.l2 * (1 / f.n - 1)),
    ),
    OfGradients(
        _fault(
            "L2 penalty halved and divided by the batch size", "the penalty's gradient is l2 / n * W", "use 2 * l2 * W"
        ),
        _penalised(lambda f: f.l2 * (1 / f.n - 2)),
    ),
    OfGradients(
        _fault("L2 penalty left out", "the gradient has no penalty in it", "add 2 * l2 * W"),
        _penalised(lambda f: -2 * f.l2),
    ),
    OfGradients(
        _fault("L2 penalty of biases too", "biases are penalised as kernels are", "leave biases out of it"),
        _penalised(lambda f: 2 * f.l2, ("bias",)),
    ),
)


def _loss(name: str, words: str, make: Callable[[float, float, Facts], float]) -> OfLoss:
    return OfLoss(_fault(name, words, "report the loss as Keras does", True), make)


def _data_times(factor: Callable[[Facts], float]) -> Callable[[float, float, Facts], float]:
    """Multiply the part of the loss that comes from the data."""
    return lambda loss, penalty, facts: (loss - penalty) * factor(facts) + penalty


LOSSES = (
    _loss("loss summed, not averaged", "it is summed over the samples", _data_times(lambda f: f.n)),
    _loss("loss summed over the outputs", "it is no mean over the outputs", _data_times(lambda f: f.outputs)),
    _loss("loss halved", "it is half of Keras's", _data_times(lambda f: 0.5)),
    _loss("loss halved and summed over the outputs", "half the sum over outputs", _data_times(lambda f: f.outputs / 2)),
    _loss("loss averaged over outputs", "it is divided by the number of outputs", _data_times(lambda f: 1 / f.outputs)),
    _loss("penalty not in the reported loss", "it lacks the penalty, which Keras adds", lambda L, p, f: L - p),
    _loss("penalty halved in the reported loss", "it has half the penalty", lambda L, p, f: L - p / 2),
    _loss("penalty divided by the batch size in the reported loss", "its penalty is divided by the number of samples",
          lambda L, p, f: L - p + p / f.n),
)  # fmt: skip


def _update(name: str, words: str, fix: str, **options: Any) -> OfUpdate:
    return OfUpdate(_fault(name, words, fix), options)


EPSILONS = (1e-8, 1e-7, 1e-6, 1e-5, 1e-10, 1e-12, 0.0)
_OUTSIDE = "Keras adds it under the root: sqrt(v + epsilon)"
_ADAM = (
    _update("bias correction missing", "the moments are not corrected", "divide by 1 - beta ** t", correction="none"),
    _update(
        "bias correction without powers", "the moments are divided by 1 - beta, in every step", "use beta ** t",
        correction="no powers",
    ),
    _update(
        "bias correction without the root", "the second moment's correction is taken without its root",
        "use sqrt(1 - beta_2 ** t)", correction="no root",
    ),
    _update("bias correction begins late", "the first step counts as the second", "begin with t = 1", offset=1),
    _update("bias correction begins early", "the first step counts as step 0", "begin with t = 1", offset=-1),
    _update("epsilon inside the root", "epsilon is added under the root", "use sqrt(v) + epsilon", epsilon_at="inside"),
    _update(
        "epsilon on the corrected root", "epsilon is added to the root of the corrected moment, as in the paper",
        "add it to sqrt(v) before the correction, as Keras does: epsilon hat", epsilon_at="corrected",
    ),
    _update("second moment of the first", "the second moment averages m ** 2", "average g ** 2", second_of="m"),
    _update("betas swapped", "beta_1 and beta_2 stand in each other's place", "swap them", swapped=True),
)  # fmt: skip
_MOMENTUM = (
    _update("momentum as a moving average", "the velocity is m v + (1 - m) g", "use m v - rate g", average=True),
    _update("momentum left out", "the update is the gradient alone", "keep a velocity", momentum=0.0),
    _update("Nesterov left out", "the step is the plain velocity", "look ahead, as nesterov=True does", nesterov=False),
    _update("Nesterov's step instead of momentum", "the step looks ahead", "use the plain velocity", nesterov=True),
    _update("momentum of kernels alone", "biases have no velocity", "keep one for each tensor", plain_biases=True),
    _update(
        "Nesterov's old velocity with the wrong sign", "the old velocity is added where it should be taken away",
        "w += (1 + m) v_new - m v_old", old_sign=True,
    ),
)  # fmt: skip
_ROOT = (
    _update("epsilon outside the root", "epsilon is added to the root", _OUTSIDE, epsilon_at="outside"),
    _update("memory forgotten", "squares of earlier gradients are forgotten", "average them", memory=False),
)
UPDATES: dict[str, tuple[OfUpdate, ...]] = {
    "sgd": _MOMENTUM,
    "adam": _ADAM,
    "adamw": _ADAM,
    "rmsprop": (
        *_ROOT,
        _update("rho and 1 - rho swapped", "the past counts as 1 - rho", "use rho v + (1 - rho) g ** 2", swapped=True),
        _update("rho is 0.99", "the average forgets more slowly than Keras's", "use rho = 0.9", rho=0.99),
        _update("root left out", "it divides by v", "divide by sqrt(v + epsilon)", root=False),
    ),
    "adagrad": (
        *_ROOT,
        _update("accumulator starts at zero", "Keras's starts at 0.1", "start as Keras does", start=0.0),
        _update("accumulated after the step", "the gradient is added afterwards", "add it before", late=True),
        _update(
            "accumulator starts at zero, epsilon outside the root", "Keras's starts at 0.1, and epsilon is inside",
            "start as Keras does", start=0.0, epsilon_at="outside",
        ),
    ),
}  # fmt: skip


def updated(
    name: str, of: dict[str, Any], rate: float, steps: Sequence[tuple[Tensors, Tensors]], roles: Any
) -> Iterator[Tensors]:
    """Make the new weights of each step, by an optimizer with these options.

    Parameters
    ----------
    name : {"sgd", "rmsprop", "adagrad", "adam", "adamw"}
    of : dict
        Keras's arguments, and the options of the variants.
    rate : float
    steps : sequence of (weights, gradients)
        The weights that each step begins from, and the gradients there.
    roles : sequence of str
        Of the tensors.
    """
    rule = {"sgd": _sgd, "rmsprop": _rmsprop, "adagrad": _adagrad, "adam": _adam, "adamw": _adam}[name]
    memory: list[dict[str, Any]] = [{} for _ in roles]
    for t, (weights, gradients) in enumerate(steps, 1):
        decay = of.get("weight_decay") or 0.0
        with np.errstate(all="ignore"):
            yield [
                W - rate * decay * W + rule(kept, g, t, rate, of, role)
                for W, g, kept, role in zip(weights, gradients, memory, roles, strict=True)
            ]


def _sgd(kept: dict[str, Any], g: Array, t: int, rate: float, of: dict[str, Any], role: str) -> Array:
    momentum = 0.0 if of.get("plain_biases") and role == "bias" else of["momentum"]
    old = kept.get("v", np.zeros_like(g))
    v = kept["v"] = momentum * old - (1 - momentum if of.get("average") else 1.0) * rate * g
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
