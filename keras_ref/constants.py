"""Numbers that Keras takes through float32 on TensorFlow, or as they are."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf
from keras.src.backend.tensorflow import core

_EXACT = "_keras_parity_exact"


def keep_exact(model: keras.Model) -> None:
    """Have `constants_of` take this model's numbers as they are."""
    model.__dict__[_EXACT] = True


@contextlib.contextmanager
def exact_constants() -> Iterator[None]:
    """Have numbers of Python cast as they are meanwhile, which TensorFlow takes through float32."""
    kept, converted = core.cast, core.convert_to_tensor

    def cast(x: Any, dtype: Any) -> Any:
        return tf.constant(x, dtype) if isinstance(x, float) else kept(x, dtype)

    def convert(x: Any, dtype: Any = None, **options: Any) -> Any:
        exact = isinstance(x, float) and dtype is None
        return tf.constant(x, tf.float64) if exact else converted(x, dtype, **options)

    core.cast, core.convert_to_tensor = cast, convert
    try:
        yield
    finally:
        core.cast, core.convert_to_tensor = kept, converted


def constants_of(model: keras.Model) -> contextlib.AbstractContextManager[None]:
    """Take this model's constants as it is to have them."""
    return exact_constants() if model.__dict__.get(_EXACT, False) else contextlib.nullcontext()
