import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from compare.agreement.equivalence import default_threshold, equivalence, shown_equivalent, summaries
from compare.errors import InputError

SAMPLES = hnp.arrays(np.float64, st.integers(3, 12), elements=st.floats(-100, 100))


def draws(seed, *shapes):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in shapes]


def test_summaries_of_two_trajectories_by_hand():
    loss = [[8.0, 4.0, 2.0, 1.0], [8.0, 7.0, 6.0, 5.0]]
    accuracy = [[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8]]
    outcome = summaries(loss, accuracy, threshold=4)
    assert outcome["final_loss"].tolist() == [1, 5]
    assert outcome["final_accuracy"].tolist() == [0.4, 0.8]
    assert outcome["loss_area"].tolist() == [(6 + 3 + 1.5) / 3, (7.5 + 6.5 + 5.5) / 3]
    assert outcome["epochs_to_threshold"].tolist() == [1, 4]  # the second never: censored at 4 epochs


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_replicate_with_any_non_finite_loss_is_nan_in_every_summary(value):
    loss, accuracy = np.ones((3, 4)), np.full((3, 4), 0.5)
    loss[1, 2] = value
    for outcome in summaries(loss, accuracy).values():
        assert np.isnan(outcome).tolist() == [False, True, False]


def test_one_epoch_has_its_loss_as_area():
    assert summaries([[3.0]], [[0.5]])["loss_area"].tolist() == [3]


def test_the_default_threshold_pools_the_sides_and_leaves_diverged_replicates_out():
    assert default_threshold([[2.0, 0.0], [np.nan, 0.0]], [[4.0, 1.0], [6.0, 1.0]]) == 2
    assert default_threshold([[np.inf, 1.0]]) == 0


def test_the_default_threshold_is_one_that_most_runs_reach():
    loss = np.linspace(2.0, 1.5, 5) * np.linspace(1, 1.1, 100)[:, np.newaxis]  # none comes down to half
    threshold = default_threshold(loss)
    assert 0.89 < np.mean(loss.min(axis=1) <= threshold) < 0.92
    assert default_threshold(loss * [1, 1, 1, 1, 0.1]) == pytest.approx(np.median(loss[:, 0]) / 2)


@pytest.mark.parametrize(
    ("loss", "accuracy", "threshold", "message"),
    [
        ([1.0, 2.0], [1.0, 2.0], None, "`loss` must have shape"),
        (np.ones((0, 3)), np.ones((0, 3)), None, "`loss` must have shape"),
        (np.ones((2, 3)), np.ones((2, 2)), None, "must have the same shape"),
        (np.ones((2, 3)), np.ones((2, 3)), np.nan, "`threshold` must be a finite loss"),
    ],
)
def test_bad_trajectories_are_refused(loss, accuracy, threshold, message):
    with pytest.raises(InputError, match=message):
        summaries(loss, accuracy, threshold)


def test_p_values_and_interval_equal_scipys():
    x, y = draws(1, 40, 25)
    got = equivalence(x, 2 * y, margin=0.7, alpha=0.1)
    welch = stats.ttest_ind(x, 2 * y, equal_var=False)
    lower = stats.ttest_ind(x + 0.7, 2 * y, equal_var=False, alternative="greater")
    upper = stats.ttest_ind(x - 0.7, 2 * y, equal_var=False, alternative="less")
    interval = welch.confidence_interval(0.8)
    assert got.p_different == pytest.approx(welch.pvalue, rel=1e-9)
    assert got.p_equivalent == pytest.approx(max(lower.pvalue, upper.pvalue), rel=1e-9)
    assert (got.low, got.high) == pytest.approx((interval.low, interval.high), rel=1e-9)


def test_the_default_margin_is_a_quarter_of_the_references_sd_and_a_noisy_subject_does_not_widen_it():
    x, y = draws(2, 300, 300)
    assert equivalence(10 * x, y).margin == pytest.approx(0.25 * y.std(ddof=1))


