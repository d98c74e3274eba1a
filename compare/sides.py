"""The two sides, as every experiment builds them, and the weights that both can start from."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from compare.reference import load_keras
from scratch_nn import DenseLayer, Network

if TYPE_CHECKING:
    import keras

Weights = list[NDArray[np.floating]]

# Who draws the common weights of a matched pair: each side its default.
DRAWN_BY = {"scratch": "uniform", "keras": "glorot_uniform"}


def scratch_network(units: tuple[int, ...], learning_rate: float, dtype: str, **settings: Any) -> Network:
    """Build the scratch side: ReLU layers and a softmax; `settings` are those of `Network`."""
    network = Network(learning_rate=learning_rate, dtype=dtype, **settings)
    for count in units:
        network.add(DenseLayer(count))
    return network


def reused_model(n_features: int, units: tuple[int, ...], learning_rate: float, dtype: str) -> keras.Sequential:
    """Return this process's one model of that shape: the graph traced for it serves any weights and learning rate."""
    model = _model(n_features, units, dtype)
    model.optimizer.learning_rate = learning_rate
    return model


@lru_cache(maxsize=8)
def _model(n_features: int, units: tuple[int, ...], dtype: str) -> keras.Sequential:
    load_keras()
    from keras_ref import build_model

    return build_model(n_features, units, dtype=dtype)


def initial_weights(seed: int, drawn_by: str, n_features: int, units: tuple[int, ...], dtype: str) -> Weights:
    """Draw the weights that both sides start from, by the scratch side's initializer or by Keras's."""
    if drawn_by == "keras":
        from keras_ref import draw_weights

        return draw_weights(n_features, units, seed, DRAWN_BY[drawn_by], dtype)
    network = scratch_network(units, 1.0, dtype, seed=seed, initializer=DRAWN_BY[drawn_by])
    network.build(n_features)
    return network.get_weights()
