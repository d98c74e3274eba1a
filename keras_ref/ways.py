"""The ways of Keras on TensorFlow, and others: constants taken through float32 or as they are, and normalisation."""

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.backend.tensorflow import core, nn
from keras.src.backend.tensorflow import numpy as elementwise

_EXACT, _OTHERWISE = "_keras_parity_exact", "_keras_parity_otherwise"


def mark(model: keras.Model, exact: bool, otherwise: bool) -> None:
    """Mark the ways in which `ways_of` is to have a model computed."""
    model.__dict__ |= {_EXACT: exact, _OTHERWISE: otherwise}
    if exact and getattr(model.optimizer, "weight_decay", None):  # a number of Python is cast by TensorFlow itself
        model.optimizer.weight_decay = np.float64(model.optimizer.weight_decay)


def _leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    return tf.where(x > 0, x, negative_slope * x)


def _gelu(x: Any, approximate: bool = True) -> Any:
    if approximate:
        return 0.5 * x * (1 + tf.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * tf.math.erfc(-x * math.sqrt(0.5))


def _centred(x: Any, mean: Any, variance: Any, axis: int, offset: Any, scale: Any, epsilon: float) -> Any:
    shape = [1] * len(x.shape)
    shape[axis] = -1
    mean, variance = tf.reshape(mean, shape), tf.reshape(variance, shape)
    hat = (x - mean) * tf.math.rsqrt(variance + epsilon)
    hat = hat if scale is None else hat * tf.reshape(scale, shape)
    return hat if offset is None else hat + tf.reshape(offset, shape)


@tf.custom_gradient
def _sigmoid(x: Any) -> Any:
    y = tf.sigmoid(x)
    return y, lambda dy: dy * y * tf.sigmoid(-x)


@tf.custom_gradient
def _tanh(x: Any) -> Any:
    return tf.tanh(x), lambda dy: dy * 4 * tf.sigmoid(2 * x) * tf.sigmoid(-2 * x)


@contextlib.contextmanager
def _instead(module: Any, **functions: Any) -> Iterator[None]:
    """Put these functions in the place of the module's own meanwhile."""
    kept = {name: getattr(module, name) for name in functions}
    module.__dict__.update(functions)
    try:
        yield
    finally:
        module.__dict__.update(kept)


@contextlib.contextmanager
def exact_constants() -> Iterator[None]:
    """Have numbers of Python cast as they are meanwhile, which TensorFlow takes through float32."""
    kept, converted = core.cast, core.convert_to_tensor

    def cast(x: Any, dtype: Any) -> Any:
        return tf.constant(x, dtype) if isinstance(x, float) else kept(x, dtype)

    def convert(x: Any, dtype: Any = None, **options: Any) -> Any:
        exact = isinstance(x, float) and dtype is None
        return tf.constant(x, tf.float64) if exact else converted(x, dtype, **options)

    # Of these activations TensorFlow keeps a constant in float32.
    with _instead(core, cast=cast, convert_to_tensor=convert), _instead(nn, leaky_relu=_leaky_relu, gelu=_gelu):
        yield


def knows_otherwise(model: keras.Model) -> bool:
    """Whether there is anything in a model that `computed_otherwise` changes."""
    curved = (keras.activations.sigmoid, keras.activations.tanh)
    return any(
        isinstance(layer, keras.layers.BatchNormalization) or getattr(layer, "activation", None) in curved
        for layer in model.layers
    )


@contextlib.contextmanager
def computed_otherwise() -> Iterator[None]:
    """Have some functions computed meanwhile by other formulas, whose rounding is another.

    Batches are normalised by (x - mean) / deviation, where TensorFlow adds two products: less is lost where all samples
    are alike. Derivatives of the sigmoid and of tanh are taken of what goes in, where TensorFlow takes y (1 - y) and
    1 - y ** 2: nothing is lost far out, where y is 1 but for some ULP.
    """
    with _instead(nn, batch_normalization=_centred, sigmoid=_sigmoid), _instead(elementwise, tanh=_tanh):
        yield


@contextlib.contextmanager
def ways_of(model: keras.Model) -> Iterator[None]:
    """Have this model computed in the ways that it is marked for."""
    with contextlib.ExitStack() as ways:
        if model.__dict__.get(_EXACT, False):
            ways.enter_context(exact_constants())
        if model.__dict__.get(_OTHERWISE, False):
            ways.enter_context(computed_otherwise())
        yield