@pytest.mark.parametrize(
    ("shift", "margin", "verdict"),
    [
        (0.0, 0.3, "equivalent"),
        (0.15, 0.3, "equivalent"),  # real, significant at this size, and smaller than what matters
        (0.3, 0.3, "different"),
        (0.03, 0.05, "inconclusive"),
        (0.075, 0.08, "inconclusive"),  # p is 0.09
    ],
)
def test_the_three_verdicts(shift, margin, verdict):
    x, y = draws(3, 1000, 1000)
    got = equivalence(x - x.mean() + shift, y - y.mean(), margin=margin)
    assert got.verdict == verdict
    assert (got.p_different < 0.05) == (shift > 0.1)


def test_the_textbook_number_of_replicates():
    # 2 (z_0.95 + z_0.90)^2 / 0.25^2 = 274.1, and 346.4 for a power of 0.9; Student's t asks for a bit more.
    x, y = draws(4, 500, 500)
    got = equivalence(x / x.std(ddof=1), y / y.std(ddof=1), margin=0.25)
    assert (got.replicates_80, got.replicates_90) == (275, 348)


def test_the_stated_power_is_the_rate_of_equivalent_verdicts():
    rng = np.random.default_rng(5)
    runs = [equivalence(rng.normal(size=60), rng.normal(size=60), margin=0.6) for _ in range(400)]
    rate = np.mean([run.verdict == "equivalent" for run in runs])
    assert rate == pytest.approx(np.mean([run.power for run in runs]), abs=0.04)  # 2 standard errors
    assert 0.85 < rate < 0.95


@pytest.mark.parametrize("side", [1, -1])
def test_an_estimated_margin_is_trusted_less_than_the_same_margin_given(side):
    x, y = np.exp(draws(8, 300, 300)) * side
    for shift in (0.4, -0.4):
        estimated = equivalence(x - x.mean() + shift, y - y.mean())
        known = equivalence(x - x.mean() + shift, y - y.mean(), margin=estimated.margin)
        assert estimated.p_different == known.p_different
        # Where a long tail raises mean and deviation together, the error grows; it never shrinks.
        grows = shift * side > 0
        assert (estimated.p_equivalent > 1.2 * known.p_equivalent) == grows
        assert estimated.p_equivalent >= known.p_equivalent


@pytest.mark.parametrize(
    ("scratch", "keras", "margin", "verdict"),
    [
        (0.1, 0.1, None, "equivalent"),
        (0.1, 0.2, None, "different"),
        (0.1, 0.2, 0.05, "different"),
        (0.1, 0.2, 0.15, "equivalent"),
    ],
)
def test_constants(scratch, keras, margin, verdict):
    # 0.1 and 0.2 a few hundred times: their computed means are not 0.1 and 0.2.
    assert equivalence(np.full(301, scratch), np.full(300, keras), margin=margin).verdict == verdict


def test_a_constant_reference_has_no_margin_and_no_number_of_replicates_helps():
    assert np.full(300, 0.1 / 0.3).var() > 0
    assert equivalence(np.full(301, 0.3), np.full(300, 0.1)).margin == 0
    got = equivalence([0.9, 1.0] * 20, np.ones(40))
    assert (got.margin, got.power, got.replicates_80, got.verdict) == (0, 0, None, "different")


def test_non_finite_values_are_excluded_and_counted():
    x, y = draws(6, 50, 50)
    with_bad = equivalence([*x, np.nan, np.inf], [*y, -np.inf])
    clean = equivalence(x, y)
    assert with_bad.excluded == (2, 1)
    assert (with_bad.p_equivalent, with_bad.p_different) == (clean.p_equivalent, clean.p_different)


@pytest.mark.parametrize("scratch", [[], [1.0], [np.nan, 1.0]])
def test_fewer_than_two_finite_values_are_inconclusive(scratch):
    got = equivalence(scratch, [1.0, 1.0, 1.0])
    assert (got.verdict, got.p_equivalent, got.p_different) == ("inconclusive", 1, 1)
    assert (got.low, got.high) == (-math.inf, math.inf)


