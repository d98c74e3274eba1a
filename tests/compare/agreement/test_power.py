import numpy as np
import pytest

from compare.agreement.distributions import compare_failures
from compare.agreement.power import Limits, enough, power

ALPHA = 0.05
LIMITS = Limits({}, 0.05, 0.15, ALPHA)


def simulated(n, seed=0, spoilt=0.0, draws=400, margin=0.15):
    rng = np.random.default_rng(seed)
    values = {"a": rng.normal(size=1000)}
    return power(values, rng.random(1000) < spoilt, (n, n), Limits({}, 0.05, margin, ALPHA), draws, rng)


def test_power_is_the_closed_form_of_a_single_outcome():
    """Of one normal outcome within a quarter of a standard deviation: the two one-sided tests."""
    from compare.agreement.equivalence import equivalence

    rng = np.random.default_rng(5)
    stated = equivalence(rng.normal(size=300), rng.normal(size=300)).power
    found = simulated(300, draws=2000).in_mean
    assert found.probability == pytest.approx(stated, abs=0.04)
    assert found.low < stated < found.high


def test_what_fails_often_takes_more_runs():
    assert simulated(300, spoilt=0.0).in_mean.probability > simulated(300, spoilt=0.2).in_mean.probability + 0.1


def test_the_whole_asks_for_more_than_the_mean():
    found = simulated(400)
    assert found.in_mean.probability > found.whole.probability
    assert simulated(400, margin=0.9).whole == simulated(400, margin=0.9).in_mean


def test_few_draws_are_less_sure():
    few, many = simulated(300, draws=40).in_mean, simulated(300, draws=800).in_mean
    assert few.high - few.low > many.high - many.low


def test_so_many_runs_are_enough():
    rng = np.random.default_rng(2)
    sides = ({"a": rng.normal(size=400)}, {"a": rng.normal(size=400)})
    none = np.zeros(400, bool)
    failures = compare_failures((none, none), (none, none))
    in_mean, whole = (enough(*sides, failures, LIMITS, each) for each in (False, True))
    assert in_mean is not None
    assert whole is not None
    assert simulated(in_mean).in_mean.probability > 0.8
    assert simulated(whole).whole.probability > 0.8
    assert simulated(in_mean // 2).in_mean.probability < 0.8
    assert simulated(whole // 2).whole.probability < 0.8


def test_no_number_of_runs_is_enough_without_a_margin():
    constant = {"a": np.ones(50)}
    none = np.zeros(50, bool)
    failures = compare_failures((none, none), (none, none))
    wide = {"a": np.r_[np.ones(49), 2.0]}
    assert enough(wide, constant, failures, LIMITS, whole=False) is None
    assert enough(wide, constant, failures, LIMITS, whole=True) is None
