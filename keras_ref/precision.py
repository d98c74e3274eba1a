"""Keras keeps its precision in two global settings; a model needs both, to be built and to train."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras


@contextmanager
def precision(dtype: str) -> Iterator[None]:
    """Set Keras's float type and dtype policy, "float32" or "float64", and put the old ones back afterwards.

    With the float type alone, layers stay float32 and the loss, seeing a cast where it looks for the softmax,
    falls back to clipped probabilities. With the policy alone, learning rate and losses stay float32.
    """
    if dtype not in ("float32", "float64"):
        raise ValueError(f"`dtype` must be float32 or float64. Received: dtype={dtype!r}")
    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        keras.config.set_floatx(before[0])
        keras.config.set_dtype_policy(before[1])
