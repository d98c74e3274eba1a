"""Known bugs of the backward pass below the output, and of what a network keeps from one step to the next."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from compare.faults.fault import Fault, Parameter
from compare.faults.loss import count
from compare.faults.mathematics import Array, Rules, Setting, Step, sigmoid

Sizes = Sequence[int]


def _slope(rules: Rules, kind: str) -> Rules:
    def slope(step: Step, layer: int, Z: Array, A: Array, dA: Array) -> Array:
        match kind:
            case "missing":
                return np.ones_like(Z)
            case "mask from the gradient":
                return (dA > 0).astype(float)
            case "Z >= 0":
                return np.where(Z == 0, 1.0, rules.slope(step, layer, Z, A, dA))
            case "sigmoid's of Z":
                return sigmoid(Z) * (1 - sigmoid(Z))
            case "sigmoid's of A":
                return A * (1 - A)
            case "1 - A":
                return 1 - A
            case "of A":
                return step.functions[layer].derivative(A, step.functions[layer].value(A))
            case _:
                return step.functions[layer].derivative(Z, Z)

    return replace(rules, slope=slope)


def no_derivative(rules: Rules) -> Rules:
    """DZ = dA."""
    return _slope(rules, "missing")


def mask_from_gradient(rules: Rules) -> Rules:
    """DZ = dA where dA > 0."""
    return _slope(rules, "mask from the gradient")


def mask_at_zero(rules: Rules) -> Rules:
    """The derivative at exactly zero is 1."""
    return _slope(rules, "Z >= 0")


def sigmoid_derivative_on_relu(rules: Rules, of: str) -> Rules:
    """A sigmoid's derivative stands behind another activation."""
    return _slope(rules, f"sigmoid's of {of}")


def tanh_unsquared(rules: Rules) -> Rules:
    """1 - A, where tanh's derivative is 1 - A^2."""
    return _slope(rules, "1 - A")


def derivative_of_wrong(rules: Rules, of: str) -> Rules:
    """f'(A) where f'(Z) is meant, or A's formula with Z."""
    return _slope(rules, "of A" if of == "A" else "with Z for A")


def kernel_input(rules: Rules, kind: str) -> Rules:
    """DW from the wrong array: the layer's own output, Z before the activation, or an earlier step's input."""

    def kernel(step: Step, layer: int, A: Array) -> Array:
        wrong: Any = A
        if kind == "Z of the layer below":
            wrong = step.Z[layer - 1] if layer else A
        elif kind == "its own output" and layer < step.depth - 1:
            wrong = step.A[layer + 1] if step.A[layer + 1].shape[1] == A.shape[1] else A
        elif kind == "the previous step's input":
            wrong = step.memory.get(("input", layer), A)
            step.memory["input", layer] = A
        elif kind == "the first step's input":
            wrong = step.memory.setdefault(("input", layer), A)
        return rules.kernel(step, layer, wrong)

    return replace(rules, kernel=kernel)


def _kernel_inputs(setting: Setting, sizes: Sizes) -> list[Parameter]:
    kinds = ["Z of the layer below", "the previous step's input", "the first step's input"]
    if any(a == b for a, b in itertools.pairwise(sizes)):
        kinds.append("its own output")
    return [(kind,) for kind in kinds]


def untransposed(rules: Rules) -> Rules:
    """DA = dZ W, where the kernel is square and lets it pass."""

    def carry(step: Step, layer: int) -> Array:
        W = step.weights[2 * layer]
        if W.shape[0] != W.shape[1]:
            return rules.carry(step, layer)
        turned = list(step.weights)
        turned[2 * layer] = W.T
        return rules.carry(replace(step, weights=turned), layer)

    return replace(rules, carry=carry)


def _if_square(setting: Setting, sizes: Sizes) -> list[Parameter]:
    return [()] if any(a == b for a, b in itertools.pairwise(sizes)) else []


def early_update(rules: Rules) -> Rules:
    """A layer's kernel is updated before it carries the error down."""

    def carry(step: Step, layer: int) -> Array:
        W, rate = step.weights[2 * layer], step.setting.learning_rate
        moved = list(step.weights)
        moved[2 * layer] = W - rate * step.dW[layer]
        return rules.carry(replace(step, weights=moved), layer)

    return replace(rules, carry=carry)


def stale_activations(rules: Rules) -> Rules:
    """The backward pass reads the first step's A and Z, for ever."""
    return replace(rules, cache=lambda step: step.memory.setdefault("first cache", rules.cache(step)))


def late_activations(rules: Rules) -> Rules:
    """The backward pass reads the previous step's A and Z."""

    def cache(step: Step) -> tuple[list[Array], list[Array]]:
        now = rules.cache(step)
        last = step.memory.get("last cache", now)
        step.memory["last cache"] = now
        return last

    return replace(rules, cache=cache)


