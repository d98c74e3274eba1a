"""Known bugs of the backward pass below the output, and of what a network keeps from one step to the next."""

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from itertools import pairwise
from typing import Any

import numpy as np

from compare.faults.counts import Count
from compare.faults.fault import EACH, Fault, Parameter, Place
from compare.faults.fitting import affine
from compare.mathematics.functions import Array, sigmoid
from compare.mathematics.rules import Rules
from compare.mathematics.step import Step
from compare.recipe.architecture import Architecture, Weight, slope_of


class Slope(StrEnum):
    """What stands where the derivative f'(Z) belongs."""

    ONE = "nothing"
    MASK_OF_GRADIENT = "the mask dA > 0"
    OF_GRADIENT = "f' of the incoming gradient"
    SIGMOID_OF_Z = "the sigmoid's derivative of Z"
    SIGMOID_OF_A = "the sigmoid's derivative, A (1 - A)"
    TANH_UNSQUARED = "1 - A"
    OF_A = "f' of A"
    Z_FOR_A = "f' with Z for A"
    A = "A itself"
    OF_PRODUCT = "f' of A W, without the bias"

    def of(self, step: Step, layer: int, Z: Array, A: Array, dA: Array) -> Array:
        """Return its value."""
        phi = step.functions[layer]
        match self:
            case Slope.ONE:
                return np.ones_like(Z)
            case Slope.MASK_OF_GRADIENT:
                return (dA > 0).astype(float)
            case Slope.OF_GRADIENT:
                return phi.derivative(dA, phi.value(dA))
            case Slope.SIGMOID_OF_Z:
                return sigmoid(Z) * (1 - sigmoid(Z))
            case Slope.SIGMOID_OF_A:
                return A * (1 - A)
            case Slope.TANH_UNSQUARED:
                return 1 - A
            case Slope.OF_A:
                return phi.derivative(A, phi.value(A))
            case Slope.Z_FOR_A:
                return phi.derivative(Z, Z)
            case Slope.OF_PRODUCT:
                product = Z - step.bias(layer)
                return phi.derivative(product, phi.value(product))
            case _:
                return A


def wrong_slope(rules: Rules, which: Slope, place: Place = EACH) -> Rules:
    """Something else stands where the derivative of a hidden layer, or of each, belongs."""

    def slope(step: Step, layer: int, Z: Array, A: Array, dA: Array) -> Array:
        if place not in (layer, EACH):
            return rules.slope(step, layer, Z, A, dA)
        return which.of(step, layer, Z, A, dA)

    return replace(rules, slope=slope)


def _hidden(architecture: Architecture) -> list[Place]:
    """Each hidden layer at once, then one by one."""
    layers: list[Place] = list(range(architecture.depth - 1))
    return [EACH, *layers] if len(layers) > 1 else layers


def _slopes(*which: Slope) -> Callable[[Architecture], list[Parameter]]:
    return lambda architecture: [(each, place) for each in which for place in _hidden(architecture)]


def backward_slope(rules: Rules, slope: float) -> Rules:
    """ReLU layers, or leaky ones, have this slope below zero in the backward pass alone."""

    def own(step: Step, layer: int, Z: Array, A: Array, dA: Array) -> Array:
        name = step.architecture.activations[layer]
        plain = rules.slope(step, layer, Z, A, dA)
        return np.where(Z > 0, 1.0, slope) if name == "relu" or slope_of(name) is not None else plain

    return replace(rules, slope=own)


def mask_at_zero(rules: Rules) -> Rules:
    """The derivative at exactly zero is 1."""

    def slope(step: Step, layer: int, Z: Array, A: Array, dA: Array) -> Array:
        return np.where(Z == 0, 1.0, rules.slope(step, layer, Z, A, dA))

    return replace(rules, slope=slope)


def mask_by_assignment(rules: Rules) -> Rules:
    """dZ[Z <= 0] = 0 instead of dA * (Z > 0): it differs where dA is not finite."""
    return replace(rules, through=lambda step, dA, slope: np.where(slope == 0, 0.0, dA * slope))


class Input(StrEnum):
    """What dW is computed from instead of the layer's input."""

    Z_BELOW = "Z of the layer below"
    OUTPUT = "its own output"
    PREVIOUS = "the previous step's input"
    FIRST = "the first step's input"


