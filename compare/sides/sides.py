"""The scratch side, as every experiment builds it, and the weights that both sides can start from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from inspect import signature
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.errors import InputError
from compare.recipe.architecture import Architecture, Dense
from compare.sides.quiet_keras import load_keras
from scratch_nn import DenseLayer, Network
from scratch_nn.activations import ACTIVATIONS
from scratch_nn.losses import LOSSES
from scratch_nn.optimizers import OPTIMIZERS

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
    described, penalty = architecture.optimizer, architecture.penalty
    _known("loss", architecture.loss, LOSSES)
    _known("optimizer", described.name, OPTIMIZERS)
    kind = OPTIMIZERS[described.name]
    for name, _ in described.arguments:
        _known(f"argument of {described.name}", name, list(signature(kind).parameters)[2:])
    network = Network(
        architecture.learning_rate,
        dtype=architecture.dtype,
        loss=architecture.loss,
        l1=penalty.l1,
        l2=penalty.l2,
        **settings,
    )
    network.optimizer = kind(architecture.learning_rate, architecture.dtype, **dict(described.arguments))
    for layer in architecture.layers:
        if not isinstance(layer, Dense):
            raise InputError(f"the scratch network has no such layer. Received: {layer.kind}; known: Dense")
        last = layer is architecture.layers[-1]
        _known(
            "output activation" if last else "activation",
            layer.activation,
            LOSSES[architecture.loss].heads if last else ACTIVATIONS,
        )
        network.add(DenseLayer(layer.units, layer.activation, layer.use_bias))
    return network


def _known(what: str, value: str, known: Iterable[str]) -> None:
    if value not in known:
        raise InputError(f"the scratch network has no such {what}. Received: {value}; known: {', '.join(known)}")


def initial_weights(architecture: Architecture, seed: int, drawn_by: str) -> Weights:
    """Draw the weights that both sides start from, by the scratch side's initializer or by Keras's."""
    if drawn_by == "keras":
        return keras_weights(architecture, seed, DRAWN_BY[drawn_by])
    network = scratch_network(architecture, seed=seed, initializer=DRAWN_BY[drawn_by])
    network.build(architecture.sizes[0])
    return network.get_weights()


def keras_weights(architecture: Architecture, seed: int | Sequence[int], initializer: str) -> Weights:
    """Draw initial weights as Keras does; several seeds give each tensor a leading axis."""
    features, *units = architecture.sizes
    drawn = load_keras().draw_weights(features, units, seed, initializer, architecture.dtype)
    places = product(range(architecture.depth), ("kernel", "bias"))
    return [tensor for tensor, place in zip(drawn, places, strict=True) if place in architecture.places]
