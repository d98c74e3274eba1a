"""Inference of any compiled model from given weights, and the layers that behave otherwise there than in training."""

import inspect
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from keras_ref.graphs import dtype_of
from keras_ref.precision import precision
from keras_ref.variables import put
from keras_ref.ways import ways_of
from keras_ref.wiring import layers_of

Array = NDArray[Any]


def predictions(
    model: keras.Model, weights: Sequence[ArrayLike], X: ArrayLike, training: bool = False
) -> NDArray[np.floating]:
    """Return what `model.predict` gives, from these weights.

    Parameters
    ----------
    model : keras.Model
        Left with these weights; in training, with the moving averages that follow.
    weights : sequence of arrays
        As `model.get_weights()` orders them.
    X : array of shape (n, ...)
    training : bool
        Whether layers behave as in a training step instead.

    Returns
    -------
    array of shape (n, ...)
    """
    dtype = dtype_of(model)
    with precision(dtype), ways_of(model):
        put(model.weights, weights)
        return np.asarray(model(np.asarray(X, dtype), training=training))


def layers_with_modes(model: keras.Model) -> list[str]:
    """Return the kinds of layers that behave otherwise in inference than in training, each once."""
    with precision(dtype_of(model)):
        found = [type(layer).__name__ for layer in layers_of(model) if _has_modes(layer)]
    return list(dict.fromkeys(found))


def _has_modes(layer: Any) -> bool:
    """Whether a layer makes two things of one input: many take the argument `training`, and few heed it."""
    if "training" not in inspect.signature(layer.call).parameters:
        return False
    rng = np.random.default_rng(0)
    given = keras.tree.map_structure(
        lambda tensor: rng.uniform(0.5, 1.5, [size or 8 for size in tensor.shape]).astype(tensor.dtype), layer.input
    )
    # The averages that a call in training moves are put back.
    kept = layer.get_weights()
    inferred, trained = (np.asarray(layer(given, training=training)) for training in (False, True))
    layer.set_weights(kept)
    return not np.array_equal(inferred, trained)
