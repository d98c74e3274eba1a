"""How a layer's initial kernel is drawn, in the article's orientation (units, inputs). Biases are zero."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Draw = np.random.RandomState | np.random.Generator


def uniform(rng: Draw, units: int, inputs: int) -> NDArray[np.float64]:
    """U(-1, 1), as the article draws its weights: with `RandomState(99)`, its weights bit for bit."""
    return rng.uniform(-1, 1, size=(units, inputs))


def glorot_uniform(rng: Draw, units: int, inputs: int) -> NDArray[np.float64]:
    """U(-r, r) with r = sqrt(6 / (inputs + units)), Keras's default (Glorot and Bengio, 2010, eq. 16)."""
    limit = np.sqrt(6 / (inputs + units))
    return rng.uniform(-limit, limit, size=(units, inputs))


INITIALIZERS: dict[str, Callable[[Draw, int, int], NDArray[np.float64]]] = {
    "uniform": uniform,
    "glorot_uniform": glorot_uniform,
}
