"""One theory of tolerance: the least, the sampled and the propagated drift, and what rounding moves too far to tell."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compare.agreement import tolerance
from compare.agreement.tolerance import FACTOR, LEAST, LOOSEST

DTYPES = ["float64", "float32"]


def run(drift=(0.0, 0.0), weights_drift=(0.0, 0.0), loss=(1.0, 1.0), sizes=(1.0, 1.0), layers=(0, 0), dtype="float64"):
    """What is tolerated of a run of two tensors with one weight each."""
    return tolerance.of_run((drift, weights_drift), loss, [np.array([size]) for size in sizes], layers, dtype)


def test_a_sampled_drift_is_the_largest():
    assert tolerance.sampled([[1.0, 2.0], [1.5, 1.0]], [1.0, 1.75]).tolist() == [0.5, 0.75]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_quiet_run_is_tolerated_the_least_and_an_amplifying_one_its_drift(dtype):
    least = float(tolerance.least(1.0, dtype))
    assert least == FACTOR * LEAST * np.finfo(dtype).eps
    quiet, loud = run([0, least / FACTOR], dtype=dtype), run([0, least], [0, 2 * least], dtype=dtype)
    assert quiet.loss.tolist() == quiet.weights.tolist() == [least] * 2
    assert not quiet.amplified
    assert loud.loss.tolist() == [least, FACTOR * least]
    assert loud.weights.tolist() == [least, 2 * FACTOR * least]
    assert loud.amplified


def test_what_is_propagated_through_a_step_is_the_same_factor_of_the_same_unit():
    assert tolerance.unit("float32") == FACTOR * tolerance.ulp("float32") == FACTOR * 2.0**-23


def test_the_least_grows_with_what_it_judges_and_not_below_one():
    one = float(tolerance.least(1.0, "float32"))
    sizes = tolerance.least([0, 0.5, 1, -36, 158.9], "float32") / one
    assert sizes.tolist() == pytest.approx([1, 1, 1, 36, 158.9])


@given(st.floats(1e-6, 1e6), st.sampled_from(DTYPES))
def test_a_tensor_is_as_large_as_the_largest_weight_of_its_layer(size, dtype):
    kernel, bias = run(sizes=(size, 0.5), dtype=dtype).weights
    assert kernel == bias == tolerance.least(max(size, 0.5), dtype)
    assert run(sizes=(size, 0.5), layers=(0, 1), dtype=dtype).weights[1] == tolerance.least(0.5, dtype)


def test_amplified_rounding_and_a_large_loss_stay_excused_at_later_epochs():
    least = float(tolerance.least(1.0, "float64"))
    assert run([0, 1e-9, 0], loss=[1, 1, 1]).loss.tolist() == [least, 1e-8, 1e-8]
    assert run([0, 0, 0], loss=[1, 50, 1]).loss.tolist() == pytest.approx([least, 50 * least, 50 * least])


def test_accuracy_must_be_identical_unless_rounding_flips_predictions():
    least = [1e-13, 1e-13]
    assert tolerance.of_flips([0, 0], least, least).tolist() == [0, 0]
    assert tolerance.of_flips([0, 0], [1e-13, 1e-8], least).tolist() == [0, 1]
    assert tolerance.of_flips([0, 2], least, least).tolist() == [0, 20]


FAR = np.inf  # apart


def test_epochs_are_judged_up_to_the_first_that_rounding_moves_too_far_or_that_is_not_finite():
    loss = [1.0, 500.0, 2.0, np.nan]
    assert tolerance.judged_upto([1e-13, 1e-1, 1e-4, 1e-13], loss, FAR, "float64") == 3
    assert tolerance.judged_upto([1e-13, 1e-1, 1e-2, 1e-13], loss, FAR, "float64") == 2
    assert tolerance.judged_upto([np.inf, 0, 0, 0], loss, FAR, "float64") == 0
    assert tolerance.judged_upto([0, 0], [1, 1], FAR, "float64") == 2


def test_what_agrees_to_the_least_is_judged_however_far_rounding_might_have_moved_it():
    loose, least = 2 * LOOSEST / FACTOR, float(tolerance.least(1.0, "float32"))
    found = run([loose, 0], [0, loose], dtype="float32")
    assert not found.tight
    assert (found.upto([least, 2 * least]), found.upto([2 * least, 0]), found.upto([0, least])) == (1, 0, 2)
    assert found.told([FAR, least]).tolist() == [True, True]
    assert found.told([FAR, 2 * least]).tolist() == [True, False]
    assert run([LOOSEST / FACTOR, 0], [0, LOOSEST / FACTOR]).tight
    assert tolerance.judged_upto([FAR], [np.nan], [0.0], "float32") == 0, "two NaN agree, and tell nothing"
