"""A network factory that these tests share."""

from collections.abc import Callable
from typing import Any

import pytest

from scratch_nn import DenseLayer, Network


@pytest.fixture
def make() -> Callable[..., Network]:
    """A 4-5-3 network unless told otherwise; arguments go to `Network`."""

    def build(layers: tuple[Any, ...] = (5, 3), **arguments: Any) -> Network:
        net = Network(**arguments)
        for layer in layers:
            net.add(DenseLayer(*layer) if isinstance(layer, tuple) else DenseLayer(layer))
        return net

    return build
