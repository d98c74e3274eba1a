"""Small data and a network factory that these tests share."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from scratch_nn import DenseLayer, Network


class Data(NamedTuple):
    X: NDArray[np.float64]
    y: NDArray[np.integer]


@pytest.fixture
def data() -> Data:
    """23 samples of 4 features in 3 classes."""
    rng = np.random.default_rng(0)
    return Data(rng.normal(size=(23, 4)), rng.integers(0, 3, 23))


@pytest.fixture
def make() -> Callable[..., Network]:
    """A 4-5-3 network unless told otherwise; arguments go to `Network`."""

    def build(layers: tuple[Any, ...] = (5, 3), **arguments: Any) -> Network:
        net = Network(**arguments)
        for layer in layers:
            net.add(DenseLayer(*layer) if isinstance(layer, tuple) else DenseLayer(layer))
        return net

    return build
