"""What is trained: one plain description, which the scratch side, Keras, the mathematics and the subject all read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Literal, Protocol, runtime_checkable

Shape = tuple[int, ...]
Role = Literal["kernel", "bias", "recurrent", "scale", "state"]

SYMBOLS: dict[Role, str] = {
    "kernel": "W",
    "bias": "b",
    "recurrent": "U",
    "scale": "gamma",
    "state": "moving statistics",
}
HIDDEN = (6, 10, 8)  # the article's Keras listing: 6-10-8-3
DTYPES = ("float32", "float64")
LEAKY_SLOPE = 0.2  # Keras's default
ACTIVATIONS = ("relu", "sigmoid", "tanh", "linear", "leaky_relu")  # of hidden layers; leaky_relu(0.01) too


def slope_of(activation: str) -> float | None:
    """Return the slope of "leaky_relu" or "leaky_relu(0.01)"; None for other activations, or for no number."""
    if activation == "leaky_relu":
        return LEAKY_SLOPE
    match = re.fullmatch(r"leaky_relu\((.+)\)", activation)
    with suppress(ValueError):
        return float(match[1]) if match else None
    return None


@dataclass(frozen=True)
class Weight:
    """One tensor of a network, in Keras's shape.

    Attributes
    ----------
    layer : int
        From 0, the first above the inputs.
    role : {"kernel", "bias", "recurrent", "scale", "state"}
    shape : tuple of int
    trainable : bool
        Whether the optimizer moves it.
    """

    layer: int
    role: Role
    shape: Shape
    trainable: bool = True


@runtime_checkable  # for what is read from another process
class Layer(Protocol):
    """A layer: what comes out of it, and what it holds."""

    @property
    def kind(self) -> str:
        """What kind of layer it is, in Keras's word."""

    def output(self, inputs: Shape) -> Shape:
        """Return the shape of a sample behind it."""

    def weights(self, inputs: Shape) -> Sequence[tuple[Role, Shape, bool]]:
        """Return role, shape and whether it is trained, of each tensor, in Keras's order."""


@dataclass(frozen=True)
class Dense:
    """A fully connected layer; `activation` in Keras's word, or "leaky_relu(0.01)" with its slope."""

    units: int
    activation: str = "relu"
    use_bias: bool = True
    kind: str = field(default="Dense", init=False)

    def output(self, inputs: Shape) -> Shape:
        """Return `(units,)`."""
        return (self.units,)

    def weights(self, inputs: Shape) -> Sequence[tuple[Role, Shape, bool]]:
        """Return the kernel (inputs, units) and, if there is one, the bias (units,)."""
        kernel: tuple[Role, Shape, bool] = ("kernel", (inputs[-1], self.units), True)
        return (kernel, ("bias", (self.units,), True)) if self.use_bias else (kernel,)


@dataclass(frozen=True)
class Given:
    """A layer of a model that its user gave, known by its kind, its output and its tensors alone.

    `rate` is the share that a layer of dropout drops, `uses` how often it comes in a step.
    """

    kind: str
    outputs: Shape
    tensors: tuple[tuple[Role, Shape, bool], ...] = ()
    rate: float = 0.0
    uses: int = 1

    def output(self, inputs: Shape) -> Shape:
        """Return what the model says."""
        return self.outputs

    def weights(self, inputs: Shape) -> Sequence[tuple[Role, Shape, bool]]:
        """Return what the model holds."""
        return self.tensors


@dataclass(frozen=True)
class Optimizer:
    """An update rule in Keras's words: name, learning rate, and other arguments where they are not the default."""

    name: str = "sgd"
    learning_rate: float = 0.01
    arguments: tuple[tuple[str, float | bool], ...] = ()


@dataclass(frozen=True)
class Penalty:
    """What is added to the loss for each kernel: `l1 * sum(|W|) + l2 * sum(W^2)`, as Keras's regularizers do."""

    l1: float = 0.0
    l2: float = 0.0


