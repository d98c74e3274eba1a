"""Everything that Keras computes in one training step, by name: from its own layers, loss and optimizer, under a tape.

A name is a symbol and, but for `X`, `Y` and `loss`, the number of a layer, from 1: `Z2` is what the second layer hands
its activation, `A2` what comes out, `W2` and `b2` its kernel and bias; `dZ2` is the loss's gradient with respect to
`Z2`, and so on; `slope2` is the activation's derivative at `Z2`, and `new W2` the kernel after the update.

Where a layer is used several times, `A2 at call 1` is what comes out the first time; where several layers take `A2`,
`part of dA2 from layer 3` is what the third adds to `dA2`. Tensors of one layer with one symbol are told apart:
`W2 (query)`.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from keras_ref.precision import precision
from keras_ref.unrolled import over_time, unrolls
from keras_ref.variables import put, read
from keras_ref.ways import ways_of
from keras_ref.wiring import LayerCall, called, calls_of, layers_of, masks_of, through

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
    model : keras.Model
        Compiled, of one input and one output; it is left as it was.
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
        What each layer of dropout multiplies by, at each of its calls; by default Keras draws it.

    Returns
    -------
    dict of name to array
        In the order in which they are computed, and then the optimizer's slots.
    """
    given = {name: np.asarray(value) for name, value in (instead or {}).items()}
    with _kept(model, slots):
        put(model.weights, weights)
        return OneStep(model, given, masks).run(x, y)


def updated(
    model: keras.Model,
    computed: Mapping[str, Array],
    instead: Mapping[str, ArrayLike],
    slots: Sequence[ArrayLike] | None = None,
) -> dict[str, Array]:
    """Return what `quantities` does with gradients of weights, or new weights, replaced: all but the update is known.

    Parameters
    ----------
    model : keras.Model
        It is left as it was.
    computed : mapping of name to array
        What `quantities` returned, with other values replaced, if any were.
    instead : mapping of name to array
        Such as `dW2`, of weights that are trained, and `new W2`.
    slots : sequence of arrays, optional
        Of the optimizer's variables before the step, as `quantities` was given them.

    Returns
    -------
    dict of name to array
    """
    given = {name: np.asarray(value) for name, value in instead.items()}
    with _kept(model, slots):
        step = OneStep(model, given)
        put(list(step.variables.values()), [computed[name] for name in step.variables])
        every = {**computed, **given}
        return {**every, **step.update({name: every[f"d{name}"] for name in step.variables})}


@contextmanager
def _kept(model: keras.Model, slots: Sequence[ArrayLike] | None) -> Iterator[None]:
    """Leave a model as it was; meanwhile its optimizer has these slots."""
    with precision(str(model.compute_dtype)), ways_of(model):
        model.optimizer.build(model.trainable_variables)
        variables = [*model.variables, *model.optimizer.variables]
        kept = read(variables)
        try:
            if slots:
                put(model.optimizer.variables, slots)
            yield
        finally:
            put(variables, kept)


def weight_names(model: keras.Model) -> list[str]:
    """Return the name of each of the model's weights among its quantities, in Keras's order."""
    layers = layers_of(model)
    return [_name(variable, layers) for variable in model.weights]


