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


def retake_step(rules: Rules, like: Step, theirs: Rules, memory: dict[Any, Any]) -> Step:
    """Take a step again by these rules, given the one that others take: what both do alike is not computed anew.

    A phase does what it did where it is the same function, and reads the same arrays. Raises what `take_step` does.
    """
    step = Step(like.recipe, list(like.weights), like.X, like.y, memory)
    if like.memory or any(getattr(rules, phase) is not getattr(theirs, phase) for phase in FORWARD):
        _forward(rules, step)
    else:
        step.A, step.Z, step.functions, step.P = list(like.A), list(like.Z), list(like.functions), like.P
        step.within = dict(like.within)
    _backward(rules, step, like, theirs)
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


def _backward(rules: Rules, step: Step, like: Step | None = None, theirs: Rules = CORRECT) -> None:
    """The loss, and what follows from it, up to the new weights.

    `like` is a step that has begun alike, by their rules; it is let go where the two part.
    """
    with np.errstate(all="ignore"):
        like = like if like and step.P is like.P else None
        known = like and theirs.report is CORRECT.report and rules.loss is theirs.loss
        step.loss = like.loss if like and known else rules.loss(step)
        A, Z = rules.cache(step)
        step.dZ = [np.empty(0)] * step.depth
        step.dW, step.db = list(step.dZ), list(step.dZ)
        like = like if rules.error is theirs.error else None
        step.dZ[-1] = like.dZ[-1] if like else rules.error(step)
        like = like if rules.cache is theirs.cache is CORRECT.cache else None
        down, plain = (rules.carry, rules.slope, rules.through), (CORRECT.carry, CORRECT.slope, CORRECT.through)
        handed_down = down == (theirs.carry, theirs.slope, theirs.through)
        if rules.kernel is not theirs.kernel or rules.bias is not theirs.bias:
            handed_down = handed_down and down == plain  # faulty code may read the gradients here
        for layer in reversed(range(step.depth)):
            kernel = like if rules.kernel is theirs.kernel else None
            bias = like if rules.bias is theirs.bias else None
            step.dW[layer] = kernel.dW[layer] if kernel else rules.kernel(step, layer, A[layer])
            step.db[layer] = bias.db[layer] if bias else rules.bias(step, layer)
            like = like if handed_down else None
            if layer and like:
                step.dZ[layer - 1] = like.dZ[layer - 1]
            elif layer:
                dA = rules.carry(step, layer)
                slope = rules.slope(step, layer - 1, Z[layer - 1], A[layer], dA)
                step.dZ[layer - 1] = rules.through(step, dA, slope)
        step.gradients = rules.gradients(step)
        step.after = rules.update(step)
        step.loss = rules.report(step)
