import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit, log_softmax

from scratch_nn.losses import BinaryCrossentropy, CategoricalCrossentropy, MeanSquaredError, softmax

CLASSES, SAMPLES = 3, 5
DTYPES = st.sampled_from(["float32", "float64"])


@st.composite
def batches(draw, fraction_of_max):
    """Logits of either dtype, finite, up to a fraction of the dtype's maximum; and labels."""
    dtype = np.dtype(draw(DTYPES))
    bound = float(np.finfo(dtype).max) * fraction_of_max
    logits = st.floats(-bound, bound, width=dtype.itemsize * 8) | st.sampled_from([-bound, 0.0, bound])
    Z = draw(arrays(dtype, (CLASSES, SAMPLES), elements=logits))
    return Z, draw(arrays(np.intp, SAMPLES, elements=st.integers(0, CLASSES - 1)))


def measured(Z, y):
    dZ = np.empty_like(Z)
    loss = CategoricalCrossentropy(Z, dZ)
    loss.set_targets(y)
    value, correct = loss.value(), loss.correct()
    P = dZ.copy()
    loss.gradient()
    return value, correct, P, dZ


@given(batches(0.5))
def test_any_finite_logits_give_probabilities_and_a_loss_without_a_warning(batch):
    Z, y = batch
    with np.errstate(over="ignore"):  # the mean of losses near the dtype's maximum may be infinite
        value, correct, P, dZ = measured(Z, y)
    assert value >= 0
    assert value.dtype == P.dtype == dZ.dtype == Z.dtype
    assert 0 <= correct <= SAMPLES
    assert ((P >= 0) & (P <= 1)).all()
    np.testing.assert_allclose(P.sum(axis=0), 1, rtol=4 * np.finfo(Z.dtype).eps)
    assert np.abs(dZ.sum(axis=0)).max() <= 4 * np.finfo(Z.dtype).eps


@given(batches(1.0))
def test_logits_up_to_the_dtypes_maximum_never_give_nan(batch):
    Z, y = batch
    with np.errstate(over="ignore"):
        value, _, P, dZ = measured(Z, y)
    assert value >= 0
    assert np.isfinite(P).all()
    assert np.isfinite(dZ).all()


@given(batches(0.5))
def test_softmax_is_what_the_loss_computes(batch):
    Z, y = batch
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(softmax(Z), measured(Z, y)[2])


def test_value_and_gradient_are_the_textbook_formulas():
    rng = np.random.default_rng(0)
    Z, y = rng.normal(scale=3, size=(CLASSES, 50)), rng.integers(0, CLASSES, 50)
    value, correct, P, dZ = measured(Z, y)
    assert value == pytest.approx(-log_softmax(Z, axis=0)[y, np.arange(50)].mean(), rel=1e-14)
    np.testing.assert_allclose(dZ, (P - np.eye(CLASSES)[y].T) / 50, rtol=0, atol=1e-16)
    assert correct == np.count_nonzero(Z.argmax(axis=0) == y)


def test_the_articles_cross_entropy_example():
    y_hat = np.array([3.01929735e-07, 7.83961013e-09, 9.99999690e-01])
    value, *_ = measured(np.log(y_hat)[:, np.newaxis], np.array([0]))
    # The article prints -log(y_hat[0]); its probabilities, printed with nine digits, sum to 1 - 2e-10.
    assert value == pytest.approx(15.013071512205286, abs=1e-9)


def test_a_sure_and_wrong_prediction_costs_its_margin_where_probabilities_would_give_infinity():
    value, *_ = measured(np.array([[0.0], [1000.0]]), np.array([0]))
    assert value == 1000


@given(arrays("float32", (4, SAMPLES), elements=st.sampled_from([0.0, 1e-9, 1.0, -3e38])), st.data())
def test_of_tied_probabilities_the_first_counts(Z, data):
    """Logits that differ by less than rounding tie after exp: the comparison must be of probabilities."""
    y = data.draw(arrays(np.intp, SAMPLES, elements=st.integers(0, 3)))
    with np.errstate(over="ignore"):
        _, correct, P, _ = measured(Z, y)
    assert correct == np.count_nonzero(P.argmax(axis=0) == y)


