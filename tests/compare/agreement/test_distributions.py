import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from compare.agreement.distributions import compare_failures, distance, failed, improvement


def counted(count, total):
    """Runs of which so many failed, and none diverged."""
    return np.arange(total) < count, np.zeros(total, bool)


def test_the_distance_is_that_of_kolmogorov_and_smirnov():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=200), rng.normal(0.5, 2, size=150)
    found = distance(x, y)
    assert found.observed == pytest.approx(stats.ks_2samp(x, y).statistic)
    assert found.bound == pytest.approx(found.observed + np.sqrt(np.log(20) / 2 * (1 / 200 + 1 / 150)))
    assert not found.equivalent


@pytest.mark.parametrize("shape", ["normal", "discrete", "dead", "spread"])
def test_the_bound_covers_the_true_distance(shape):
    """In at least 95 of 100 draws: of 1,000, no more than chance explains miss it."""
    rng = np.random.default_rng(1)
    points = np.linspace(-4, 4, 801)
    missed = 0
    for _ in range(1000):
        x, y = rng.normal(size=(2, 100))
        if shape == "normal":
            x, true = x + 0.5, 2 * stats.norm.cdf(0.25) - 1
        elif shape == "discrete":
            x, y, true = (x > 0.3).astype(float), (y > 0).astype(float), stats.norm.cdf(0.3) - 0.5
        elif shape == "dead":
            x, true = np.where(rng.random(100) < 0.2, 5.0, x), 0.2
        else:
            x, true = 1.5 * x, np.abs(stats.norm.cdf(points) - stats.norm.cdf(points / 1.5)).max()
        missed += distance(x, y).bound < true - 1e-9
    assert missed <= stats.binom.ppf(0.999, 1000, 0.05)


def test_what_is_not_finite_is_the_largest():
    x, y = np.array([1.0, np.nan, np.inf]), np.array([1.0, 2.0, 3.0])
    assert distance(x, y).observed == pytest.approx(2 / 3)
    assert improvement(x, y).probability == pytest.approx((0.5 + 2) / 9)


def test_the_probability_of_improvement_is_that_of_brunner_and_munzel():
    """The figures of statsmodels 0.15, rank_compare_2indep, with ties."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=40).round(1), rng.normal(0.3, 1.5, size=60).round(1)
    found = improvement(x, y)
    assert (1 - found.probability, 1 - found.high, 1 - found.low) == pytest.approx(
        (0.3854166666666667, 0.29184361645301193, 0.47898971688032144)
    )


@given(st.lists(st.integers(0, 5), min_size=2, max_size=20), st.lists(st.integers(0, 5), min_size=2, max_size=20))
@settings(max_examples=50, deadline=None)
def test_each_side_improves_on_the_other_with_probabilities_that_add_up(x, y):
    one, other = improvement(x, y), improvement(y, x)
    assert one.probability + other.probability == pytest.approx(1)
    assert one.low <= one.probability <= one.high
    by_hand = np.mean([(a < b) + 0.5 * (a == b) for a in x for b in y])
    assert one.probability == pytest.approx(by_hand)


def test_a_run_fails_that_diverges_or_learns_nothing():
    loss = np.array([[1.2, 1.1, 1.099], [1.2, 0.9, 0.5], [1.0, np.nan, 0.5], [0.7, 0.7, 0.7]])
    by_chance, diverged = failed(loss, np.log(3))
    assert by_chance.tolist() == [True, False, True, False]
    assert diverged.tolist() == [False, False, True, False]
    assert failed(loss)[0].tolist() == [False, False, True, True]


@pytest.mark.parametrize(("replicates", "equivalent"), [(51, False), (52, True)])
def test_no_failure_at_all_is_evidence_only_with_enough_replicates(replicates, equivalent):
    got = compare_failures(counted(0, replicates), counted(0, replicates))
    assert (got.equivalent, got.p_different) == (equivalent, 1)


def test_newcombes_interval_equals_his_table():
    # Newcombe (1998), table II: 56/70 - 48/80, method 10, 95%: 0.0524 to 0.3339.
    got = compare_failures(counted(56, 70), counted(48, 80), alpha=0.025)
    assert (got.low, got.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_fishers_test_is_the_one_used():
    got = compare_failures(counted(8, 20), counted(1, 30))
    assert got.p_different == stats.fisher_exact(np.array([[8, 12], [1, 29]])).pvalue
