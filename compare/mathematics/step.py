"""One training step, phase by phase, as plainly as it can be written: what Keras computes, every phase in view.

Keras shows a step's loss and its new weights; this shows all that lies between. Each phase is one replaceable
function of `Rules`, so that a known bug is a replacement of one of them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from compare.mathematics.functions import Array, Function, Rows, function, softmax
from compare.recipe.architecture import Architecture, Role
from compare.recipe.recipe import Recipe

Item = TypeVar("Item")


@dataclass
class Step:
    """A step under way; samples are rows. Lists have an entry a layer; A[l] is layer l's input, so A[0] is X.

    `weights`, `gradients` and `after` have an entry a tensor, in the architecture's order.
    """

    recipe: Recipe
    weights: list[Array]
    X: Array
    y: NDArray[np.integer]
    memory: dict[Any, Any]
    A: list[Array] = field(default_factory=list)
    Z: list[Array] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    P: Array = field(default_factory=lambda: np.empty(0))
    loss: float = np.nan
    dZ: list[Array] = field(default_factory=list)
    dW: list[Array] = field(default_factory=list)
    db: list[Array] = field(default_factory=list)
    gradients: list[Array] = field(default_factory=list)
    after: list[Array] = field(default_factory=list)

    @property
    def architecture(self) -> Architecture:
        """What is trained."""
        return self.recipe.architecture

    @property
    def n(self) -> int:
        """Samples in the batch."""
        return len(self.X)

    @property
    def depth(self) -> int:
        """Number of layers."""
        return self.architecture.depth

    @property
    def learning_rate(self) -> float:
        """The step size."""
        return self.architecture.learning_rate

    @property
    def Y(self) -> Array:
        """One-hot labels."""
        return np.eye(self.architecture.outputs)[self.y]

    def kernel(self, layer: int) -> Array:
        """A layer's W, (inputs, units)."""
        return self.weights[self.architecture.places[layer, "kernel"]]

    def bias(self, layer: int) -> Array:
        """A layer's b, (units,)."""
        return self.weights[self.architecture.places[layer, "bias"]]

    def with_kernel(self, layer: int, W: Array) -> "Step":
        """Return the step with another kernel in one layer."""
        weights = list(self.weights)
        weights[self.architecture.places[layer, "kernel"]] = W
        return replace(self, weights=weights)

    def at(self, learning_rate: float) -> "Step":
        """Return the step with another learning rate."""
        return replace(self, recipe=self.recipe.at(learning_rate))

    def only(self, role: Role, values: Iterable[Item]) -> list[Item]:
        """Of values, one a tensor, those of the tensors of this role."""
        return [value for weight, value in zip(self.architecture.weights, values, strict=True) if weight.role == role]


# The correct phases.


def inputs(step: Step) -> Array:
    """A[0] = X."""
    return step.X


def activation(step: Step, layer: int) -> Function:
    """A hidden layer's activation."""
    return function(step.architecture.activations[layer])


def affine(step: Step, layer: int) -> Array:
    """Z = A W + b."""
    return step.A[layer] @ step.kernel(layer) + step.bias(layer)


def logits(step: Step) -> Array:
    """The output layer's Z."""
    return step.Z[-1]


def output(step: Step) -> Array:
    """P = softmax(Z)."""
    return softmax(step.Z[-1])


def cross_entropy(step: Step) -> float:
    """The mean of log(sum(exp(Z))) - Z[y], from logits less their largest."""
    Z = step.Z[-1] - step.Z[-1].max(axis=1, keepdims=True)
    picked = Z[np.arange(step.n), step.y]
    return float(np.mean(np.log(np.exp(Z).sum(axis=1)) - picked))


def cache(step: Step) -> tuple[list[Array], list[Array]]:
    """What the backward pass reads: A and Z."""
    return step.A, step.Z


def error(step: Step) -> Array:
    """DZ of the output = (P - Y) / n, the gradient of the cross-entropy behind a softmax."""
    return (step.P - step.Y) / step.n