@dataclass(frozen=True)
class Architecture:
    """A network, its loss and its optimizer.

    Attributes
    ----------
    inputs : tuple of int
        Shape of a sample.
    layers : tuple of Layer
        The last one is the output; its activation and `loss` make the head.
    loss : str
        In Keras's word.
    optimizer : Optimizer
    penalty : Penalty
    dtype : {"float64", "float32"}
        Of weights and arithmetic.
    """

    inputs: Shape
    layers: tuple[Layer, ...]
    loss: str = "categorical_crossentropy"
    optimizer: Optimizer = Optimizer()
    penalty: Penalty = Penalty()
    dtype: str = "float64"

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """Shape of a sample before the first layer and behind each."""
        found = [self.inputs]
        for layer in self.layers:
            found.append(layer.output(found[-1]))
        return tuple(found)

    @cached_property
    def weights(self) -> tuple[Weight, ...]:
        """Every tensor, in Keras's order."""
        return tuple(
            Weight(number, role, shape, trainable)
            for number, (layer, inputs) in enumerate(zip(self.layers, self.shapes, strict=False))
            for role, shape, trainable in layer.weights(inputs)
        )

    @cached_property
    def places(self) -> Mapping[tuple[int, Role], int]:
        """Where each layer's tensor of a role stands in `weights`."""
        return {(each.layer, each.role): place for place, each in enumerate(self.weights)}

    @property
    def depth(self) -> int:
        """Number of layers."""
        return len(self.layers)

    @cached_property
    def sizes(self) -> Shape:
        """Features, then the units of each layer."""
        return tuple(shape[-1] for shape in self.shapes)

    @property
    def outputs(self) -> int:
        """Units of the output: classes, behind a softmax."""
        return self.sizes[-1]

    @cached_property
    def activations(self) -> tuple[str, ...]:
        """The hidden layers' activations, "" where a layer has none."""
        return tuple(getattr(layer, "activation", "") for layer in self.layers[:-1])

    @property
    def learning_rate(self) -> float:
        """The optimizer's."""
        return self.optimizer.learning_rate

    def at(self, learning_rate: float) -> Architecture:
        """Return the same with another learning rate."""
        return replace(self, optimizer=replace(self.optimizer, learning_rate=learning_rate))

    @property
    def has_square_kernel(self) -> bool:
        """Whether some layer has as many units as inputs, so that a transposed kernel fits."""
        return any(a == b for a, b in pairwise(self.sizes))

    def beyond_plain(self) -> str:
        """Say what is not dense layers with biases, softmax, categorical cross-entropy and plain SGD; "" if nothing."""
        odd = [layer.kind for layer in self.layers if not isinstance(layer, Dense)]
        odd += ["layers without biases" for layer in self.layers if isinstance(layer, Dense) and not layer.use_bias][:1]
        head = getattr(self.layers[-1], "activation", "")
        odd += [f"{head or 'no'} output"] * (head != "softmax")
        odd += [self.loss] * (self.loss != "categorical_crossentropy")
        odd += [self.optimizer.name] * (self.optimizer.name != "sgd")
        odd += [f"{name}={value}" for name, value in self.optimizer.arguments]
        odd += [f"{name} penalty" for name in ("l1", "l2") if getattr(self.penalty, name)]
        return ", ".join(odd)

    def __str__(self) -> str:
        return "-".join(map(str, self.sizes))


def dense(
    sizes: Sequence[int],
    activations: Sequence[str] | None = None,
    learning_rate: float = 0.01,
    dtype: str = "float64",
) -> Architecture:
    """Describe the project's plain network: dense layers, a softmax, categorical cross-entropy, SGD.

    Parameters
    ----------
    sizes : sequence of int
        Features, then the units of each layer, the output's last.
    activations : sequence of str, optional
        Of the hidden layers; by default all "relu".
    learning_rate : float
    dtype : {"float64", "float32"}
    """
    hidden = activations if activations is not None else ["relu"] * (len(sizes) - 2)
    layers = zip(sizes[1:], [*hidden, "softmax"], strict=True)
    return Architecture(
        (sizes[0],),
        tuple(Dense(units, activation) for units, activation in layers),
        optimizer=Optimizer(learning_rate=learning_rate),
        dtype=dtype,
    )
