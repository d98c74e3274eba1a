"""What all tests share: the environment TensorFlow needs before it is imported, and the data."""

import gc
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from compare.check.lines import finding
from compare.data.dataset import Dataset, load
from compare.sides.frozen import freezing
from compare.sides.quiet_keras import choose_backend

choose_backend()  # before a test imports TensorFlow
gc.set_threshold(50_000)  # most objects of a graph stay: to look through them takes a twentieth of the time


@pytest.fixture(scope="session")
def iris() -> Dataset:
    return load("iris")


class Data(NamedTuple):
    X: NDArray[np.float64]
    y: NDArray[np.integer]


@pytest.fixture
def data() -> Data:
    """23 samples of 4 features in 3 classes."""
    rng = np.random.default_rng(0)
    return Data(rng.normal(size=(23, 4)), rng.integers(0, 3, 23))


@pytest.fixture(autouse=True)
def edits_where_asked_for(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Edits of a failing subject's lines would take most of all tests' time; those that are about them ask for some."""
    marker = request.node.get_closest_marker("seconds_for_edits")
    (seconds,) = (0.0,) if marker is None else marker.args
    monkeypatch.setattr(finding, "TRYING", seconds)
    monkeypatch.setattr(finding, "LEAST", seconds)


LONG = ("tests/test_", "tests/compare/check/")


def pytest_collection_modifyitems(items):
    """Begin with the files that take longest: at the end, one worker would wait for the other."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.fixture(autouse=True, scope="module")
def what_stays() -> Iterator[None]:
    """Leave what a file's tests left behind to itself: a check looks through all that there is, again and again."""
    yield
    with freezing():
        pass


def pytest_collection_finish():
    """What was imported stays: the garbage collector need not look through it again and again."""
    with freezing():
        pass