def slope(step: Step, layer: int, Z: Array, A: Array, dA: Array) -> Array:
    """f'(Z)."""
    return step.functions[layer].derivative(Z, A)


def kernel_gradient(step: Step, layer: int, A: Array) -> Array:
    """dW = Aᵀ dZ."""
    return A.T @ step.dZ[layer]


def bias_gradient(step: Step, layer: int) -> Array:
    """db = sum of dZ over the samples."""
    return step.dZ[layer].sum(axis=0)


def carry(step: Step, layer: int) -> Array:
    """dA of the layer below = dZ Wᵀ."""
    return step.dZ[layer] @ step.kernel(layer).T


def gradients(step: Step) -> list[Array]:
    """Every tensor's gradient, in the architecture's order."""
    return [(step.dW if weight.role == "kernel" else step.db)[weight.layer] for weight in step.architecture.weights]


def sgd(step: Step) -> list[Array]:
    """W - learning rate * gradient."""
    return [W - step.learning_rate * g for W, g in zip(step.weights, step.gradients, strict=True)]


def report(step: Step) -> float:
    """The loss, as computed."""
    return step.loss


def initial(architecture: Architecture, weights: list[Array]) -> list[Array]:
    """The weights, as drawn."""
    return weights


def batches(order: Rows, epoch: int, size: int) -> list[tuple[Rows, Rows]]:
    """An epoch's batches, as rows of X and of y; the last one may be smaller."""
    return [(order[start : start + size],) * 2 for start in range(0, len(order), size)]


def history(losses: list[float], sizes: list[int]) -> float:
    """The epoch's loss: the mean over its batches, weighted by their sizes."""
    return float(np.average(losses, weights=sizes))


@dataclass(frozen=True)
class Rules:
    """The phases of a step in order of computation; each takes the step so far, and the layer where there is one.

    `cache` returns the (A, Z) that the backward pass reads; `carry` the error that dZ hands down; `slope` gets the
    layer's dA too. The last three belong to a whole training: `initial` weights; the `batches` of an epoch, as rows
    of X and of y, from its order, its number and the batch size; and the `history` entry of an epoch, from its
    batches' losses and sizes.
    """

    inputs: Callable[[Step], Array] = inputs
    function: Callable[[Step, int], Function] = activation
    affine: Callable[[Step, int], Array] = affine
    logits: Callable[[Step], Array] = logits
    output: Callable[[Step], Array] = output
    loss: Callable[[Step], float] = cross_entropy
    cache: Callable[[Step], tuple[list[Array], list[Array]]] = cache
    error: Callable[[Step], Array] = error
    slope: Callable[[Step, int, Array, Array, Array], Array] = slope
    kernel: Callable[[Step, int, Array], Array] = kernel_gradient
    bias: Callable[[Step, int], Array] = bias_gradient
    carry: Callable[[Step, int], Array] = carry
    gradients: Callable[[Step], list[Array]] = gradients
    update: Callable[[Step], list[Array]] = sgd
    report: Callable[[Step], float] = report
    initial: Callable[[Architecture, list[Array]], list[Array]] = initial
    batches: Callable[[Rows, int, int], list[tuple[Rows, Rows]]] = batches
    history: Callable[[list[float], list[int]], float] = history


CORRECT = Rules()


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
    with np.errstate(all="ignore"):
        step.A.append(rules.inputs(step))
        for layer in range(step.depth):
            step.Z.append(rules.affine(step, layer))
            if layer < step.depth - 1:
                step.functions.append(rules.function(step, layer))
                step.A.append(step.functions[layer].value(step.Z[layer]))
        step.Z[-1] = rules.logits(step)
        step.P = rules.output(step)
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
                step.dZ[layer - 1] = dA * rules.slope(step, layer - 1, Z[layer - 1], A[layer], dA)
        step.gradients = rules.gradients(step)
        step.after = rules.update(step)
        step.loss = rules.report(step)
    return step
