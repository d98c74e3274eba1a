import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratch_nn.initializers import INITIALIZERS, glorot_uniform, uniform

SIZES = st.integers(1, 20)


def test_uniform_is_the_articles_stream_bit_for_bit():
    drawn = uniform(np.random.RandomState(99), 6, 4)
    np.testing.assert_array_equal(drawn, np.random.RandomState(99).uniform(-1, 1, size=(6, 4)))
    assert drawn[0, 0] == 0.34455711726158356


@given(units=SIZES, inputs=SIZES, seed=st.integers(0, 2**32 - 1))
def test_glorot_uniform_stays_within_its_limit(units, inputs, seed):
    drawn = glorot_uniform(np.random.default_rng(seed), units, inputs)
    assert drawn.shape == (units, inputs)
    assert np.abs(drawn).max() <= np.sqrt(6 / (inputs + units))


@pytest.mark.parametrize(("name", "variance"), [("uniform", 1 / 3), ("glorot_uniform", 2 / 300)])
def test_variance_is_the_distributions(name, variance):
    drawn = INITIALIZERS[name](np.random.default_rng(0), 100, 200)
    # 20,000 draws: the variance of a uniform sample has a relative standard error of 0.6%.
    assert drawn.var() == pytest.approx(variance, rel=0.03)
    assert abs(drawn.mean()) < 4 * np.sqrt(variance / drawn.size)