def bias_scaled(rules: Rules, by: str) -> Rules:
    """Bias gradients are averaged once more, or left out."""
    return replace(
        rules,
        bias=lambda step, layer: rules.bias(step, layer) * (0.0 if by == "0" else count(step, by)),
    )


def uncleared_gradients(rules: Rules) -> Rules:
    """Each step adds its gradients to the sum of all before."""

    def gradients(step: Step) -> list[Array]:
        now = rules.gradients(step)
        step.memory["sum"] = [g + old for g, old in zip(now, step.memory.get("sum", [0.0] * len(now)), strict=True)]
        return step.memory["sum"]

    return replace(rules, gradients=gradients)


def frozen(rules: Rules, layer: int | str) -> Rules:
    """One layer's weights stay as they are."""
    return replace(
        rules,
        update=lambda step: [
            old if layer in (index // 2, "each") else new
            for index, (old, new) in enumerate(zip(step.weights, rules.update(step), strict=True))
        ],
    )


def frozen_biases(rules: Rules, layer: int | str) -> Rules:
    """A layer's bias, or each, is never updated, though its gradient is right."""
    return replace(
        rules,
        update=lambda step: [
            old if index % 2 and layer in (index // 2, "each") else new
            for index, (old, new) in enumerate(zip(step.weights, rules.update(step), strict=True))
        ],
    )


BACKWARD_FAULTS: tuple[Fault, ...] = (
    Fault(
        "activation derivative missing",
        "the backward pass leaves the hidden activations' derivative out",
        "multiply dA by f'(Z)",
        no_derivative,
    ),
    Fault(
        "ReLU mask taken from the gradient",
        "the mask is where the gradient is positive, not where Z is",
        "mask by Z > 0",
        mask_from_gradient,
    ),
    Fault(
        "ReLU mask with Z >= 0",
        "the derivative at exactly zero is taken as 1; Keras takes 0",
        "mask by Z > 0",
        mask_at_zero,
    ),
    Fault(
        "sigmoid's derivative on another activation",
        "the backward pass uses the sigmoid's derivative (of {0}) behind hidden layers that are no sigmoids",
        "use the derivative of the activation that the forward pass applies",
        sigmoid_derivative_on_relu,
        lambda setting, sizes: [("Z",), ("A",)],
        example=("A",),
    ),
    Fault(
        "tanh's derivative without the square",
        "the backward pass uses 1 - A behind tanh, whose derivative is 1 - A squared",
        "use 1 - A * A",
        tanh_unsquared,
    ),
    Fault(
        "derivative of the wrong one of Z and A",
        "the derivative is given {0} where its formula needs the other",
        "pass Z to formulas in Z, and A to formulas in A such as A (1 - A)",
        derivative_of_wrong,
        lambda setting, sizes: [("A",), ("Z",)],
        example=("A",),
    ),
    Fault(
        "dW from the wrong input",
        "the kernel gradients are computed from {0}, not from the layer's input",
        "compute dW of a layer from the A that went into it in this step",
        kernel_input,
        _kernel_inputs,
        example=("Z of the layer below",),
    ),
    Fault(
        "W transposed in backprop",
        "a square kernel carries the error down untransposed",
        "use dZ Wᵀ (for samples as rows)",
        untransposed,
        _if_square,
    ),
    Fault(
        "weights updated during backprop",
        "each layer is updated before its kernel carries the error down",
        "compute all gradients first, then update",
        early_update,
    ),
    Fault(
        "stale activations",
        "the backward pass keeps using the activations of the first step: the list they are stored in is never cleared",
        "clear the stored list before each forward pass; that restores parity",
        stale_activations,
    ),
    Fault(
        "activations one step late",
        "the backward pass uses the activations of the previous step",
        "store this step's activations before the backward pass reads them",
        late_activations,
    ),
    Fault(
        "bias gradient averaged",
        "the bias gradient is multiplied by {0} once more than the kernel's",
        "sum dZ over the samples for db, as for dW",
        bias_scaled,
        lambda setting, sizes: [("1 / the batch size",), ("the batch size",)],
        example=("1 / the batch size",),
    ),
    Fault(
        "bias gradient missing",
        "the bias gradients are zero",
        "compute db as the sum of dZ over the samples",
        bias_scaled,
        lambda setting, sizes: [("0",)],
        example=("0",),
    ),
    Fault(
        "gradients not cleared",
        "each step adds its gradients to those of all steps before",
        "set the gradients to zero before each backward pass",
        uncleared_gradients,
    ),
    Fault(
        "a layer frozen",
        "layer {0} is never updated",
        "include every layer in the update loop",
        frozen,
        lambda setting, sizes: [*((layer,) for layer in range(len(sizes) - 1)), ("each",)],
        example=(1,),
    ),
    Fault(
        "biases never updated",
        "the bias of layer {0} is never updated, though its gradient may be right",
        "update the biases as the kernels",
        frozen_biases,
        lambda setting, sizes: [("each",), *((layer,) for layer in range(len(sizes) - 1))],
        example=("each",),
    ),
)
