"""Known bugs of the forward pass: inputs, Z, activations, softmax."""

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from functools import cache
from itertools import pairwise

import numpy as np
import scipy

from compare.faults.fault import EACH, Fault, Observed, Parameter, Place
from compare.faults.fitting import flat, nice, ratio, retaken
from compare.mathematics.functions import Array, Function, function, leaky, softmax
from compare.mathematics.rules import Rules
from compare.mathematics.step import Step
from compare.recipe.architecture import Architecture, slope_of

# Slopes to begin with: those people write lie between them, so that they show as a crossing.
NODES, GRID = np.linspace(-0.017, 0.513, 4).tolist(), np.linspace(-0.017, 0.513, 12).tolist()
NONE = 1e-9  # a smaller slope is none
SPANNED = 0.1  # what part of an update those of the nodes may miss together
NEAR = 0.2  # what part of an update the best slope of the grid may miss
UNSHIFTED, LOG_OF_ZERO = "softmax without the max shift", "log of a probability that underflows"


class Scaling(StrEnum):
    """What is done to each batch."""

    STANDARDISED = "standardised"
    CENTRED = "centred"
    BY_MAXIMUM = "divided by the maximum"
    TO_UNIT = "scaled to [0, 1]"


def inputs_scaled(rules: Rules, how: Scaling) -> Rules:
    """The network rescales its inputs itself."""

    def inputs(step: Step) -> Array:
        X = rules.inputs(step)
        if how == Scaling.STANDARDISED:
            spread = X.std(axis=0)
            return (X - X.mean(axis=0)) / np.where(spread == 0, 1, spread)
        if how == Scaling.CENTRED:
            return X - X.mean(axis=0)
        if how == Scaling.BY_MAXIMUM:
            return X / np.abs(X).max()
        low, high = X.min(axis=0), X.max(axis=0)
        return (X - low) / np.where(high == low, 1, high - low)

    return replace(rules, inputs=inputs)


def no_bias(rules: Rules, place: Place) -> Rules:
    """Z = XW, in one layer or in each."""

    def affine(step: Step, layer: int) -> Array:
        return step.A[layer] @ step.kernel(layer) if place in (layer, EACH) else rules.affine(step, layer)

    return replace(rules, affine=affine)


def _layers(architecture: Architecture) -> list[Parameter]:
    return [(EACH,), *((layer,) for layer in range(architecture.depth))]


def wrong_activation(rules: Rules, layer: int | str, name: str) -> Rules:
    """A hidden layer, or each, has another activation, forward and backward."""
    return replace(
        rules,
        function=lambda step, own: function(name) if layer in (own, EACH) else rules.function(step, own),
    )


def _wrong_activations(architecture: Architecture) -> list[Parameter]:
    places: list[int | str] = list(range(len(architecture.activations)))
    if len(places) > 1:
        places.append(EACH)
    names = [
        "linear",
        "relu",
        "sigmoid",
        "tanh",
        *(f"leaky_relu({slope})" for slope in (0.01, 0.1, 0.2, 0.3)),
    ]
    return [
        (place, name)
        for place in places
        for name in names
        if name not in ({*architecture.activations} if place == EACH else {architecture.activations[int(place)]})
    ]


def output_activation(rules: Rules, name: str, backward: bool) -> Rules:
    """The hidden activation is applied to the logits too, and its derivative to their error, or not."""
    phi: Function = function(name)

    def logits(step: Step) -> Array:
        Z = rules.logits(step)
        A = phi.value(Z)
        if backward:
            step.within["output slope"] = phi.derivative(Z, A)
        return A

    return replace(rules, logits=logits, error=lambda step: rules.error(step) * step.within.get("output slope", 1.0))


def _hidden_functions(architecture: Architecture) -> list[Parameter]:
    names = dict.fromkeys((*architecture.activations, "relu", "sigmoid", "tanh"))
    return [(name, backward) for name in names if name != "linear" for backward in (True, False)]


def log_loss(step: Step, P: Array) -> float:
    """The mean of -log p of the labels."""
    return float(np.mean(-np.log(P[np.arange(step.n), step.y])))


def double_softmax(rules: Rules, through: bool) -> Rules:
    """Softmax of softmax; `through`: differentiated through both, else P - Y is taken as the logits' error."""

    def error(step: Step) -> Array:
        dP = rules.error(step)
        inner = softmax(step.Z[-1])
        return inner * (dP - (inner * dP).sum(axis=1, keepdims=True)) if through else dP

    return replace(
        rules,
        output=lambda step, e: softmax(rules.output(step, e)),
        loss=lambda step: log_loss(step, step.P),
        error=error,
    )


class Axis(StrEnum):
    """What the probabilities are made to add up to 1 over, other than the classes."""

    SAMPLES = "the samples of the batch"
    ALL = "samples and classes together"


class Shift(StrEnum):
    """What is subtracted from the logits before exp."""

    ROW = "each sample's largest"
    NONE = "nothing"
    BATCH = "the batch's largest"
    COLUMN = "each class's largest over the batch"