def test_losses_about_to_overflow_are_compared_without_overflow():
    x, y = draws(7, 30, 30)
    assert equivalence(x * 1e300, y * 1e300).p_different == pytest.approx(equivalence(x, y).p_different)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha": 0.5}, "`alpha` must lie between 0 and 0.5"),
        ({"alpha": np.nan}, "`alpha` must lie between 0 and 0.5"),
        ({"margin": 0.0}, "`margin` must be a positive number"),
        ({"margin": np.inf}, "`margin` must be a positive number"),
        ({"keras": [[1.0]]}, "`keras` must have shape"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        equivalence(**({"scratch": [1.0, 2.0], "keras": [1.0, 2.0]} | arguments))


@given(SAMPLES, SAMPLES, st.floats(0.01, 50))
def test_exchanging_the_sides_changes_the_sign_only(x, y, margin):
    here, there = equivalence(x, y, margin=margin), equivalence(y, x, margin=margin)
    assert here.verdict == there.verdict
    assert (here.difference, here.low, here.high) == (-there.difference, -there.high, -there.low)


@given(SAMPLES, SAMPLES, st.integers(-8, 8))
def test_the_unit_does_not_matter(x, y, power):
    here, there = equivalence(x, y), equivalence(x * 2.0**power, y * 2.0**power)
    assert here.verdict == there.verdict
    assert (here.power, here.replicates_80) == (there.power, there.replicates_80)


@settings(max_examples=200)
@given(SAMPLES, SAMPLES, st.floats(0.01, 50))
def test_equivalent_means_that_the_interval_lies_within_a_given_margin(x, y, margin):
    got = equivalence(x, y, margin=margin)
    edge = max(abs(got.low), abs(got.high))
    if abs(edge - margin) > 1e-9 * margin:
        assert (got.verdict == "equivalent") == (edge < margin)


@given(SAMPLES, SAMPLES)
def test_the_replicates_needed_are_the_fewest(x, y):
    got = equivalence(np.tile(x, 2), np.tile(y, 2))
    size = 2 * len(x)
    if len(x) == len(y) and got.replicates_80 is not None:
        assert (got.power >= 0.8) == (size >= got.replicates_80)


ROWS = st.integers(1, 4).flatmap(
    lambda rows: st.tuples(
        *(
            hnp.arrays(np.float64, (rows, size), elements=st.sampled_from([1.0, 1.5, 2.0, 7.0, np.nan, np.inf]))
            for size in (5, 8)
        )
    )
)


@given(ROWS, st.sampled_from([None, 0.5, 3.0]))
@settings(max_examples=50, deadline=None)
def test_each_row_is_shown_equivalent_as_it_is_by_itself(sides, margin):
    alone = [equivalence(*row, margin=margin).verdict == "equivalent" for row in zip(*sides, strict=True)]
    assert shown_equivalent(*sides, margin=margin).tolist() == alone


@pytest.mark.parametrize("shift", [0.2, -0.2])
def test_the_estimated_margins_error_is_that_of_each_values_influence(shift):
    x, y = draws(3, 40, 30)
    y = np.exp(y)
    x += y.mean() - x.mean() + shift
    w = y.var(ddof=1)
    influence = 0.25 * ((y - y.mean()) ** 2 - w) / (2 * np.sqrt(w))
    gap, margin = x.mean() - y.mean(), 0.25 * np.sqrt(w)
    p = []
    for far, with_influence in ((gap - margin, y + influence), (-gap - margin, y - influence)):
        a, b = x.var(ddof=1) / 40, max(w, with_influence.var(ddof=1)) / 30
        p.append(stats.t.cdf(far / np.sqrt(a + b), (a + b) ** 2 / (a**2 / 39 + b**2 / 29)))
    assert equivalence(x, y).p_equivalent == pytest.approx(max(p), rel=1e-10)
