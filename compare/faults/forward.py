"""Known bugs of the forward pass: inputs, Z, activations, softmax."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from compare.faults.fault import Fault, Parameter
from compare.faults.mathematics import Array, Function, Rules, Setting, Step, function, softmax

Sizes = Sequence[int]


def inputs_scaled(rules: Rules, how: str) -> Rules:
    """The network rescales its inputs itself."""

    def inputs(step: Step) -> Array:
        X = rules.inputs(step)
        if how == "standardised":
            spread = X.std(axis=0)
            return (X - X.mean(axis=0)) / np.where(spread == 0, 1, spread)
        if how == "centred":
            return X - X.mean(axis=0)
        if how == "divided by the maximum":
            return X / np.abs(X).max()
        low, high = X.min(axis=0), X.max(axis=0)
        return (X - low) / np.where(high == low, 1, high - low)

    return replace(rules, inputs=inputs)


def no_bias(rules: Rules) -> Rules:
    """Z = XW."""
    return replace(rules, affine=lambda step, layer: step.A[layer] @ step.weights[2 * layer])


def wrong_activation(rules: Rules, layer: int | str, name: str) -> Rules:
    """A hidden layer, or each, has another activation, forward and backward."""
    return replace(
        rules,
        function=lambda step, own: function(name) if layer in (own, "each") else rules.function(step, own),
    )


def _wrong_activations(setting: Setting, sizes: Sizes) -> list[Parameter]:
    places: list[int | str] = list(range(len(setting.activations)))
    if len(places) > 1:
        places.append("each")
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
        if name not in ({*setting.activations} if place == "each" else {setting.activations[int(place)]})
    ]


def output_activation(rules: Rules, name: str, backward: bool) -> Rules:
    """The hidden activation is applied to the logits too, and its derivative to their error, or not."""
    phi: Function = function(name)

    def logits(step: Step) -> Array:
        Z = rules.logits(step)
        A = phi.value(Z)
        if backward:
            step.memory["output slope"] = phi.derivative(Z, A)
        return A

    return replace(rules, logits=logits, error=lambda step: rules.error(step) * step.memory.pop("output slope", 1.0))


def _hidden_functions(setting: Setting, sizes: Sizes) -> list[Parameter]:
    names = dict.fromkeys((*setting.activations, "relu", "sigmoid", "tanh"))
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
        output=lambda step: softmax(rules.output(step)),
        loss=lambda step: log_loss(step, step.P),
        error=error,
    )


def softmax_over_samples(rules: Rules) -> Rules:
    """The softmax normalises over the samples."""
    return replace(rules, output=lambda step: softmax(step.Z[-1], axis=0), loss=lambda step: log_loss(step, step.P))


def unshifted_softmax(rules: Rules) -> Rules:
    """exp(Z) overflows where Z is large."""

    def output(step: Step) -> Array:
        e = np.exp(step.Z[-1])
        return e / e.sum(axis=1, keepdims=True)

    return replace(rules, output=output, loss=lambda step: log_loss(step, step.P))


FORWARD_FAULTS: tuple[Fault, ...] = (
    Fault(
        "inputs scaled",
        "the network scales its inputs itself: each batch is {0}",
        "scale the data set once, before both sides see it, and never inside the network",
        inputs_scaled,
        lambda setting, sizes: [("standardised",), ("centred",), ("divided by the maximum",), ("scaled to [0, 1]",)],
        example=("standardised",),
    ),
    Fault(
        "bias left out",
        "the forward pass computes Z = A W and leaves b out",
        "add b to Z in every layer",
        no_bias,
    ),
    Fault(
        "wrong activation",
        "hidden layer {0} computes {1}, not the activation that it is checked with",
        "use the intended activation, forward and backward; if {1} is intended, name it: "
        "--activations, one for each hidden layer",
        wrong_activation,
        _wrong_activations,
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
        lambda setting, sizes: [(True,), (False,)],
        example=(False,),
    ),
    Fault(
        "softmax over the wrong axis",
        "the softmax normalises over the samples of the batch, not over the classes",
        "sum over the class axis (axis=1 where samples are rows)",
        softmax_over_samples,
    ),
    Fault(
        "softmax without the max shift",
        "exp(Z) overflows where logits are large, and the result is NaN",
        "subtract each sample's largest logit before exp; nothing else changes",
        unshifted_softmax,
    ),
)
