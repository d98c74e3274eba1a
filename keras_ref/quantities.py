"""Everything that Keras computes in one training step, by name: from its own layers, loss and optimizer, under a tape.

A name is a symbol and, but for `X`, `Y` and `loss`, the number of a layer, from 1: `Z2` is what the second layer hands
its activation, `A2` what comes out, `W2` and `b2` its kernel and bias; `dZ2` is the loss's gradient with respect to
`Z2`, and so on; `new W2` is the kernel after the update.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from keras_ref.precision import precision

Array = NDArray[np.floating]
SYMBOLS = {"kernel": "W", "bias": "b", "recurrent_kernel": "U"}


def quantities(
    model: keras.Sequential,
    weights: Sequence[ArrayLike],
    x: ArrayLike,
    y: ArrayLike,
    instead: Mapping[str, ArrayLike] | None = None,
) -> dict[str, Array]:
    """Return what Keras computes in one step from these weights.

    Parameters
    ----------
    model : keras.Sequential
        Compiled; it is left as it was.
    weights : sequence of arrays
        As `model.get_weights()` orders them.
    x : array of shape (n, ...)
    y : array of shape (n, ...)
        Targets, as the model's loss takes them.
    instead : mapping of name to array, optional
        Quantities to replace: what follows from them in the step is computed from the given values, what does not is
        as it was. Replacing the output of a softmax under cross-entropy gives the error P - Y, as Keras's fused
        gradient is.

    Returns
    -------
    dict of name to array
        In the order in which they are computed.
    """
    given = {name: np.asarray(value) for name, value in (instead or {}).items()}
    kept = [np.array(variable) for variable in (*model.variables, *model.optimizer.variables)]
    with precision(str(model.compute_dtype)):
        try:
            for variable, value in zip(model.weights, weights, strict=True):
                variable.assign(np.asarray(value))
            return _step(model, x, y, given)
        finally:
            for variable, value in zip((*model.variables, *model.optimizer.variables), kept, strict=False):
                variable.assign(value)


def _step(model: keras.Sequential, x: ArrayLike, y: ArrayLike, given: dict[str, Array]) -> dict[str, Array]:
    dtype = str(model.compute_dtype)
    X, Y = (tf.constant(given.get(name, np.asarray(value)), dtype) for name, value in (("X", x), ("Y", y)))
    noted: dict[str, Any] = {}
    slopes: dict[str, tuple[Any, Any]] = {}
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    variables = {_name(variable, layers): variable for variable in model.trainable_variables}

    with tf.GradientTape(persistent=True) as tape:

        def note(name: str, value: Any) -> Any:
            """Name a tensor; from here on it, and its gradient, are those that are given, if any are."""
            if name in given:
                value = tf.constant(given[name], dtype) + (value - tf.stop_gradient(value))
            tape.watch(value)
            noted[name] = value
            return _with_gradient(value, given[f"d{name}"]) if f"d{name}" in given else value

        A = note("X", X)
        for number, layer in enumerate(layers, 1):
            activation = getattr(layer, "activation", None)
            if activation is None or isinstance(layer, keras.layers.Activation | keras.layers.RNN):
                A = note(f"A{number}", layer(A, training=True))
                continue
            layer.activation = keras.activations.linear
            try:
                Z = note(f"Z{number}", layer(A, training=True))
            finally:
                layer.activation = activation
            P = activation(Z)
            logits = getattr(P, "_keras_logits", None)
            A = note(f"A{number}", P)
            if logits is not None and f"A{number}" not in given:
                A._keras_logits = Z
            elif logits is None:
                slopes[f"slope{number}"] = activation, Z
        output = tf.identity(A)  # without what `_keras_logits` short-cuts: the loss as a function of the output alone
        tape.watch(output)
        loss = model.compute_loss(x=X, y=Y, y_pred=A)
        of_output = model.compute_loss(x=X, y=Y, y_pred=output)
    last = len(layers)
    sources = {**noted, **{name: variable.value for name, variable in variables.items()}}
    target = loss
    if f"A{last}" in given and f"slope{last}" not in slopes and f"Z{last}" in noted:
        # The fused error of softmax and cross-entropy, P - Y over the batch, from the probabilities given.
        share = tf.cast(tf.shape(X)[0], dtype)
        error = given.get(f"dZ{last}", (given[f"A{last}"] - Y) / share)
        loss = -tf.reduce_mean(tf.reduce_sum(Y * tf.math.log(noted[f"A{last}"]), axis=-1))
        found = tape.gradient(noted[f"Z{last}"], list(sources.values()), output_gradients=tf.constant(error, dtype))
    else:
        found = tape.gradient(target, list(sources.values()))
    gradients = {name: _array(g) for name, g in zip(sources, found, strict=True) if g is not None}
    if (of := tape.gradient(of_output, output)) is not None:
        gradients[f"A{last}"] = _array(of)
    del tape
    gradients |= {name[1:]: given[name] for name in given if name[0] == "d" and name[1:] in variables}
    told: dict[str, Array] = {"X": X.numpy(), "Y": Y.numpy()}
    told |= {name: variable.numpy() for name, variable in variables.items()}
    told |= {name: value.numpy() for name, value in noted.items()}
    told |= {name: _slope(*of) for name, of in slopes.items()}
    told["loss"] = np.asarray(given.get("loss", _array(loss)))
    told |= {f"d{name}": gradients[name] for name in reversed(gradients)}
    before = [np.array(slot) for slot in model.optimizer.variables]
    model.optimizer.apply(
        [tf.constant(gradients[name], dtype) for name in variables], [variable for variable in variables.values()]
    )
    slots = {variable.path: name for name, variable in variables.items()}
    for slot in model.optimizer.variables:
        owner = next((path for path in slots if slot.path.startswith(f"{model.optimizer.name}/{path.replace('/', '_')}_")), None)
        if owner is not None:
            told[f"{slot.path.rsplit('_', 1)[-1]} of {slots[owner]}"] = slot.numpy()
    told |= {f"new {name}": variable.numpy() for name, variable in variables.items()}
    for slot, value in zip(model.optimizer.variables, before, strict=False):
        slot.assign(value)
    return told | {name: given[name] for name in given if name.startswith("new ")}


def _name(variable: Any, layers: Sequence[Any]) -> str:
    number = next(
        number for number, layer in enumerate(layers, 1) if any(variable is own for own in layer.trainable_variables)
    )
    name = variable.path.rsplit("/", 1)[-1]
    return f"{SYMBOLS.get(name, name)}{number}"


def _array(tensor: Any) -> Array:
    found: Array = tf.convert_to_tensor(tensor).numpy()
    return found


def _slope(activation: Any, Z: Any) -> Array:
    """The derivative of an activation, elementwise."""
    Z = tf.identity(Z)
    with tf.GradientTape() as tape:
        tape.watch(Z)
        A = activation(Z)
    return _array(tape.gradient(A, Z))


def _with_gradient(value: Any, given: Array) -> Any:
    """The same tensor, below which another gradient is handed on than the one that comes."""

    @tf.custom_gradient
    def same(tensor: Any) -> Any:
        return tf.identity(tensor), lambda upstream: tf.constant(given, upstream.dtype)

    return same(value)