def kernel_input(rules: Rules, kind: Input) -> Rules:
    """dW from the wrong array: the layer's own output, Z before the activation, or an earlier step's input."""

    def kernel(step: Step, layer: int, A: Array) -> Array:
        wrong: Any = A
        if kind == Input.Z_BELOW:
            wrong = step.Z[layer - 1] if layer else A
        elif kind == Input.OUTPUT and layer < step.depth - 1:
            wrong = step.A[layer + 1] if step.A[layer + 1].shape[1] == A.shape[1] else A
        elif kind == Input.PREVIOUS:
            wrong = step.memory.get(("input", layer), A)
            step.memory["input", layer] = A
        elif kind == Input.FIRST:
            wrong = step.memory.setdefault(("input", layer), A)
        return rules.kernel(step, layer, wrong)

    return replace(rules, kernel=kernel)


def _kernel_inputs(architecture: Architecture) -> list[Parameter]:
    kinds = [Input.Z_BELOW, Input.PREVIOUS, Input.FIRST]
    return [(kind,) for kind in (*kinds, *([Input.OUTPUT] if architecture.has_square_kernel else []))]


def untransposed(rules: Rules) -> Rules:
    """dA = dZ W, where the kernel is square and lets it pass."""

    def carry(step: Step, layer: int) -> Array:
        W = step.kernel(layer)
        square = W.shape[0] == W.shape[1]
        return rules.carry(step.with_kernel(layer, W.T) if square else step, layer)

    return replace(rules, carry=carry)


def _if_square(architecture: Architecture) -> list[Parameter]:
    return [()] if architecture.has_square_kernel else []


def early_update(rules: Rules) -> Rules:
    """A layer's kernel is updated before it carries the error down."""

    def carry(step: Step, layer: int) -> Array:
        moved = step.kernel(layer) - step.learning_rate * step.dW[layer]
        return rules.carry(step.with_kernel(layer, moved), layer)

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


def kernel_transposed(rules: Rules, place: Place) -> Rules:
    """dW of a square layer, or of each, comes out transposed, and fits."""

    def kernel(step: Step, layer: int, A: Array) -> Array:
        dW = rules.kernel(step, layer, A)
        return dW.T if place in (layer, EACH) and dW.shape[0] == dW.shape[1] else dW

    return replace(rules, kernel=kernel)


def _square(architecture: Architecture) -> list[Parameter]:
    square: list[Parameter] = [(layer,) for layer, (a, b) in enumerate(pairwise(architecture.sizes)) if a == b]
    return [(EACH,), *square] if len(square) > 1 else square


def bias_of_everything(rules: Rules) -> Rules:
    """db is one number for all units: the sum over samples and units."""

    def bias(step: Step, layer: int) -> Array:
        db = rules.bias(step, layer)
        return np.full_like(db, db.sum())

    return replace(rules, bias=bias)


def bias_without_slope(rules: Rules) -> Rules:
    """db of hidden layers is the sum of dA, before the derivative of the activation."""

    def bias(step: Step, layer: int) -> Array:
        return rules.carry(step, layer + 1).sum(axis=0) if layer < step.depth - 1 else rules.bias(step, layer)

    return replace(rules, bias=bias)


def kernel_of_means(rules: Rules) -> Rules:
    """dW is the product of the batch's means of A and dZ, not the mean of the products."""

    def kernel(step: Step, layer: int, A: Array) -> Array:
        return np.outer(A.mean(axis=0), step.dZ[layer].sum(axis=0))

    return replace(rules, kernel=kernel)


def carry_averaged(rules: Rules) -> Rules:
    """dA is the mean over the units above, not their sum."""
    return replace(rules, carry=lambda step, layer: rules.carry(step, layer) / step.kernel(layer).shape[1])


class Sample(StrEnum):
    """One sample of the batch."""

    FIRST = "first"
    LAST = "last"

    @property
    def row(self) -> int:
        """Its row."""
        return 0 if self == Sample.FIRST else -1


def bias_of_one_sample(rules: Rules, which: Sample) -> Rules:
    """db is dZ of one sample of the batch."""
    return replace(rules, bias=lambda step, layer: step.dZ[layer][which.row])


def sample_left_out(rules: Rules, which: Sample) -> Rules:
    """One sample's error does not reach the gradient, though it counts in the average."""

    def error(step: Step) -> Array:
        found = rules.error(step).copy()
        if step.n > 1:
            found[which.row] = 0
        return found

    return replace(rules, error=error)


