"""One layer's turn in a forward pass, and what alterations of any layer are made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

Function = Callable[[Any], Any]


@dataclass(frozen=True)
class Call:
    """A layer, what comes to it, and what dropout multiplies by there."""

    layer: Any
    inputs: Any
    mask: Any = None

    @property
    def activation(self) -> Function:
        """The layer's activation; a layer of one is one."""
        return getattr(self.layer, "activation", None) or self.layer


def backward_of(value: Any, other: Any) -> Any:
    """The one's value, with the gradients of the other."""
    return tf.stop_gradient(value) + (other - tf.stop_gradient(other))


def has_activation(layer: Any) -> bool:
    """Whether a layer ends with an activation, apart from what feeds it."""
    return getattr(layer, "activation", None) is not None and not isinstance(layer, keras.layers.RNN)


def affine(call: Call, mapped: Mapping[str, Any] | None = None, inputs: Any = None) -> Any:
    """What a layer hands its activation, with other tensors in place of weights."""
    layer, A = call.layer, call.inputs if inputs is None else inputs
    if isinstance(layer, keras.layers.Activation | keras.layers.ReLU | keras.layers.LeakyReLU):
        return A
    weights = [(mapped or {}).get(each.name, each.value) for each in layer.trainable_variables]
    others = [each.value for each in layer.non_trainable_variables]
    if not has_activation(layer):
        return layer.stateless_call(weights, others, A)[0]
    kept, layer.activation = layer.activation, keras.activations.linear
    try:
        return layer.stateless_call(weights, others, A)[0]
    finally:
        layer.activation = kept


def activated(call: Call, Z: Any) -> Any:
    """The layer's activation of what is handed to it; itself, where it has none."""
    return call.activation(Z) if has_activation(call.layer) else Z