def _shifted(step: Step, by: Shift) -> Array:
    Z = step.Z[-1]
    match by:
        case Shift.NONE:
            return Z
        case Shift.ROW:
            return Z - Z.max(axis=1, keepdims=True)
        case Shift.COLUMN:
            return Z - Z.max(axis=0, keepdims=True)
        case _:
            return Z - Z.max()


def wrong_axis(rules: Rules, axis: Axis, by: Shift) -> Rules:
    """The softmax normalises over something else than the classes; then the shift matters too."""

    def output(step: Step, e: Array) -> Array:
        return e / (e.sum(axis=0, keepdims=True) if axis == Axis.SAMPLES else e.sum())

    return replace(
        rules, shift=lambda step: _shifted(step, by), output=output, loss=lambda step: log_loss(step, step.P)
    )


def shift(rules: Rules, by: Shift) -> Rules:
    """The logits are shifted by too little or too much: exp overflows, or a whole row underflows."""
    return replace(rules, shift=lambda step: _shifted(step, by))


def shifted_along(rules: Rules, by: Shift) -> Rules:
    """Another number is subtracted from each class: the loss, of these probabilities, changes too."""
    return replace(shift(rules, by), loss=lambda step: log_loss(step, step.P))


def clipped_logits(rules: Rules, limit: float) -> Rules:
    """Logits are cut to [-limit, limit] before exp, which their gradient ignores."""
    return replace(rules, shift=lambda step: np.clip(step.Z[-1], -limit, limit))


LIMITS = (500.0, 700.0, 709.0, 710.0, 600.0, 300.0, 250.0, 200.0, 100.0, 88.0, 50.0, 30.0, 20.0)


class Written(StrEnum):
    """How an activation is written, so that it is NaN far out."""

    TANH = "tanh as (exp(Z) - exp(-Z)) / (exp(Z) + exp(-Z))"
    TANH_TWICE = "tanh as (exp(2 Z) - 1) / (exp(2 Z) + 1)"
    SIGMOID = "the sigmoid as exp(Z) / (1 + exp(Z))"

    @property
    def activation(self) -> str:
        """Which activation it is."""
        return "sigmoid" if self == Written.SIGMOID else "tanh"

    def compute(self, Z: Array) -> Array:
        """Return it, as it comes out."""
        e = np.exp(2 * Z if self == Written.TANH_TWICE else Z)
        if self == Written.TANH:
            return (e - np.exp(-Z)) / (e + np.exp(-Z))
        return (e - 1) / (e + 1) if self == Written.TANH_TWICE else e / (1 + e)


def activation_overflows(rules: Rules, how: Written) -> Rules:
    """A hidden activation is infinity over infinity far out."""

    def own(step: Step, layer: int) -> Function:
        phi = rules.function(step, layer)
        return replace(phi, value=how.compute) if step.architecture.activations[layer] == how.activation else phi

    return replace(rules, function=own)


def leaky_slope(rules: Rules, slope: float) -> Rules:
    """ReLU layers, or leaky ones, have this slope below zero."""

    def own(step: Step, layer: int) -> Function:
        name = step.architecture.activations[layer]
        return leaky(slope) if name == "relu" or slope_of(name) is not None else function(name)

    return replace(rules, function=own)


def _fit_slope(run: list[Observed], base: Rules) -> list[Parameter]:
    """Find the slopes that give the first step's loss, and the one that gives its update up to a factor.

    The update finds it where other faults change the loss or the scale.
    """
    first = run[0]
    if not any(name == "relu" or slope_of(name) is not None for name in first.step.architecture.activations):
        return []

    @cache
    def sloped(slope: float) -> Observed:
        return retaken(first, leaky_slope(base, slope), base)

    return [(slope,) for slope in nice([*_slopes_of_loss(first, sloped), *_slope_of_update(first, sloped)])]


def _slopes_of_loss(first: Observed, sloped: Callable[[float], Observed]) -> list[float]:
    if (loss := first.loss) is None:
        return []

    def gap(slope: float) -> float:
        return sloped(slope).step.loss - loss

    if gap(-NONE) * gap(NONE) <= 0:
        return []  # it is what a slope of 0 gives
    slopes = (
        float(scipy.optimize.brentq(gap, low, high, xtol=1e-15, rtol=1e-14))
        for low, high in pairwise(NODES)
        if np.isfinite([gap(low), gap(high)]).all() and gap(low) * gap(high) < 0
    )
    return [slope for slope in slopes if abs(slope) > NONE]


