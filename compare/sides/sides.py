"""The scratch side, as every experiment builds it, and the weights that both sides can start from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.errors import InputError
from compare.recipe.architecture import Architecture, Dense
from compare.sides.quiet_keras import load_keras
from scratch_nn import DenseLayer, Network

Weights = list[NDArray[np.floating]]

# Who draws the common weights of a matched pair: each side its default.
DRAWN_BY = {"scratch": "uniform", "keras": "glorot_uniform"}


def scratch_network(architecture: Architecture, **settings: Any) -> Network:
    """Build the scratch side; `settings` are those of `Network` that an architecture does not tell.

    Raises
    ------
    InputError
        If the architecture has what the scratch network does not.
    """
    if beyond := architecture.beyond_plain():
        raise InputError(
            "the scratch network has dense layers, a softmax, categorical cross-entropy and plain SGD. "
            f"Received: {beyond}"
        )
    network = Network(learning_rate=architecture.learning_rate, dtype=architecture.dtype, **settings)
    for layer in architecture.layers:
        assert isinstance(layer, Dense)
        network.add(DenseLayer(layer.units, layer.activation))
    return network


def initial_weights(architecture: Architecture, seed: int, drawn_by: str) -> Weights:
    """Draw the weights that both sides start from, by the scratch side's initializer or by Keras's."""
    features, *units = architecture.sizes
    if drawn_by == "keras":
        return load_keras().draw_weights(features, units, seed, DRAWN_BY[drawn_by], architecture.dtype)
    network = scratch_network(architecture, seed=seed, initializer=DRAWN_BY[drawn_by])
    network.build(features)
    return network.get_weights()
