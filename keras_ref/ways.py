"""The ways of Keras on TensorFlow, and others: constants taken through float32 or as they are, and normalisation."""

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.backend.tensorflow import core, nn

_EXACT, _CENTRED = "_keras_parity_exact", "_keras_parity_centred"


def mark(model: keras.Model, exact: bool, centred: bool) -> None:
    """Mark the ways in which `ways_of` is to have a model computed."""
    model.__dict__ |= {_EXACT: exact, _CENTRED: centred}
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


def centred_normalisation() -> contextlib.AbstractContextManager[None]:
    """Have batches normalised meanwhile by (x - mean) / deviation, where TensorFlow adds two products.

    The same, but for how it is rounded: by much less where all samples are alike.
    """
    return _instead(nn, batch_normalization=_centred)


@contextlib.contextmanager
def ways_of(model: keras.Model) -> Iterator[None]:
    """Have this model computed in the ways that it is marked for."""
    with contextlib.ExitStack() as ways:
        if model.__dict__.get(_EXACT, False):
            ways.enter_context(exact_constants())
        if model.__dict__.get(_CENTRED, False):
            ways.enter_context(centred_normalisation())
        yield
