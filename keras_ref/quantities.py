"""Everything that Keras computes in one training step, by name: from its own layers, loss and optimizer, under a tape.

A name is a symbol and, but for `X`, `Y` and `loss`, the number of a layer, from 1: `Z2` is what the second layer hands
its activation, `A2` what comes out, `W2` and `b2` its kernel and bias; `dZ2` is the loss's gradient with respect to
`Z2`, and so on; `slope2` is the activation's derivative at `Z2`, and `new W2` the kernel after the update.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from keras_ref.model import layers_of
from keras_ref.precision import precision
from keras_ref.unrolled import over_time, unrolls
from keras_ref.ways import ways_of

Array = NDArray[np.floating]
SYMBOLS = {"kernel": "W", "embeddings": "W", "bias": "b", "recurrent_kernel": "U"}


def quantities(
    model: keras.Model,
    weights: Sequence[ArrayLike],
    x: ArrayLike,
    y: ArrayLike,
    instead: Mapping[str, ArrayLike] | None = None,
    slots: Sequence[ArrayLike] | None = None,
    masks: Sequence[ArrayLike] = (),
) -> dict[str, Array]:
    """Return what Keras computes in one step from these weights.

    Loss and new weights are those of `train_on_batch`: in float64 bit for bit (RMSprop: to a rounding or two), in
    float32 to a rounding or two, since a graph may contract a product and a sum.

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
        as it was. Where the output of a softmax under cross-entropy is replaced, its error is P - Y over the batch, as
        Keras's fused gradient is.
    slots : sequence of arrays, optional
        Of the optimizer's variables before the step; by default as they are.
    masks : sequence of arrays
        What each layer of dropout multiplies by; by default Keras draws it.

    Returns
    -------
    dict of name to array
        In the order in which they are computed, and then the optimizer's slots.
    """
    given = {name: np.asarray(value) for name, value in (instead or {}).items()}
    with precision(str(model.compute_dtype)), ways_of(model):
        model.optimizer.build(model.trainable_variables)
        variables = [*model.variables, *model.optimizer.variables]
        kept = [variable.numpy() for variable in variables]
        try:
            for variable, value in zip(model.weights, weights, strict=True):
                variable.assign(np.asarray(value))
            for variable, value in zip(model.optimizer.variables, slots or (), strict=False):
                variable.assign(np.asarray(value))
            return OneStep(model, given, masks).run(x, y)
        finally:
            for variable, value in zip(variables, kept, strict=True):
                variable.assign(value)


def weight_names(model: keras.Model) -> list[str]:
    """Return the name of each of the model's weights among its quantities, in Keras's order."""
    layers = layers_of(model)
    return [_name(variable, layers) for variable in model.weights]


class OneStep:
    """One step under way."""

    def __init__(self, model: keras.Model, given: Mapping[str, Array], masks: Sequence[ArrayLike] = ()) -> None:
        self.model, self.given, self.masks = model, given, list(masks)
        self.dtype = str(model.compute_dtype)
        self.layers = layers_of(model)
        self.variables = {_name(variable, self.layers): variable for variable in model.trainable_variables}
        trained = {id(variable) for variable in self.variables.values()}
        states = [variable for variable in model.weights if id(variable) not in trained]
        self.states = {_name(variable, self.layers): variable for variable in states}  # that a forward pass moves
        self.noted: dict[str, Any] = {}
        self.slopes: dict[str, Array] = {}
        self.fused = False  # the loss takes the last layer's logits, past its softmax

    def run(self, x: ArrayLike, y: ArrayLike) -> dict[str, Array]:
        """Take the step, and tell what was computed."""
        X = self._constant(self.given.get("X", x))
        targets = np.asarray(self.given.get("Y", y))
        Y = tf.constant(targets) if targets.dtype.kind in "iu" else self._constant(targets)
        before = {name: variable.numpy() for name, variable in self.states.items()}
        with tf.GradientTape(persistent=True) as tape:
            A = self._forward(tape, X)
            output = tf.identity(A)  # without what the loss would find on it: the logits
            tape.watch(output)
            loss = self.model.compute_loss(x=X, y=Y, y_pred=A)
            of_output = self.model.compute_loss(x=X, y=Y, y_pred=output)
        told = {"X": X.numpy(), "Y": Y.numpy()}
        told |= {name: variable.numpy() for name, variable in self.variables.items()}
        told |= before | {f"new {name}": variable.numpy() for name, variable in self.states.items()}
        told |= {name: value.numpy() for name, value in self.noted.items()} | self.slopes
        loss, gradients = self._backward(tape, loss, Y)
        last = len(self.layers)
        gradients[f"A{last}"] = _array(tape.gradient(of_output, output))
        gradients |= {name[1:]: value for name, value in self.given.items() if name[1:] in self.variables}
        told["loss"] = np.asarray(self.given.get("loss", loss))
        backward = [*reversed(self.noted), *self.variables]
        told |= {f"d{name}": gradients[name] for name in sorted(gradients, key=lambda name: _backward(name, backward))}
        return told | self._update(gradients)

    def _constant(self, value: ArrayLike) -> Any:
        return tf.constant(np.asarray(value), self.dtype)

    def _forward(self, tape: tf.GradientTape, X: Any) -> Any:
        """Run the layers one by one, each activation apart from what feeds it."""

        def note(name: str, value: Any) -> Any:
            """Name a tensor; from here on it, and its gradient, are those that are given, if any are."""
            if name in self.given:
                value = self._constant(self.given[name]) + (value - tf.stop_gradient(value))
            tape.watch(value)
            self.noted[name] = value
            return _with_gradient(value, self.given[f"d{name}"]) if f"d{name}" in self.given else value

        A = note("X", X)
        for number, layer in enumerate(self.layers, 1):
            activation = getattr(layer, "activation", None)
            if isinstance(layer, keras.layers.Dropout) and layer.rate and self.masks:
                A = note(f"A{number}", A * self._constant(self.masks.pop(0)))
                continue
            if unrolls(layer):
                A = note(f"A{number}", over_time(note, number, layer, A))
                continue
            if activation is None or isinstance(layer, keras.layers.Activation | keras.layers.RNN):
                A = note(f"A{number}", layer(A, training=True))
                continue
            layer.activation = keras.activations.linear
            try:
                Z = note(f"Z{number}", layer(A, training=True))
            finally:
                layer.activation = activation
            P = activation(Z)
            A = note(f"A{number}", P)
            self.fused = hasattr(P, "_keras_logits")
            if not self.fused:
                self.slopes[f"slope{number}"] = _slope(activation, Z)
            elif f"A{number}" not in self.given:
                A._keras_logits = Z
        return A

    def _backward(self, tape: tf.GradientTape, loss: Any, Y: Any) -> tuple[Array, dict[str, Array]]:
        """The loss, and its gradient with respect to all that was noted."""
        sources = {**self.noted, **{name: variable.value for name, variable in self.variables.items()}}
        last = len(self.layers)
        if self.fused and f"A{last}" in self.given:
            P = self.noted[f"A{last}"]
            Y = self._constant(np.eye(P.shape[-1])[Y.numpy()]) if Y.dtype.is_integer else Y
            loss = -tf.reduce_mean(tf.reduce_sum(Y * tf.math.log(P), axis=-1))
            error = self.given.get(f"dZ{last}", (P - Y) / tf.cast(tf.shape(Y)[0], self.dtype))
            found = tape.gradient(
                self.noted[f"Z{last}"], list(sources.values()), output_gradients=self._constant(error)
            )
        else:
            found = tape.gradient(loss, list(sources.values()))
        return _array(loss), {name: _array(g) for name, g in zip(sources, found, strict=True) if g is not None}

    def _update(self, gradients: Mapping[str, Array]) -> dict[str, Array]:
        """Have the optimizer apply the gradients: new weights, and its slots."""
        optimizer = self.model.optimizer
        optimizer.apply([self._constant(gradients[name]) for name in self.variables], list(self.variables.values()))
        told = {f"new {name}": variable.numpy() for name, variable in self.variables.items()}
        told |= {name: value for name, value in self.given.items() if name.startswith("new ")}
        for name, variable in self.variables.items():
            start = f"{optimizer.name}/{variable.path.replace('/', '_')}_"
            slots = [slot for slot in optimizer.variables if slot.path.startswith(start)]
            told |= {f"{slot.path.removeprefix(start)} of {name}": slot.numpy() for slot in slots}
        return told


def _backward(name: str, names: Sequence[str]) -> tuple[int, int]:
    """Where a gradient stands in the order in which they are computed: from the last layer down."""
    number = re.search(r"\d+", name)
    return -int(number[0]) if number else 0, names.index(name)


def _name(variable: Any, layers: Sequence[Any]) -> str:
    """A weight's name: its symbol and the number of its layer."""
    owners = (any(variable is own for own in layer.weights) for layer in layers)
    name = variable.path.rsplit("/", 1)[-1]
    return f"{SYMBOLS.get(name, name)}{1 + list(owners).index(True)}"


def _array(tensor: Any) -> Array:
    found: Array = np.asarray(tf.convert_to_tensor(tensor))
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
