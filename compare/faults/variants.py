"""What goes wrong beside any Keras model, whatever its layers: in gradients as a whole, and in a loss.

A variant is fitted to nothing and knows no layer: from Keras's own gradients it makes what the faulty code makes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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


def variant_of(name: str, words: str, fix: str, layer: int | None = None, reporting: bool = False) -> Fault:
    """A fault that is told by what it makes of Keras's own numbers; `layer` as in `Fault`."""
    return Fault(name, words, fix, _as_it_is, reporting=reporting, layer=layer)


@dataclass(frozen=True)
class OfGradients:
    """A fault of all gradients: from Keras's, the weights and what is known of the step."""

    fault: Fault
    make: Callable[[Tensors, Tensors, Facts], Tensors]


@dataclass(frozen=True)
class OfLoss:
    """A fault of the reported loss: from Keras's, its penalty, and what is known of the step."""

    fault: Fault
    make: Callable[[float, float, Facts], float]


def _times(
    factor: Callable[[Facts], float], roles: Sequence[str] | None = None
) -> Callable[[Tensors, Tensors, Facts], Tensors]:
    """Multiply what comes from the data, in tensors of these roles or all; a penalty stays as it is."""

    def make(g: Tensors, W: Tensors, facts: Facts) -> Tensors:
        paid = zip(g, W, facts.roles, strict=True)
        penalties = [
            facts.l1 * np.sign(own) + 2 * facts.l2 * own if role == "kernel" else np.zeros_like(each)
            for each, own, role in paid
        ]
        tensors = zip(g, penalties, facts.roles, strict=True)
        return [
            factor(facts) * (each - own) + own if roles is None or role in roles else each
            for each, own, role in tensors
        ]

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
        OfGradients(
            variant_of(name, words, "make the gradients those of Keras's loss, or declare another"), _times(factor)
        )
        for name, words, factor in FACTORS
    ),
    *(
        OfGradients(variant_of(name, words, fix), _times(factor, roles))
        for name, words, fix, factor, roles in (
            (
                "bias gradient averaged",
                "gradients of biases are divided by the number of samples once more",
                "sum the error over samples",
                lambda f: 1 / f.n,
                ("bias",),
            ),
            (
                "bias gradient not averaged",
                "gradients of biases are summed over the samples of a batch",
                "average them as those of kernels",
                lambda f: float(f.n),
                ("bias",),
            ),
            ("biases not trained", "biases stay as they are", "update them", lambda f: 0.0, ("bias",)),
            ("scales not trained", "gamma stays as it is", "update it", lambda f: 0.0, ("scale",)),
            (
                "recurrent kernels not trained",
                "recurrent kernels stay as they are",
                "update them",
                lambda f: 0.0,
                ("recurrent",),
            ),
        )
    ),
    OfGradients(
        variant_of("L2 penalty halved", "the penalty's gradient is l2 * W; Keras's is 2 * l2 * W", "use 2 * l2 * W"),
        _penalised(lambda f: -f.l2),
    ),
    OfGradients(
        variant_of(
            "L2 penalty divided by the batch size",
            "the penalty is divided by the number of samples",
            "do not divide it",
        ),
        _penalised(lambda f: 2 * f.l2 * (1 / f.n - 1)),
    ),
    OfGradients(
        variant_of(
            "L2 penalty halved and divided by the batch size", "the penalty's gradient is l2 / n * W", "use 2 * l2 * W"
        ),
        _penalised(lambda f: f.l2 * (1 / f.n - 2)),
    ),
    OfGradients(
        variant_of("L2 penalty left out", "the gradient has no penalty in it", "add 2 * l2 * W"),
        _penalised(lambda f: -2 * f.l2),
    ),
    OfGradients(
        variant_of("L2 penalty of biases too", "biases are penalised as kernels are", "leave biases out of it"),
        _penalised(lambda f: 2 * f.l2, ("bias",)),
    ),
)


def _loss(name: str, words: str, make: Callable[[float, float, Facts], float]) -> OfLoss:
    return OfLoss(variant_of(name, words, "report the loss as Keras does", reporting=True), make)


def _data_times(factor: Callable[[Facts], float]) -> Callable[[float, float, Facts], float]:
    """Multiply the part of the loss that comes from the data."""
    return lambda loss, penalty, facts: (loss - penalty) * factor(facts) + penalty


LOSSES = (
    _loss("loss summed, not averaged", "it is summed over the samples", _data_times(lambda f: f.n)),
    _loss("loss summed over the outputs", "it is no mean over the outputs", _data_times(lambda f: f.outputs)),
    _loss("loss halved", "it is half of Keras's", _data_times(lambda f: 0.5)),
    _loss("loss halved and summed over the outputs", "half the sum over outputs", _data_times(lambda f: f.outputs / 2)),
    _loss("loss in bits", "it takes logarithms to base 2", _data_times(lambda f: 1 / np.log(2))),
    _loss("loss in decimal logarithms", "it takes log10", _data_times(lambda f: 1 / np.log(10))),
    _loss("loss averaged over outputs", "it is divided by the number of outputs", _data_times(lambda f: 1 / f.outputs)),
    _loss("penalty not in the reported loss", "it lacks the penalty, which Keras adds", lambda L, p, f: L - p),
    _loss("penalty halved in the reported loss", "it has half the penalty", lambda L, p, f: L - p / 2),
    _loss("penalty divided by the batch size in the reported loss", "its penalty is divided by the number of samples",
          lambda L, p, f: L - p + p / f.n),
)  # fmt: skip
