"""The forward pass: equal weights and data give equal probabilities."""

import numpy as np
import pytest

from keras_ref.precision import precision
from scratch_nn import Network
from tests.parity.sides import DTYPES, STACKS, TOLERANCE, largest_gap, pair


def probabilities(model, X, dtype):
    with precision(dtype):  # else Keras rounds float64 data to float32 on the way in
        return model.predict(X.astype(dtype), verbose=0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("units", [*STACKS, (3,), (16, 3)])
@pytest.mark.parametrize("seed", range(3))
def test_probabilities_equal_keras(iris, units, dtype, seed):
    scratch, model = pair(units, dtype, seed)
    theirs = probabilities(model, iris.X, dtype)
    assert largest_gap([scratch.predict_proba(iris.X)], [theirs]) <= TOLERANCE[dtype]
    assert np.array_equal(scratch.predict(iris.X), theirs.argmax(axis=1))


def test_a_forgotten_bias_is_seen(iris):
    class WithoutBias(Network):
        def forward(self, work):
            for layer in work.layers:
                layer.A_in[..., -1, :] = 0
            super().forward(work)

    scratch, model = pair(STACKS[0], "float64", 0, kind=WithoutBias)
    theirs = probabilities(model, iris.X, "float64")
    assert largest_gap([scratch.predict_proba(iris.X)], [theirs]) > 1e-3
