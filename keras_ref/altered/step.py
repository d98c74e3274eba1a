"""One step of a model in which layers, or the loss, are altered: its loss, gradients, and what a forward pass moves."""

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from keras_ref.altered import activations, layers, recurrent
from keras_ref.altered.call import Call, affine, backward_of, has_activation
from keras_ref.precision import precision
from keras_ref.variables import put, read
from keras_ref.ways import ways_of
from keras_ref.wiring import LayerCall, called, layers_of, masks_of, through

Array = NDArray[Any]


@dataclass(frozen=True)
class Alteration:
    """What is otherwise: the name of a function of `LAYERS` or `LOSSES`, and its options."""

    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)


class AlteredStep(NamedTuple):
    """What a step computes.

    Attributes
    ----------
    loss : float
    gradients : list of arrays
        Of the tensors that are trained, in Keras's order.
    states : list of arrays
        Behind the forward pass, the tensors that are not trained.
    """

    loss: float
    gradients: list[Array]
    states: list[Array]


LAYERS: dict[str, Callable[..., Any]] = {
    "activation": activations.activation,
    "weighed": layers.weighed,
    "padded": layers.padded,
    "normalised": layers.normalised,
    "flattened": layers.flattened,
    "dropped": layers.dropped,
    "pooled": layers.pooled,
    "embedded": layers.embedded,
    "recurrent": recurrent.recurrent,
}


@contextlib.contextmanager
def altering(model: keras.Model) -> Iterator["Altering"]:
    """Have steps of a model be taken with something altered; it is left as it was.

    Parameters
    ----------
    model : keras.Model
        Compiled, of one input and one output.
    """
    kept = read(model.variables)
    with precision(str(model.compute_dtype)), ways_of(model), np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of heads and losses that do not go together: they are tried
        try:
            yield Altering(model)
        finally:
            put(model.variables, kept)


class Altering:
    """Steps of a model, each from given weights."""

    def __init__(self, model: keras.Model) -> None:
        self.model, self.dtype = model, str(model.compute_dtype)
        self.last = layers_of(model)[-1]
        trained = {id(variable) for variable in model.trainable_variables}
        self.trained = [variable for variable in model.weights if id(variable) in trained]
        self.states = [variable for variable in model.weights if id(variable) not in trained]
        self.held: Sequence[ArrayLike] | None = None

    def loss(self, weights: Sequence[ArrayLike], x: ArrayLike, y: ArrayLike, **altered: Any) -> float:
        """The loss alone; parameters as those of `step`."""
        self._hold(weights)
        return float(self._forward(x, y, **altered))

    def step(self, weights: Sequence[ArrayLike], x: ArrayLike, y: ArrayLike, **altered: Any) -> AlteredStep:
        """Compute one step's gradients from these weights.

        Parameters
        ----------
        weights : sequence of arrays
            As `model.get_weights()` orders them.
        x : array of shape (n, ...)
        y : array of shape (n, ...)
            Targets, as the model's loss takes them.
        masks : sequence of arrays
            What each layer of dropout multiplies by.
        layers : mapping of int to Alteration
            From 0, the first above the inputs.
        objective : Alteration, optional
            Of the loss.
        """
        self._hold(weights)
        with tf.GradientTape() as tape:
            loss = self._forward(x, y, **altered)
        found = tape.gradient(loss, [variable.value for variable in self.trained])
        gradients = [
            np.zeros(variable.shape) if g is None else tf.convert_to_tensor(g).numpy()
            for g, variable in zip(found, self.trained, strict=True)
        ]
        return AlteredStep(float(loss), gradients, [variable.numpy() for variable in self.states])

    def _hold(self, weights: Sequence[ArrayLike]) -> None:
        """Set weights; of those that it has already, what a forward pass moves."""
        same = self.held is weights
        moved = {id(variable) for variable in self.states}
        pairs = zip(self.model.weights, weights, strict=True)
        asked = [pair for pair in pairs if not same or id(pair[0]) in moved]
        put([variable for variable, _ in asked], [value for _, value in asked])
        self.held = weights

    def _forward(
        self,
        x: ArrayLike,
        y: ArrayLike,
        masks: Sequence[ArrayLike] = (),
        layers: Mapping[int, Alteration] | None = None,
        objective: Alteration | None = None,
    ) -> Any:
        given, found, targets = layers or {}, masks_of(self.model, masks), np.asarray(y)
        Y = tf.constant(targets) if targets.dtype.kind in "iu" else tf.constant(targets, self.dtype)
        logits: list[Any] = []

        def make(of: LayerCall, *args: Any, **kwargs: Any) -> Any:
            call = Call(of.layer, args[0], tf.constant(found[of.name], self.dtype) if of.name in found else None)
            one = given.get(of.number - 1)
            if one is not None:
                return LAYERS[one.kind](call, **one.options)
            if call.mask is not None:
                return call.inputs * call.mask
            if of.layer is self.last and has_activation(of.layer):
                logits.append(affine(call))
                return call.activation(logits[-1])
            return called(of, *args, **kwargs)

        A = through(self.model, tf.constant(np.asarray(x), self.dtype), make)
        Z = logits[-1] if logits else None
        loss = self.model.compute_loss(x=None, y=Y, y_pred=A)
        return loss if objective is None else LOSSES[objective.kind](self.model, loss, Y, A, Z, **objective.options)


def _named(model: Any, total: Any, Y: Any, A: Any, Z: Any, name: str) -> Any:
    """Another loss, in Keras's word, with the penalties."""
    return tf.add_n([tf.reduce_mean(keras.losses.get(name)(_encoded(Y, A), tf.identity(A))), *model.losses])


def _with_epsilon(model: Any, total: Any, Y: Any, A: Any, Z: Any, epsilon: float, reported: bool = False) -> Any:
    """A cross-entropy of log(P + epsilon); or only where it is reported."""
    Y = tf.cast(_encoded(Y, A), A.dtype)
    if "binary" in _name(model):
        data = -tf.reduce_mean(Y * tf.math.log(A + epsilon) + (1 - Y) * tf.math.log(1 - A + epsilon))
    else:
        data = -tf.reduce_mean(tf.reduce_sum(Y * tf.math.log(A + epsilon), axis=-1))
    whole = tf.add_n([data, *model.losses])
    return backward_of(whole, total) if reported else whole


def _output_error(model: Any, total: Any, Y: Any, A: Any, Z: Any) -> Any:
    """The loss as it is; its gradient with respect to the logits is P - Y, a mean over samples."""
    error = tf.stop_gradient(A - tf.cast(_encoded(Y, A), A.dtype))
    of_data = tf.reduce_sum(Z * error) / A.shape[0]
    return backward_of(total, tf.add_n([of_data, *model.losses]))


LOSSES: dict[str, Callable[..., Any]] = {
    "named": _named,
    "epsilon": _with_epsilon,
    "output error": _output_error,
}


def _encoded(Y: Any, A: Any) -> Any:
    return (
        tf.one_hot(tf.reshape(Y, [-1]), A.shape[-1], dtype=A.dtype) if "int" in Y.dtype.name and A.shape[-1] > 1 else Y
    )


def _name(model: Any) -> str:
    return model.loss if isinstance(model.loss, str) else str(getattr(model.loss, "name", ""))
