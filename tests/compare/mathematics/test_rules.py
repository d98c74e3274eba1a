import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compare.agreement.tolerance import ulp, unit
from compare.check.steps.reference import build_reference
from compare.check.steps.situations import draw_weights
from compare.mathematics.functions import FUNCTIONS, function
from compare.mathematics.rounding import rounding
from compare.mathematics.rules import CORRECT, take_step
from compare.recipe.architecture import dense
from compare.recipe.recipe import Recipe
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
    recipe = Recipe(dense(sizes, activations, 0.05, dtype), 150, 32)
    reference = build_reference(recipe)
    X = iris.X.astype(dtype).astype(float)
    weights = draw_weights(recipe.architecture, np.random.default_rng(0), X)
    weights = [W.astype(dtype).astype(float) for W in weights]
    for rows in (np.arange(150), np.arange(32), np.array([149])):
        reference.model.set_weights(weights)
        keras = steps_compiled(reference.model, X, iris.y, [rows])
        step = take_step(CORRECT, reference.rounded, weights, X[rows], iris.y[rows], {})
        bounds = rounding(step, reference.unit)
        assert abs(step.loss - keras.loss[0]) <= bounds.loss
        for ours, theirs, bound in zip(step.after, keras.weights, bounds.after, strict=True):
            assert (np.abs(ours - theirs[0]) <= bound).all()
            # The bound must stay tight enough to tell faults: here within 1,000 ULP of the tensor.
            assert bound.max() <= 1000 * ulp(dtype) * max(1.0, np.abs(ours).max())


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
    step = take_step(CORRECT, Recipe(dense((2, 2, 2), learning_rate=0.1), 1, 1), weights, X, y, {})
    bounds = rounding(step, unit("float64"))
    assert [kink[:3] for kink in bounds.kinks] == [(0, 0, 0)]
    assert bounds.after[0][0, 0] > 1e9 * bounds.without_kinks[0][0, 0]
    assert rounding(step, unit("float64"), exact=True).kinks == []
