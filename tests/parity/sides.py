"""Both sides from the same weights, as the parity tests need them; models are traced once for all tests."""

from functools import cache

import keras
import numpy as np

from compare.recipe.architecture import dense
from compare.sides.sides import initial_weights
from keras_ref import build_model
from scratch_nn import DenseLayer, Network

STACKS = [(6, 10, 8, 3), (6, 8, 10, 3)]
DTYPES = ["float64", "float32"]
# Absolute, on quantities of order one: float64 as measured 2e-15, float32 as measured 1e-6.
TOLERANCE = {"float64": 1e-13, "float32": 5e-6}

build = cache(build_model)


def pair(units, dtype, seed, drawn_by="scratch", n_features=4, kind=Network):
    """The scratch side and the Keras side, with equal weights and non-zero biases."""
    architecture = dense((n_features, *units), dtype=dtype)
    rng = np.random.default_rng(seed)
    weights = [
        rng.uniform(-0.5, 0.5, weight.shape).astype(dtype) if weight.role == "bias" else drawn
        for weight, drawn in zip(architecture.weights, initial_weights(architecture, seed, drawn_by), strict=True)
    ]
    scratch = kind(dtype=dtype)
    for count in units:
        scratch.add(DenseLayer(count))
    scratch.set_weights(weights)
    model: keras.Sequential = build(n_features, units, 0.01, dtype)
    model.set_weights(weights)
    return scratch, model


def largest_gap(ours, theirs):
    return max(float(np.abs(np.asarray(a) - np.asarray(b)).max()) for a, b in zip(ours, theirs, strict=True))
