import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from compare.agreement import curves
from compare.agreement.curves import curve_permutation_test, ks_over_epochs
from compare.errors import InputError

TIES = hnp.arrays(np.float64, (6, 4), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0, np.nan, np.inf]))


def walks(seed, replicates, epochs=30):
    """Correlated trajectories, as losses are."""
    return np.random.default_rng(seed).normal(size=(replicates, epochs)).cumsum(axis=1)


def test_ks_equals_scipys_epoch_by_epoch():
    x, y = walks(1, 40), walks(2, 30) + 1
    got = ks_over_epochs(x, y)
    each = [stats.ks_2samp(a, b) for a, b in zip(x.T, y.T, strict=True)]
    assert got.statistic.tolist() == [test.statistic for test in each]
    assert got.adjusted == pytest.approx(stats.false_discovery_control([test.pvalue for test in each]))
    assert got.p_value == got.adjusted.min()
    assert got.rejected.tolist() == (got.adjusted <= 0.05).tolist()
    assert 0 < got.rejected.sum() < sum(test.pvalue <= 0.05 for test in each)


def test_ks_finds_the_one_epoch_whose_spread_differs():
    x, y = np.random.default_rng(3).normal(size=(2, 200, 20))
    x[:, 7] *= 2.5
    assert np.flatnonzero(ks_over_epochs(x, y).rejected).tolist() == [7]


def test_constant_and_identical_epochs_do_not_differ():
    x = np.tile([0.1, 0.0, -0.3], (50, 1))
    ks, curve = ks_over_epochs(x, x[:40]), curve_permutation_test(x, x[:40], np.random.default_rng(0))
    assert (ks.p_value, curve.p_value, curve.threshold) == (1, 1, 0)
    assert curve.statistic.tolist() == curve.difference.tolist() == [0, 0, 0]


def test_a_p_value_that_rounds_above_one_gives_no_warning():
    x = np.arange(30.0)[:, None]
    y = x.copy()
    y[0] = -1
    assert ks_over_epochs(x, y).p_value == 1


def test_diverged_runs_are_a_difference_of_the_distribution_and_of_the_curve():
    x, y = walks(4, 60), walks(5, 60)
    y[:25, 20:] = [[np.nan], [np.inf], [-np.inf], [np.nan], [np.inf]] * 5
    assert ks_over_epochs(x, y).rejected[20:].all()
    curve = curve_permutation_test(x, y, np.random.default_rng(0))
    assert curve.p_value == 0.001
    assert (curve.statistic[20:] < -curve.threshold).all()
    assert np.isnan(curve.difference).tolist() == [False] * 20 + [True] * 10


def test_the_statistic_is_the_difference_in_standard_errors_of_the_permutation_distribution():
    x, y = walks(6, 5, epochs=3), walks(7, 3, epochs=3)
    got = curve_permutation_test(x, y, np.random.default_rng(0), permutations=19)
    pooled = np.concatenate([x, y])
    every = [
        pooled[list(chosen)].mean(axis=0) - np.delete(pooled, chosen, axis=0).mean(axis=0)
        for chosen in itertools.combinations(range(8), 5)
    ]
    difference = x.mean(axis=0) - y.mean(axis=0)
    assert got.difference == pytest.approx(difference)
    assert got.statistic == pytest.approx(difference / np.std(every, axis=0))
    assert got.half_width == pytest.approx(got.threshold * np.std(every, axis=0))


def test_the_p_value_counts_the_observed_permutation_and_its_ties():
    # Of the 20 ways to part 3 from 3, the observed one and its mirror are the most extreme: p is about 2/20.
    x, y = np.array([[1.0], [2.0], [3.0]]), np.array([[4.0], [5.0], [6.0]])
    got = curve_permutation_test(x, y, np.random.default_rng(8), permutations=9_999)
    assert got.p_value == pytest.approx(0.1, abs=0.01)


@given(TIES, TIES, st.integers(0, 5))
def test_the_band_and_the_p_value_agree(x, y, seed):
    got = curve_permutation_test(x, y, np.random.default_rng(seed), permutations=39)
    above = np.abs(got.statistic).max() > got.threshold * (1 + 1e-9)
    assert above == (got.p_value <= 0.05)
    assert 1 / 40 <= got.p_value <= 1


def test_blocks_of_any_size_give_the_same_result(monkeypatch):
    x, y = walks(9, 20), walks(10, 20)
    whole = curve_permutation_test(x, y, np.random.default_rng(0))
    monkeypatch.setattr(curves, "BLOCK", 100)
    blocks = curve_permutation_test(x, y, np.random.default_rng(0))
    assert blocks.p_value == whole.p_value
    assert blocks.threshold == pytest.approx(whole.threshold, rel=1e-12)


def test_values_about_to_overflow_are_compared():
    x, y = walks(11, 20), walks(12, 20)
    big = curve_permutation_test(x * 1e300, y * 1e300, np.random.default_rng(0))
    assert big.p_value == curve_permutation_test(x, y, np.random.default_rng(0)).p_value


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"keras": np.ones((3, 4))}, "equally many epochs. Received: 5 and 4"),
        ({"keras": np.ones(5)}, "`keras` must have shape"),
        ({"alpha": 0}, "`alpha` must lie"),
        ({"permutations": 18}, "`permutations` must be at least 19 for `alpha` 0.05. Received: 18"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    given = {
        "scratch": np.ones((3, 5)),
        "keras": np.ones((3, 5)),
        "rng": np.random.default_rng(0),
    } | arguments
    with pytest.raises(InputError, match=message):
        curve_permutation_test(**given)