def bias_scaled(rules: Rules, by: Count) -> Rules:
    """Bias gradients are off by a count."""
    return replace(rules, bias=lambda step, layer: rules.bias(step, layer) * by.of(step))


def kernel_averaged_again(rules: Rules) -> Rules:
    """Kernel gradients are divided by the batch size once more."""
    return replace(rules, kernel=lambda step, layer, A: rules.kernel(step, layer, A) / step.n)


def no_bias_gradient(rules: Rules) -> Rules:
    """Bias gradients are zero."""
    return replace(rules, bias=lambda step, layer: np.zeros_like(rules.bias(step, layer)))


def uncleared_gradients(rules: Rules) -> Rules:
    """Each step adds its gradients to the sum of all before."""

    def gradients(step: Step) -> list[Array]:
        now = rules.gradients(step)
        step.memory["sum"] = [g + old for g, old in zip(now, step.memory.get("sum", [0.0] * len(now)), strict=True)]
        return step.memory["sum"]

    return replace(rules, gradients=gradients)


def frozen(rules: Rules, layer: int | str) -> Rules:
    """One layer's weights, or all, stay as they are."""
    return _frozen(rules, lambda weight: layer in (weight.layer, EACH))


def _frozen(rules: Rules, stays: Callable[[Weight], bool]) -> Rules:
    def update(step: Step) -> list[Array]:
        tensors = zip(step.architecture.weights, step.weights, rules.update(step), strict=True)
        return [old if stays(weight) else new for weight, old, new in tensors]

    return replace(rules, update=update)


def frozen_biases(rules: Rules, layer: int | str) -> Rules:
    """A layer's bias, or each, is never updated, though its gradient is right."""
    return _frozen(rules, lambda weight: weight.role == "bias" and layer in (weight.layer, EACH))