def test_nan_in_one_replicate_and_ties_in_another_do_not_cancel_out():
    Z = np.stack([np.full((3, 2), np.nan), np.zeros((3, 2)), np.eye(3)[:, :2]])
    _, correct, *_ = measured(Z, np.array([0, 1]))
    assert correct.tolist() == [1, 1, 2]


def test_of_nan_the_first_class_counts_as_argmax_has_it():
    _, correct, *_ = measured(np.full((2, 4), np.nan), np.array([0, 0, 0, 1]))
    assert correct == 3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_stack_gives_each_replicates_own_result(dtype):
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(4, CLASSES, 150)).astype(dtype)
    Z[1] = 0  # one replicate all ties
    y = rng.integers(0, CLASSES, (4, 150))
    stacked = measured(Z, y)
    for replicate in range(4):
        for whole, alone in zip(stacked, measured(Z[replicate], y[replicate]), strict=True):
            np.testing.assert_array_equal(whole[replicate], alone)
    shared = measured(Z, y[0])
    np.testing.assert_array_equal(shared[0][0], stacked[0][0])


def of_values(kind, output, Y):
    error = np.full_like(output, np.nan)
    loss = kind(output, error)
    loss.set_targets(np.asarray(Y, output.dtype).swapaxes(-1, -2))
    value, correct = loss.value(), loss.correct()
    loss.gradient()
    return value, correct, error, loss.predictions()


def targets(kind, shape):
    rng = np.random.default_rng(1)
    return rng.integers(0, 2, shape) if kind is BinaryCrossentropy else rng.normal(size=shape)


OF_VALUES = [BinaryCrossentropy, MeanSquaredError]


@pytest.mark.parametrize("kind", OF_VALUES)
@pytest.mark.parametrize("outputs", [1, 3])
def test_a_loss_of_values_is_a_mean_over_outputs_too_and_has_its_own_slope(kind, outputs):
    output = np.random.default_rng(0).normal(scale=2, size=(outputs, 7))
    Y = targets(kind, output.shape)
    value, _, error, _ = of_values(kind, output, Y)
    P = expit(output)
    plain = -(Y * np.log(P) + (1 - Y) * np.log(1 - P)) if kind is BinaryCrossentropy else (output - Y) ** 2
    assert value == pytest.approx(plain.mean(), rel=1e-13)
    h = 1e-6
    for at in np.ndindex(output.shape):
        ends = []
        for shift in (h, -h):
            moved = output.copy()
            moved[at] += shift
            ends.append(of_values(kind, moved, Y)[0])
        assert error[at] == pytest.approx((ends[0] - ends[1]) / (2 * h), abs=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", OF_VALUES)
def test_a_stack_of_values_gives_each_replicates_own_result(kind, dtype):
    output = np.random.default_rng(0).normal(size=(4, 3, 50)).astype(dtype)
    Y = targets(kind, output.shape)
    stacked = of_values(kind, output, Y)
    for replicate in range(4):
        for whole, alone in zip(stacked, of_values(kind, output[replicate], Y[replicate]), strict=True):
            np.testing.assert_array_equal(whole[replicate], alone)
            assert alone.dtype == dtype or alone.dtype == np.intp


def test_a_sure_and_wrong_label_costs_its_logit_and_warns_of_nothing():
    value, correct, error, _ = of_values(BinaryCrossentropy, np.array([[1000.0, -1000.0]]), [[0, 1]])
    assert (value, correct) == (1000, 0)
    assert error.tolist() == [[0.5, -0.5]]


def test_right_is_what_keras_calls_accuracy():
    one = np.array([[-1.0, 0.0, 2.0, 3.0]])
    assert of_values(BinaryCrossentropy, one, [[0, 0, 1, 0]])[1] == 3, "one output: above 1/2, and a half is not"
    several = np.array([[1.0, 0.0], [2.0, -1.0], [0.0, -2.0]])
    assert of_values(BinaryCrossentropy, several, [[1, 1], [1, 0], [0, 1]])[1] == 1, (
        "several: the first largest of both"
    )
    assert of_values(MeanSquaredError, several, [[0, 1], [1, 0], [0, 0]])[1] == 2


def test_predictions_are_what_the_head_gives():
    output = np.array([[-1.0, 2.0]])
    np.testing.assert_allclose(of_values(BinaryCrossentropy, output, [[0, 1]])[3], expit(output), rtol=1e-15)
    np.testing.assert_array_equal(of_values(MeanSquaredError, output, [[0, 1]])[3], output)
