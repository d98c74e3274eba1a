"""Gaps and verdicts, as pure functions."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from compare.agreement import parity

anything = arrays(np.float64, 5, elements=st.floats(width=64))


@given(anything, anything)
@example(np.full(5, 1e308), np.full(5, -1e308))
def test_a_gap_is_symmetric_never_nan_and_zero_only_between_equals(a, b):
    gap = parity.gap(a, b)
    assert np.array_equal(gap, parity.gap(b, a))
    assert (gap >= 0).all()
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    assert np.array_equal(gap == 0, same)


def test_a_gap_is_taken_in_float64():
    assert parity.gap(np.float32(1), np.float32(1) + np.finfo(np.float32).eps)[()] == np.finfo(np.float32).eps


@given(st.integers(1, 2000), st.data(), st.sampled_from([np.float64, np.float32]))
def test_accuracies_are_counted_in_samples(n, data, dtype):
    k = data.draw(st.integers(0, n))
    assert parity.samples(dtype(k) / dtype(n), n) == k


def test_a_verdict_names_the_largest_the_one_nearest_to_its_tolerance_and_the_first_divergence():
    verdict = parity.judge([1, 1, 1, 1.5], [1, 1.25, 1.125, 1], tolerance=[0.1, 0.2, 0.1, 10], bar=0.1)
    assert verdict == parity.Difference(0.5, 0.25, 0.2, step=1, first=1, passed=False, judged_by="noise floor")


def test_a_verdict_within_tolerance():
    verdict = parity.judge([1.0, 2.0], [1.0, 2.0 + 1e-14], tolerance=1e-13, bar=1e-13)
    assert verdict.passed
    assert verdict.first is None
    assert verdict.judged_by == "bar"


def test_equality_is_enough_where_nothing_is_allowed():
    assert parity.judge([1.0], [1.0], tolerance=0.0, bar=0.0).passed
    assert not parity.judge([1.0], [np.nextafter(1.0, 2)], tolerance=0.0, bar=0.0).passed


def test_a_run_that_diverges_on_one_side_only_fails_and_on_both_sides_agrees():
    nan = float("nan")
    assert not parity.judge([1, nan], [1, 2], tolerance=1e300, bar=1).passed
    assert parity.judge([1, nan], [1, nan], tolerance=0, bar=0).passed


def test_a_tensor_is_judged_by_its_worst_element():
    a = np.zeros((3, 4))
    b = a.copy()
    b[2, 1] = 1e-3
    verdict = parity.judge(a, b, tolerance=1e-6, bar=1e-6)
    assert (verdict.largest, verdict.first, verdict.passed) == (1e-3, 2, False)