BACKWARD_FAULTS: tuple[Fault, ...] = (
    Fault(
        "activation derivative missing",
        "the backward pass leaves the derivative of {1:hidden layer} out",
        "multiply dA by f'(Z)",
        wrong_slope,
        _slopes(Slope.ONE),
        layer=1,
        example=(Slope.ONE, EACH),
    ),
    Fault(
        "ReLU mask taken from the gradient",
        "the mask of {1:hidden layer} is where the gradient is positive, not where Z is",
        "mask by Z > 0",
        wrong_slope,
        _slopes(Slope.MASK_OF_GRADIENT),
        layer=1,
        example=(Slope.MASK_OF_GRADIENT, EACH),
    ),
    Fault(
        "derivative of the incoming gradient",
        "the derivative of {1:hidden layer} is taken of the gradient that comes in, not of Z",
        "compute f'(Z) from the Z or A of the forward pass",
        wrong_slope,
        _slopes(Slope.OF_GRADIENT),
        layer=1,
        example=(Slope.OF_GRADIENT, EACH),
    ),
    Fault(
        "ReLU mask with Z >= 0",
        "the derivative at exactly zero is taken as 1; Keras takes 0",
        "mask by Z > 0",
        mask_at_zero,
        warning="a ReLU whose input is exactly zero passes the gradient, where Keras's does not",
    ),
    Fault(
        "ReLU mask by assignment",
        "gradients are set to 0 where Z is not positive, instead of multiplied by 0",
        "nothing: it is as right as a product",
        mask_by_assignment,
        manner=True,
    ),
    Fault(
        "sigmoid's derivative on another activation",
        "{0} stands behind {1:hidden layer}, which is no sigmoid",
        "use the derivative of the activation that the forward pass applies",
        wrong_slope,
        _slopes(Slope.SIGMOID_OF_Z, Slope.SIGMOID_OF_A),
        layer=1,
        example=(Slope.SIGMOID_OF_A, EACH),
    ),
    Fault(
        "tanh's derivative without the square",
        "the backward pass uses 1 - A behind {1:hidden layer}, whose tanh has the derivative 1 - A squared",
        "use 1 - A * A",
        wrong_slope,
        _slopes(Slope.TANH_UNSQUARED),
        layer=1,
        example=(Slope.TANH_UNSQUARED, EACH),
    ),
    Fault(
        "derivative of the wrong one of Z and A",
        "{0} stands behind {1:hidden layer}, where the formula needs the other",
        "pass Z to formulas in Z, and A to formulas in A such as A (1 - A)",
        wrong_slope,
        _slopes(Slope.OF_A, Slope.Z_FOR_A),
        layer=1,
        example=(Slope.OF_A, EACH),
    ),
    Fault(
        "hidden error multiplied by the output",
        "the error of {1:hidden layer} is multiplied by A, not by the derivative",
        "multiply dA by f'(Z): for a sigmoid A (1 - A), for ReLU Z > 0",
        wrong_slope,
        _slopes(Slope.A),
        layer=1,
        example=(Slope.A, EACH),
    ),
    Fault(
        "derivative without the bias",
        "the derivative of {1:hidden layer} is taken of the product A W, before the bias is added",
        "take the derivative of Z, with the bias in it",
        wrong_slope,
        _slopes(Slope.OF_PRODUCT),
        layer=1,
        example=(Slope.OF_PRODUCT, EACH),
    ),
    Fault(
        "another leaky slope in the backward pass",
        "the backward pass takes the slope {0} below zero, which the forward pass does not",
        "use one slope, forward and backward",
        backward_slope,
        lambda architecture: [],
        lambda run, base: list(affine(backward_slope, run, base)),
        example=(0.3,),
    ),
    Fault(
        "dW from the wrong input",
        "the kernel gradients are computed from {0}, not from the layer's input",
        "compute dW of a layer from the A that went into it in this step",
        kernel_input,
        _kernel_inputs,
        example=(Input.Z_BELOW,),
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
        lambda architecture: [(Count.PER_BATCH,), (Count.BATCH,)],
        example=(Count.PER_BATCH,),
    ),
    Fault(
        "kernel gradient averaged twice",
        "the kernel gradients are divided by the batch size once more than the biases'",
        "divide dZ of the output by the batch size, and nothing after it",
        kernel_averaged_again,
    ),
    Fault(
        "bias gradient missing",
        "the bias gradients are zero",
        "compute db as the sum of dZ over the samples",
        no_bias_gradient,
    ),
    Fault(
        "bias gradient without the derivative",
        "the bias gradients of hidden layers are summed before the derivative of the activation is applied",
        "sum dZ over the samples, dZ being dA times the derivative",
        bias_without_slope,
    ),
    Fault(
        "dW from the batch's means",
        "the kernel gradients are the product of the batch's means of A and of dZ",
        "take the product of each sample first: dW = A.T @ dZ, with dZ divided by the batch size",
        kernel_of_means,
    ),
    Fault(
        "error averaged over units",
        "the error handed down is the mean over the units above, not their sum",
        "dA = dZ @ W.T, which sums over the units above",
        carry_averaged,
    ),
    Fault(
        "bias gradient summed over everything",
        "the bias gradient of a layer is one number, summed over its units too",
        "sum dZ over the samples alone (axis=0 where samples are rows)",
        bias_of_everything,
    ),
    Fault(
        "bias gradient of one sample",
        "the bias gradient is dZ of the {0} sample of the batch",
        "sum dZ over the samples",
        bias_of_one_sample,
        lambda architecture: [(which,) for which in Sample],
        example=(Sample.FIRST,),
        ordered=True,
    ),
    Fault(
        "a sample left out of the gradient",
        "the {0} sample of the batch counts in the average, but its error does not reach the gradient",
        "sum over every sample of the batch",
        sample_left_out,
        lambda architecture: [(which,) for which in Sample],
        example=(Sample.LAST,),
        ordered=True,
    ),
    Fault(
        "dW transposed",
        "the kernel gradient of {0:layer} is transposed, which fits since the layer is square",
        "use dW = Aᵀ dZ (for samples as rows)",
        kernel_transposed,
        _square,
        layer=0,
        example=(EACH,),
    ),
    Fault(
        "gradients not cleared",
        "each step adds its gradients to those of all steps before",
        "set the gradients to zero before each backward pass",
        uncleared_gradients,
    ),
    Fault(
        "a layer frozen",
        "{0:layer} is never updated",
        "include every layer in the update loop",
        frozen,
        lambda architecture: [*((layer,) for layer in range(architecture.depth)), (EACH,)],
        layer=0,
        example=(1,),
    ),
    Fault(
        "biases never updated",
        "the bias of {0:layer} is never updated, though its gradient may be right",
        "update the biases as the kernels",
        frozen_biases,
        lambda architecture: [(EACH,), *((layer,) for layer in range(architecture.depth))],
        layer=0,
        example=(EACH,),
    ),
)
