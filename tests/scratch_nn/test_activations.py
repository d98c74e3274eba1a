from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scratch_nn.activations import ACTIVATIONS, LEAKY_SLOPE

DTYPES = ["float32", "float64"]
WRITTEN_OUT: dict[str, Callable[[float], float]] = {
    "linear": lambda z: z,
    "relu": lambda z: z if z > 0 else 0.0,
    "leaky_relu": lambda z: z if z > 0 else LEAKY_SLOPE * z,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
}


def both(name, Z):
    activation = ACTIVATIONS[name]
    A, slope = np.full_like(Z, 7), np.full_like(Z, 7)
    activation.function(Z, A)
    activation.derivative(Z, A, slope)
    return A, slope


def test_the_registry_is_what_is_tested():
    assert WRITTEN_OUT.keys() == ACTIVATIONS.keys()


@pytest.mark.parametrize("name", ACTIVATIONS)
@given(z=st.floats(-30, 30))
def test_value_is_the_textbook_formula(name, z):
    A, _ = both(name, np.array([[z]]))
    assert A[0, 0] == pytest.approx(WRITTEN_OUT[name](z), rel=1e-14, abs=1e-15)


@pytest.mark.parametrize("name", ACTIVATIONS)
@given(z=st.floats(-5, 5).filter(lambda z: abs(z) > 1e-3))
def test_derivative_is_the_slope_of_the_function(name, z):
    h = 1e-5
    A, _ = both(name, np.array([[z - h, z + h]]))
    _, slope = both(name, np.array([[z]]))
    assert slope[0, 0] == pytest.approx((A[0, 1] - A[0, 0]) / (2 * h), abs=1e-9)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
@given(data=st.data())
def test_finite_input_gives_finite_output_without_a_warning(name, dtype, data):
    width = np.dtype(dtype).itemsize * 8
    Z = data.draw(arrays(dtype, (2, 3), elements=st.floats(allow_nan=False, allow_infinity=False, width=width)))
    A, slope = both(name, Z)
    assert np.isfinite(A).all()
    assert ((slope >= 0) & (slope <= 1)).all()
    assert A.dtype == slope.dtype == dtype


@pytest.mark.parametrize("dtype", DTYPES)
def test_relu_has_slope_zero_at_zero_and_one_just_above_it(dtype):
    tiny = np.finfo(dtype).tiny
    A, slope = both("relu", np.array([[-tiny, -0.0, 0.0, tiny, np.inf]], dtype))
    assert A.tolist() == [[0, 0, 0, tiny, np.inf]]
    assert slope.tolist() == [[0, 0, 0, 1, 1]]


def test_leaky_relu_has_its_slope_at_zero():
    _, slope = both("leaky_relu", np.array([[-1.0, 0.0, 1.0]]))
    assert slope.tolist() == [[LEAKY_SLOPE, LEAKY_SLOPE, 1]]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_stack_and_a_view_give_the_same_values(name):
    Z = np.random.default_rng(0).normal(size=(3, 4, 5)).astype("float32")
    gapped = np.ones((3, 5, 5), "float32")
    ACTIVATIONS[name].function(Z, gapped[:, :-1])
    for alone, out in zip(Z, gapped, strict=True):
        np.testing.assert_array_equal(both(name, alone)[0], out[:-1])
        assert (out[-1] == 1).all()
