"""One update: loss and accuracy before it, every weight after it."""

import numpy as np
import pytest

from keras_ref import steps_compiled
from scratch_nn import Network
from tests.parity.sides import DTYPES, STACKS, TOLERANCE, largest_gap, pair

BATCHES = {
    "all": slice(None),
    "32": slice(32),
    "ragged 22": slice(128, 150),
    "1": slice(1),
    "one class": slice(50),
}


def one_step(sides, iris, rows):
    """The gaps in loss, accuracy and weights after one step of both sides on the same batch."""
    scratch, model = sides
    order = np.arange(iris.n)[rows]
    steps = steps_compiled(model, iris.X, iris.y, [order])
    loss, accuracy = scratch.train_on_batch(iris.X[order], iris.y[order])
    weights = largest_gap(scratch.get_weights(), [tensor[0] for tensor in steps.weights])
    return abs(loss - steps.loss[0]), abs(accuracy - steps.accuracy[0]), weights


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("units", STACKS)
@pytest.mark.parametrize("batch", BATCHES)
def test_one_step_equals_keras(iris, units, dtype, batch):
    loss, accuracy, weights = one_step(pair(units, dtype, seed=2), iris, BATCHES[batch])
    assert loss <= TOLERANCE[dtype]
    assert accuracy == 0
    assert weights <= TOLERANCE[dtype]


def test_a_gradient_that_is_not_averaged_is_seen(iris):
    class Summed(Network):
        def update(self):
            self.gradient *= 150
            super().update()

    loss, _, weights = one_step(pair(STACKS[0], "float64", seed=2, kind=Summed), iris, slice(None))
    assert loss <= TOLERANCE["float64"], "the loss is measured before the update"
    assert weights > 1e-3
