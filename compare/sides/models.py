"""The Keras side: the model that an architecture describes, and the architecture that a model has."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from compare.errors import InputError
from compare.recipe.architecture import Architecture, Dense, Given, Layer, Optimizer, Penalty, Role, Shape, slope_of
from compare.sides.quiet_keras import load_keras

if TYPE_CHECKING:
    import keras

ROLES: dict[str, Role] = {
    "kernel": "kernel",
    "embeddings": "kernel",
    "bias": "bias",
    "recurrent_kernel": "recurrent",
    "gamma": "scale",
    "beta": "bias",
}


def reused_model(architecture: Architecture) -> keras.Sequential:
    """Return this process's one model of that make: the graph traced for it serves any weights and learning rate.

    Its optimizer begins anew.
    """
    model = _model(architecture.at(Optimizer.learning_rate))
    load_keras().begin_anew(model)
    model.optimizer.learning_rate = architecture.learning_rate
    return model


@lru_cache(maxsize=16)
def _model(architecture: Architecture) -> keras.Sequential:
    keras_ref = load_keras()
    import keras

    def layer(described: Layer) -> keras.layers.Layer:
        if not isinstance(described, Dense):
            raise InputError(f"only dense layers can be built. Received: {described.kind}; give the model itself")
        penalty = architecture.penalty
        regularizer = keras.regularizers.L1L2(penalty.l1, penalty.l2) if penalty != Penalty() else None
        return keras.layers.Dense(
            described.units,
            _activation(described.activation),
            use_bias=described.use_bias,
            kernel_regularizer=regularizer,
        )

    def optimizer() -> keras.optimizers.Optimizer:
        of = architecture.optimizer
        config = {"learning_rate": of.learning_rate, **dict(of.arguments)}
        return keras.optimizers.get({"class_name": of.name, "config": config})

    return keras_ref.assemble(
        architecture.inputs,
        lambda: [layer(each) for each in architecture.layers],
        architecture.loss,
        optimizer,
        architecture.dtype,
    )


def _activation(name: str) -> Any:
    """A leaky ReLU keeps its slope in full precision, where TensorFlow's own rounds it."""
    import keras

    slope = slope_of(name)
    return name if slope is None else lambda Z: keras.ops.where(Z > 0, Z, slope * Z)


def described(model: Any) -> Architecture:
    """Return the architecture of a compiled Keras model: what it says of itself, in Keras's words.

    A layer that is no dense one on top of the layer before it is `Given`; an activation without a name is "".
    """
    own, calls = load_keras().layers_of(model), load_keras().calls_of(model)
    inputs = tuple(model.input_shape[1:])
    layers: list[Layer] = []
    for layer in own:
        before = layers[-1].output(inputs) if layers else inputs
        layers.append(_described(layer, before, [call for call in calls if call.layer is layer]))
    regularizers = [getattr(layer, "kernel_regularizer", None) for layer in own]
    penalty = next((Penalty(_float(r, "l1"), _float(r, "l2")) for r in regularizers if r is not None), Penalty())
    config = model.optimizer.get_config()
    # The shortest decimal, so that 0.02 kept in float32 is 0.02.
    name, rate = type(model.optimizer).__name__.lower(), float(str(np.asarray(model.optimizer.learning_rate)))
    plain = type(model.optimizer)().get_config()
    arguments = tuple(
        (key, value)
        for key, value in sorted(config.items())
        if isinstance(value, bool | int | float) and key != "learning_rate" and plain.get(key) != value
    )
    loss = model.loss if isinstance(model.loss, str) else getattr(model.loss, "name", type(model.loss).__name__)
    dtype = str(model.compute_dtype)
    return Architecture(inputs, tuple(layers), str(loss), Optimizer(name, rate, arguments), penalty, dtype)


def rounded_penalties(model: Any) -> list[str]:
    """The amounts of the model's regularizers that float32 does not hold, by name."""
    kinds = ("kernel_regularizer", "bias_regularizer", "recurrent_regularizer", "gamma_regularizer", "beta_regularizer")
    found = [getattr(layer, kind, None) for layer in model.layers for kind in kinds]
    amounts = [
        (name, str(np.float32(_float(each, name)))) for each in found if each is not None for name in ("l1", "l2")
    ]
    return sorted({name for name, written in amounts if float(np.float32(written)) != float(written)})


def rounded_activations(model: Any) -> list[str]:
    """The activations of the model that have a constant which float32 does not hold."""
    found = set()
    for layer in model.layers:
        name = getattr(getattr(layer, "activation", None), "__name__", "")
        slope = getattr(layer, "negative_slope", 0.2 if name == "leaky_relu" else 0.0)
        if slope and float(np.float32(slope)) != slope:
            found.add("the slope of a leaky ReLU")
        if name == "gelu":
            found.add("a constant of gelu")
    return sorted(found)


def _described(layer: Any, before: Shape, calls: Sequence[Any]) -> Layer:
    """A layer, and its uses; `before` is the shape of a sample behind the layer that stands before it."""
    trained = {id(variable) for variable in getattr(layer, "trainable_weights", ())}
    tensors = tuple(
        (ROLES.get(variable.name, "state"), tuple(variable.shape), id(variable) in trained)
        for variable in getattr(layer, "weights", ())
    )
    kind, outputs = type(layer).__name__, tuple(calls[-1].node.outputs[0].shape[1:])
    if kind == "Dense":
        dense = Dense(layer.units, _activation_name(layer.activation), layer.use_bias)
        if dense.output(before) == outputs and tuple(dense.weights(before)) == tensors:
            return dense
    rate = float(layer.rate) if kind == "Dropout" else 0.0
    return Given(kind, outputs, tensors, rate, len(calls))


def _activation_name(activation: Any) -> str:
    name = activation if isinstance(activation, str) else getattr(activation, "__name__", "")
    if name == "leaky_relu" and not isinstance(activation, str):
        return f"leaky_relu({float(np.float32(0.2))!r})"  # TensorFlow keeps the slope in float32
    return "" if name == "<lambda>" else name


def _float(regularizer: Any, name: str) -> float:
    return float(np.asarray(getattr(regularizer, name, None) or 0.0))
