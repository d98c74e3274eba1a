"""A step's phases as rules, so that a known bug is a replacement of one of them; and the step that they make."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.mathematics import phases
from compare.mathematics.functions import Array, Function, Rows
from compare.mathematics.step import Step
from compare.recipe.architecture import Architecture
from compare.recipe.recipe import Recipe


@dataclass(frozen=True)
class Rules:
    """The phases of a step in order of computation; each takes the step so far, and the layer where there is one.

    `cache` returns the (A, Z) that the backward pass reads; `carry` the error that dZ hands down; `slope` gets the
    layer's dA too. The last three belong to a whole training: `initial` weights; the `batches` of an epoch, as rows
    of X and of y, from its order, its number and the batch size; and the `history` entry of an epoch, from its
    batches' losses and sizes, and a call that measures the loss after it.
    """

    inputs: Callable[[Step], Array] = phases.inputs
    function: Callable[[Step, int], Function] = phases.activation
    affine: Callable[[Step, int], Array] = phases.affine
    logits: Callable[[Step], Array] = phases.logits
    shift: Callable[[Step], Array] = phases.shift
    output: Callable[[Step, Array], Array] = phases.output
    loss: Callable[[Step], float] = phases.cross_entropy
    cache: Callable[[Step], tuple[list[Array], list[Array]]] = phases.cache
    error: Callable[[Step], Array] = phases.error
    slope: Callable[[Step, int, Array, Array, Array], Array] = phases.slope
    through: Callable[[Step, Array, Array], Array] = phases.through
    kernel: Callable[[Step, int, Array], Array] = phases.kernel_gradient
    bias: Callable[[Step, int], Array] = phases.bias_gradient
    carry: Callable[[Step, int], Array] = phases.carry
    gradients: Callable[[Step], list[Array]] = phases.gradients
    update: Callable[[Step], list[Array]] = phases.sgd
    report: Callable[[Step], float] = phases.report
    initial: Callable[[Architecture, list[Array]], list[Array]] = phases.initial
    batches: Callable[[Rows, int, int], list[tuple[Rows, Rows]]] = phases.batches
    history: Callable[[list[float], list[int], Callable[[], float]], float] = phases.history


CORRECT = Rules()
FORWARD = ("inputs", "function", "affine", "logits", "shift", "output")


def take_step(
    rules: Rules,
    recipe: Recipe,
    weights: Sequence[Array],
    X: Array,
    y: NDArray[np.integer],
    memory: dict[Any, Any],
) -> Step:
    """Take one step of softmax, cross-entropy and SGD under these rules.

    Parameters
    ----------
    rules : Rules
        `CORRECT`, or with a fault in it.
    recipe : Recipe
    weights : list of ndarray
        In the architecture's order; left as they are.
    X : ndarray of shape (n, features)
    y : ndarray of integers of shape (n,)
    memory : dict
        What faulty code keeps from one step to the next; the same dict for all steps of a run.

    Returns
    -------
    Step
        With every phase filled in; `loss` is what the step reports, `after` the new weights.

    Raises
    ------
    ValueError
        Only under a fault that mixes arrays of different batches: as the faulty code would.
    """
    step = Step(recipe, list(weights), np.asarray(X, np.float64), np.asarray(y), memory)
    _forward(rules, step)
    _backward(rules, step)
    return step


def retake_step(rules: Rules, right: Step, memory: dict[Any, Any]) -> Step:
    """Take a correct step again, by these rules: a forward pass that they leave correct is not computed anew.

    Raises what `take_step` does.
    """
    step = Step(right.recipe, list(right.weights), right.X, right.y, memory)
    if all(getattr(rules, phase) is getattr(CORRECT, phase) for phase in FORWARD):
        step.A, step.Z, step.functions, step.P = list(right.A), list(right.Z), list(right.functions), right.P
    else:
        _forward(rules, step)
    _backward(rules, step)
    return step


def _forward(rules: Rules, step: Step) -> None:
    with np.errstate(all="ignore"):
        step.A.append(rules.inputs(step))
        for layer in range(step.depth):
            step.Z.append(rules.affine(step, layer))
            if layer < step.depth - 1:
                step.functions.append(rules.function(step, layer))
                step.A.append(step.functions[layer].value(step.Z[layer]))
        step.Z[-1] = rules.logits(step)
        step.P = rules.output(step, np.exp(rules.shift(step)))


def _backward(rules: Rules, step: Step) -> None:
    """The loss, and what follows from it, up to the new weights."""
    with np.errstate(all="ignore"):
        step.loss = rules.loss(step)
        A, Z = rules.cache(step)
        step.dZ = [np.empty(0)] * step.depth
        step.dW, step.db = list(step.dZ), list(step.dZ)
        step.dZ[-1] = rules.error(step)
        for layer in reversed(range(step.depth)):
            step.dW[layer] = rules.kernel(step, layer, A[layer])
            step.db[layer] = rules.bias(step, layer)
            if layer:
                dA = rules.carry(step, layer)
                slope = rules.slope(step, layer - 1, Z[layer - 1], A[layer], dA)
                step.dZ[layer - 1] = rules.through(step, dA, slope)
        step.gradients = rules.gradients(step)
        step.after = rules.update(step)
        step.loss = rules.report(step)
