"""One training step, phase by phase, as plainly as it can be written: what Keras computes, every phase in view.

Keras shows a step's loss and its new weights; this shows all that lies between. Each phase is one replaceable
function of `Rules`, so that a known bug is a replacement of one of them.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Rows = NDArray[Any]


@dataclass(frozen=True)
class Setting:
    """What a step needs beyond weights and batch.

    `activations` are the hidden layers' names; `n_samples` is the data set's size and `batch_size` the
    nominal size of a batch, which correct code never needs inside a step.
    """

    activations: tuple[str, ...]
    learning_rate: float
    n_samples: int
    batch_size: int
    n_classes: int


def sigmoid(Z: Array) -> Array:
    """1 / (1 + exp(-Z)), without overflow."""
    e = np.exp(-np.abs(Z))
    return np.where(Z < 0, e, 1) / (1 + e)


@dataclass(frozen=True)
class Function:
    """An activation, its derivative from Z and A, and the largest value of its second derivative."""

    value: Callable[[Array], Array]
    derivative: Callable[[Array, Array], Array]
    curvature: float = 0.0
    kink: bool = False


def leaky(slope: float) -> Function:
    """Leaky ReLU."""
    return Function(lambda Z: np.where(Z > 0, Z, slope * Z), lambda Z, A: np.where(Z > 0, 1.0, slope), kink=True)


LEAKY_SLOPE = 0.2  # Keras's default

FUNCTIONS: dict[str, Function] = {
    "relu": Function(lambda Z: np.maximum(Z, 0), lambda Z, A: (Z > 0).astype(float), kink=True),
    "sigmoid": Function(sigmoid, lambda Z, A: A * (1 - A), curvature=0.1),
    "tanh": Function(np.tanh, lambda Z, A: 1 - A * A, curvature=0.77),
    "linear": Function(lambda Z: Z, lambda Z, A: np.ones_like(Z)),
    "leaky_relu": leaky(LEAKY_SLOPE),
}


def slope_of(name: str) -> float | None:
    """Return the slope of "leaky_relu" or "leaky_relu(0.01)"; None for other activations."""
    if name == "leaky_relu":
        return LEAKY_SLOPE
    match = re.fullmatch(r"leaky_relu\((.+)\)", name)
    return float(match[1]) if match else None


def function(name: str) -> Function:
    """Return the activation of this name, which may be a leaky ReLU with its own slope: "leaky_relu(0.01)"."""
    slope = slope_of(name)
    return FUNCTIONS[name] if slope is None else leaky(slope)


@dataclass
class Step:
    """A step under way; samples are rows. Lists have an entry a layer; A[l] is layer l's input, so A[0] is X."""

    setting: Setting
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
    def n(self) -> int:
        """Samples in the batch."""
        return len(self.X)

    @property
    def depth(self) -> int:
        """Number of layers."""
        return len(self.weights) // 2

    @property
    def Y(self) -> Array:
        """One-hot labels."""
        return np.eye(self.setting.n_classes)[self.y]


def softmax(Z: Array, axis: int = 1) -> Array:
    """Class probabilities."""
    e = np.exp(Z - Z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _cross_entropy(step: Step) -> float:
    Z = step.Z[-1] - step.Z[-1].max(axis=1, keepdims=True)
    picked = Z[np.arange(step.n), step.y]
    return float(np.mean(np.log(np.exp(Z).sum(axis=1)) - picked))


def _sgd(step: Step) -> list[Array]:
    rate = step.setting.learning_rate
    return [W - rate * g for W, g in zip(step.weights, step.gradients, strict=True)]


@dataclass(frozen=True)
class Rules:
    """The phases of a step in order of computation; each takes the step so far, and the layer where there is one.

    `cache` returns the (A, Z) that the backward pass reads; `carry` the error that dZ hands down; `slope` gets the
    layer's dA too. The last three belong to a whole training: `initial` weights; the `batches` of an epoch, as rows
    of X and of y, from its order, its number and the batch size; and the `history` entry of an epoch, from its
    batches' losses and sizes.
    """

    inputs: Callable[[Step], Array] = lambda step: step.X
    function: Callable[[Step, int], Function] = lambda step, layer: function(step.setting.activations[layer])
    affine: Callable[[Step, int], Array] = lambda step, layer: (
        step.A[layer] @ step.weights[2 * layer] + step.weights[2 * layer + 1]
    )
    logits: Callable[[Step], Array] = lambda step: step.Z[-1]
    output: Callable[[Step], Array] = lambda step: softmax(step.Z[-1])
    loss: Callable[[Step], float] = _cross_entropy
    cache: Callable[[Step], tuple[list[Array], list[Array]]] = lambda step: (step.A, step.Z)
    error: Callable[[Step], Array] = lambda step: (step.P - step.Y) / step.n
    slope: Callable[[Step, int, Array, Array, Array], Array] = lambda step, layer, Z, A, dA: step.functions[
        layer
    ].derivative(Z, A)
    kernel: Callable[[Step, int, Array], Array] = lambda step, layer, A: A.T @ step.dZ[layer]
    bias: Callable[[Step, int], Array] = lambda step, layer: step.dZ[layer].sum(axis=0)
    carry: Callable[[Step, int], Array] = lambda step, layer: step.dZ[layer] @ step.weights[2 * layer].T
    gradients: Callable[[Step], list[Array]] = lambda step: [
        g for pair in zip(step.dW, step.db, strict=True) for g in pair
    ]
    update: Callable[[Step], list[Array]] = _sgd
    report: Callable[[Step], float] = lambda step: step.loss
    initial: Callable[[list[Array]], list[Array]] = lambda weights: weights
    batches: Callable[[Rows, int, int], list[tuple[Rows, Rows]]] = lambda order, epoch, size: [
        (order[start : start + size],) * 2 for start in range(0, len(order), size)
    ]
    history: Callable[[list[float], list[int]], float] = lambda losses, sizes: float(np.average(losses, weights=sizes))


CORRECT = Rules()


def take_step(
    rules: Rules,
    setting: Setting,
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
    setting : Setting
    weights : list of ndarray
        Kernel (inputs, units), bias (units,), ...; left as they are.
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
    step = Step(setting, list(weights), np.asarray(X, np.float64), np.asarray(y), memory)
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