class OneStep:
    """One step under way."""

    def __init__(self, model: keras.Model, given: Mapping[str, Array], masks: Sequence[ArrayLike] = ()) -> None:
        self.model, self.given, self.masks = model, given, masks_of(model, masks)
        self.dtype = str(model.compute_dtype)
        layers, calls = layers_of(model), calls_of(model)
        self.variables = {_name(variable, layers): variable for variable in model.trainable_variables}
        trained = {id(variable) for variable in self.variables.values()}
        states = [variable for variable in model.weights if id(variable) not in trained]
        self.states = {_name(variable, layers): variable for variable in states}  # that a forward pass moves
        self.output = calls[-1].name
        counts = Counter(name for call in calls for name in call.takes)
        self.shared = {name for name, count in counts.items() if count > 1}
        self.noted: dict[str, Any] = {}
        self.parts: dict[str, Any] = {}  # what takes a value that several layers take, each by itself
        self.slopes: dict[str, Array] = {}
        self.fused = False  # the loss takes the output's logits, past its softmax

    def run(self, x: ArrayLike, y: ArrayLike) -> dict[str, Array]:
        """Take the step, and tell what was computed."""
        X = self._constant(self.given.get("X", x))
        targets = np.asarray(self.given.get("Y", y))
        Y = tf.constant(targets) if targets.dtype.kind in "iu" else self._constant(targets)
        before = {name: variable.numpy() for name, variable in self.states.items()}
        with tf.GradientTape(persistent=True) as tape:
            A = self._forward(tape, X)
            loss = self.model.compute_loss(x=X, y=Y, y_pred=A)
        output = tf.identity(A)  # without what the loss would find on it: the logits
        with tf.GradientTape(watch_accessed_variables=False) as of_output:
            of_output.watch(output)
            again = self.model.compute_loss(x=X, y=Y, y_pred=output)
        told = {"X": X.numpy(), "Y": Y.numpy()}
        told |= {name: variable.numpy() for name, variable in self.variables.items()}
        told |= before | {f"new {name}": variable.numpy() for name, variable in self.states.items()}
        told |= {name: value.numpy() for name, value in self.noted.items()} | self.slopes
        loss, gradients = self._backward(tape, loss, Y)
        gradients[f"A{self.output}"] = _array(of_output.gradient(again, output))
        gradients |= {name[1:]: value for name, value in self.given.items() if name[1:] in self.variables}
        told["loss"] = np.asarray(self.given.get("loss", loss))
        backward = [*reversed(self.noted), *self.variables]
        parts = {name: gradients.pop(name) for name in self.parts if name in gradients}
        told |= {f"d{name}": gradients[name] for name in sorted(gradients, key=lambda name: _backward(name, backward))}
        return told | parts | self.update(gradients)

    def _constant(self, value: ArrayLike) -> Any:
        return tf.constant(np.asarray(value), self.dtype)

    def _forward(self, tape: tf.GradientTape, X: Any) -> Any:
        """Run the layers one by one, each activation apart from what feeds it."""

        def note(name: str, value: Any) -> Any:
            """Name a tensor; from here on it, and its gradient, are those that are given, if any are."""
            if any(value is other for other in self.noted.values()):
                value = _same(value)
            if name in self.given:
                value = self._constant(self.given[name]) + (value - tf.stop_gradient(value))
            tape.watch(value)
            self.noted[name] = value
            return _with_gradient(value, self.given[f"d{name}"]) if f"d{name}" in self.given else value

        def make(call: LayerCall, *args: Any, **kwargs: Any) -> Any:
            names = iter(call.takes)

            def handed(value: Any) -> Any:
                """What a layer takes; where others take it too, as a tensor of its own."""
                name = next(names) if tf.is_tensor(value) else ""
                if name not in self.shared:
                    return value
                value = _same(value)
                tape.watch(value)
                self.parts[f"part of d{name} from layer {call.name}"] = value
                return value

            args, kwargs = keras.tree.map_structure(handed, (args, kwargs))
            return self._made(tape, note, call, *args, **kwargs)

        return through(self.model, note("X", X), make)

    def _made(self, tape: tf.GradientTape, note: Any, call: LayerCall, *args: Any, **kwargs: Any) -> Any:
        """What a layer makes, by name."""
        layer, name = call.layer, call.name
        activation = getattr(layer, "activation", None)
        if name in self.masks:
            return note(f"A{name}", args[0] * self._constant(self.masks[name]))
        if unrolls(layer) and call.alone and len(call.takes) == 1:
            return note(f"A{name}", over_time(note, call.number, layer, args[0]))
        if activation is None or isinstance(layer, keras.layers.Activation | keras.layers.RNN):
            made = keras.tree.flatten(called(call, *args, **kwargs))
            return [note(each, value) for each, value in zip(call.makes, made, strict=True)]
        layer.activation = keras.activations.linear
        try:
            Z = note(f"Z{name}", called(call, *args, **kwargs))
        finally:
            layer.activation = activation
        P = activation(Z)
        A = note(f"A{name}", P)
        fused = hasattr(P, "_keras_logits")
        self.fused = fused and name == self.output
        if not fused:
            with tape.stop_recording():
                self.slopes[f"slope{name}"] = _slope(activation, Z)
        elif f"A{name}" not in self.given:
            A._keras_logits = Z
        return A

    def _backward(self, tape: tf.GradientTape, loss: Any, Y: Any) -> tuple[Array, dict[str, Array]]:
        """The loss, and its gradient with respect to all that was noted."""
        weights = {name: variable.value for name, variable in self.variables.items()}
        sources = {**self.noted, **weights, **self.parts}
        last = self.output
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

    def update(self, gradients: Mapping[str, Array]) -> dict[str, Array]:
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
    """A weight's name: its symbol and the number of its layer; what it is part of, where that does not tell it."""
    held = [list(getattr(layer, "weights", ())) for layer in layers]
    place = next(place for place, own in enumerate(held) if any(variable is each for each in own))
    path = variable.path.split("/")
    name = f"{SYMBOLS.get(path[-1], path[-1])}{place + 1}"
    alike = [each for other in held[place] if (each := other.path.split("/"))[-1] == path[-1]]
    different = [part for depth, part in enumerate(path) if len({tuple(each[depth : depth + 1]) for each in alike}) > 1]
    return f"{name} ({' '.join(different).replace('_', ' ')})" if different else name


def _array(tensor: Any) -> Array:
    found: Array = np.asarray(tf.convert_to_tensor(tensor))
    return found


def _same(value: Any) -> Any:
    """The same values in a tensor of its own, with the mask of the padding that it carries."""
    other = tf.identity(value)
    other._keras_mask = getattr(value, "_keras_mask", None)
    return other


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
