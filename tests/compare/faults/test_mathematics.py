import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compare.check.lockstep import build_reference
from compare.check.probes import draw_weights
from compare.check.rounding import rounding
from compare.check.subjects import Plan
from compare.faults.mathematics import CORRECT, FUNCTIONS, Setting, function, take_step
from keras_ref.training import steps_compiled

STACKS = [
    ((4, 3), ()),
    ((4, 7, 3), ("relu",)),
    ((4, 5, 6, 3), ("leaky_relu(0.05)", "tanh")),
    ((4, 6, 6, 5, 3), ("sigmoid", "linear", "leaky_relu")),
]


@pytest.mark.parametrize(("sizes", "activations"), STACKS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_mathematics_is_keras_within_the_rounding_bound(iris, sizes, activations, dtype):
    reference = build_reference(Plan(sizes, 0.05, 150, 32, activations), dtype)
    X = iris.X.astype(dtype).astype(float)
    weights = draw_weights(sizes, np.random.default_rng(0), activations, X)
    weights = [W.astype(dtype).astype(float) for W in weights]
    for rows in (np.arange(150), np.arange(32), np.array([149])):
        reference.model.set_weights(weights)
        keras = steps_compiled(reference.model, X, iris.y, [rows])
        step = take_step(CORRECT, reference.setting, weights, X[rows], iris.y[rows], {})
        bounds = rounding(step, reference.eps)
        assert abs(step.loss - keras.loss[0]) <= bounds.loss
        for ours, theirs, bound in zip(step.after, keras.weights, bounds.after, strict=True):
            assert (np.abs(ours - theirs[0]) <= bound).all()
            # The bound must stay tight enough to tell faults: here within 1,000 ULP of the tensor.
            assert bound.max() <= 1000 * reference.eps * max(1.0, np.abs(ours).max())


@pytest.mark.parametrize("name", FUNCTIONS)
@given(Z=st.floats(-30, 30).filter(lambda Z: abs(Z) > 1e-3))
@settings(max_examples=20, deadline=None)
def test_derivatives_are_slopes(name, Z):
    phi, h = FUNCTIONS[name], 1e-6
    at = np.array([Z])
    slope = (phi.value(at + h) - phi.value(at - h)) / (2 * h)
    np.testing.assert_allclose(phi.derivative(at, phi.value(at)), slope, atol=1e-6)


def test_a_leaky_relu_may_name_its_slope():
    assert function("leaky_relu(0.05)").value(np.array([-2.0])) == -0.1


def test_a_kink_within_rounding_is_told_and_widens_the_bound():
    X, y = np.array([[1.0, 1.0]]), np.array([0])
    weights = [np.array([[0.1, 0.5], [-0.1, 0.5]]), np.array([1e-17, 0.0]), np.array([[1.0, 2], [3, -1]]), np.zeros(2)]
    step = take_step(CORRECT, Setting(("relu",), 0.1, 1, 1, 2), weights, X, y, {})
    bounds = rounding(step, 2.0**-52)
    assert [kink[:3] for kink in bounds.kinks] == [(0, 0, 0)]
    assert bounds.after[0][0, 0] > 1e9 * bounds.without_kinks[0][0, 0]
    assert rounding(step, 2.0**-52, exact=True).kinks == []