def _slope_of_update(first: Observed, sloped: Callable[[float], Observed]) -> list[float]:
    """The best slope of a grid, refined; none, where what a few slopes give is far from spanning what was seen."""
    seen = flat(first.change)
    scale, span = np.linalg.norm(seen), np.stack([flat(sloped(slope).expected) for slope in NODES], axis=1)
    if not (np.isfinite(span).all() and np.isfinite(seen).all()):
        return []
    if np.linalg.norm(seen - span @ np.linalg.lstsq(span, seen, rcond=None)[0]) > SPANNED * scale:
        return []
    updates = [flat(sloped(slope).expected) for slope in GRID]
    factors = [ratio([seen], [update]) for update in updates]
    apart = [np.linalg.norm(seen - f * update) for f, update in zip(factors, updates, strict=True)]
    best = int(np.argmin(apart))
    if not apart[best] < NEAR * scale:
        return []

    def missed(both: Array) -> Array:
        return np.asarray((seen - both[1] * flat(sloped(both[0]).expected)) / scale)

    refined = scipy.optimize.least_squares(missed, (GRID[best], factors[best]), xtol=1e-15, ftol=1e-15, gtol=1e-15)
    return [float(refined.x[0])] if refined.cost < 1e-16 else []


FORWARD_FAULTS: tuple[Fault, ...] = (
    Fault(
        "inputs scaled",
        "the network scales its inputs itself: each batch is {0}",
        "scale the data set once, before both sides see it, and never inside the network",
        inputs_scaled,
        lambda architecture: [(how,) for how in Scaling],
        example=(Scaling.STANDARDISED,),
    ),
    Fault(
        "bias left out",
        "the forward pass of {0:layer} computes Z = A W and leaves b out",
        "add b to Z in every layer",
        no_bias,
        _layers,
        layer=0,
        example=(EACH,),
    ),
    Fault(
        "wrong activation",
        "{0:hidden layer} computes {1}, not the activation that it is checked with",
        "use the intended activation, forward and backward; if {1} is intended, name it: "
        "--activations, one for each hidden layer",
        wrong_activation,
        _wrong_activations,
        layer=0,
        example=(1, "tanh"),
    ),
    Fault(
        "activation on the output too",
        "{0} is applied to the logits before the softmax (its derivative in the backward pass: {1})",
        "feed the output layer's Z to the softmax directly",
        output_activation,
        _hidden_functions,
        example=("relu", True),
    ),
    Fault(
        "softmax applied twice",
        "the softmax is applied to its own output (differentiated through both: {0}); the loss sticks near log k",
        "apply the softmax once: either in the network or in the loss",
        double_softmax,
        lambda architecture: [(True,), (False,)],
        example=(False,),
    ),
    Fault(
        "softmax over the wrong axis",
        "the probabilities add up to 1 over {0}, not over the classes of a sample (subtracted before exp: {1})",
        "sum over the class axis (axis=1 where samples are rows)",
        wrong_axis,
        lambda architecture: [(axis, by) for axis in Axis for by in (Shift.NONE, Shift.ROW)],
        example=(Axis.SAMPLES, Shift.NONE),
        hides=lambda axis, by: (*[UNSHIFTED] * (by == Shift.NONE), LOG_OF_ZERO),
    ),
    Fault(
        UNSHIFTED,
        "exp(Z) overflows where logits are large, and the result is NaN",
        "subtract each sample's largest logit before exp; nothing else changes",
        shift,
        lambda architecture: [(Shift.NONE,)],
        example=(Shift.NONE,),
        warning="the softmax overflows where logits are large",
    ),
    Fault(
        "softmax shifted by the batch's maximum",
        "the largest logit of the whole batch is subtracted, so a sample whose logits lie far below becomes 0 / 0",
        "subtract each sample's own largest logit (axis=1, keepdims=True)",
        shift,
        lambda architecture: [(Shift.BATCH,)],
        example=(Shift.BATCH,),
        warning="the softmax of a sample far below the batch's largest logit is 0 / 0",
    ),
    Fault(
        "softmax shifted along the wrong axis",
        "{0} is subtracted before exp, which changes the probabilities",
        "subtract each sample's own largest logit (axis=1, keepdims=True)",
        shifted_along,
        lambda architecture: [(Shift.COLUMN,)],
        example=(Shift.COLUMN,),
    ),
    Fault(
        "logits clipped",
        "logits are clipped to [-{0}, {0}] before exp",
        "subtract each sample's largest logit instead",
        clipped_logits,
        lambda architecture: [(limit,) for limit in LIMITS],
        example=(50.0,),
        warning="probabilities are wrong where logits are clipped at {0}",
    ),
    Fault(
        "activation overflows",
        "{0} is infinity over infinity, so NaN, where Z is large",
        "use np.tanh; or, for a sigmoid, 1 / (1 + exp(-Z))",
        activation_overflows,
        lambda architecture: [(how,) for how in Written if how.activation in architecture.activations],
        example=(Written.TANH,),
        warning="a hidden activation is NaN where its input is large",
    ),
    Fault(
        "leaky slope",
        "ReLU layers have slope {0} below zero",
        "use the intended slope; if {0} is intended, say so: activations=('leaky_relu({0})', ...)",
        leaky_slope,
        lambda architecture: [],
        _fit_slope,
        example=(0.05,),
    ),
)
