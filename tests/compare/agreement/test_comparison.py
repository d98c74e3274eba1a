import numpy as np
import pytest

from compare.agreement.comparison import TESTS, compare_runs, holm
from compare.errors import InputError


def runs(seed, replicates, epochs=12, shift=0.0, spread=1.0):
    """Falling losses of replicates that differ in level, and accuracies in steps of 1/50."""
    rng = np.random.default_rng(seed)
    level = shift + spread * rng.normal(size=(replicates, 1)) + 0.3 * rng.normal(size=(replicates, epochs))
    loss = np.exp(0.2 * level - 0.15 * np.arange(epochs))
    return loss, np.round(50 / (1 + loss)) / 50


def compare(scratch, keras, **arguments):
    (loss, accuracy), (keras_loss, keras_accuracy) = scratch, keras
    return compare_runs(loss, accuracy, keras_loss, keras_accuracy, np.random.default_rng(0), **arguments)


def test_two_large_sets_of_alike_runs_are_equivalent():
    got = compare(runs(1, 1000), runs(2, 1000))
    assert (got.verdict, got.differing, got.undecided, got.apart) == ("equivalent", (), (), ())
    assert list(got.scalars) == ["final_loss", "final_accuracy", "loss_area", "epochs_to_threshold"]
    assert len(got.adjusted) == TESTS
    assert got.power.whole.probability > 0.95
    assert got.improvement.low < 0.5 < got.improvement.high


def test_fewer_runs_show_their_means_alike_and_not_their_distributions():
    got = compare(runs(1, 300), runs(2, 300))
    assert (got.verdict, got.undecided) == ("equivalent in mean", ())
    assert got.apart
    assert got.power.in_mean.probability > 0.7 > 0.5 > got.power.whole.probability
    assert got.replicates_80_in_mean < got.replicates_80


def test_runs_that_never_learn_are_not_equivalent():
    """One in ten of one side stays at what predicting the class shares gives: the means hardly move."""
    scratch, keras = runs(1, 300), runs(2, 300)
    scratch[0][:30] = 1.1
    got = compare(scratch, keras, chance=1.1)
    assert got.failures.failed[0] - got.failures.failed[1] > 20
    assert "failures" in got.differing
    assert got.verdict == "different"


def test_the_more_comparisons_the_less_one_of_them_may_err():
    alone, of_three = (compare(runs(1, 60), runs(2, 60, shift=0.5), family=n, draws=0) for n in (1, 3))
    assert alone.adjusted["final_loss"] < 0.05
    assert of_three.adjusted == {name: min(1, 3 * p) for name, p in alone.adjusted.items()}
    assert alone.power is None


def test_too_few_runs_are_inconclusive_and_the_replicates_needed_are_told():
    got = compare(runs(1, 40), runs(2, 40))
    assert got.verdict == "inconclusive"
    assert set(got.undecided) == {*got.scalars, "failures"}
    assert got.replicates_80_in_mean > max(scalar.replicates_80 for scalar in got.scalars.values()) > 250


def test_a_shift_is_different_and_says_where():
    scratch, keras = runs(1, 200, shift=0.6), runs(2, 200)
    got = compare(scratch, keras)
    assert got.verdict == "different"
    assert {"final_loss", "loss_area", "loss curve", "accuracy curve"} <= set(got.differing)


def test_runs_with_the_same_means_and_another_spread_are_different_by_their_distributions():
    scratch, keras = np.random.default_rng(3).normal(size=(2, 400, 5))
    accuracy = np.zeros((400, 5))
    scratch, keras = 2 * (scratch - scratch.mean(axis=0)), keras - keras.mean(axis=0)
    got = compare((scratch, accuracy), (keras, accuracy), threshold=-100)
    assert got.verdict == "different"
    assert got.differing == ("loss distributions",)


def test_a_significant_difference_within_the_margin_does_not_count():
    loss, accuracy = np.full((300, 1), 1.0), np.full((300, 1), 0.5)
    loss[::2] += 1e-6  # one epoch, so that every outcome of the loss is this one
    keras = loss - 1e-6
    got = compare((loss, accuracy), (keras, accuracy), margins={"final_loss": 0.1, "loss_area": 0.1})
    assert got.adjusted["final_loss"] < 0.05
    assert got.scalars["final_loss"].verdict == "equivalent"
    assert "final_loss" not in got.differing
    assert "loss curve" in got.differing  # the curve tests have no margin


def test_diverged_runs_are_counted_compared_and_decide():
    scratch, keras = runs(1, 300), runs(2, 300)
    scratch[0][:60, 3] = np.nan
    got = compare(scratch, keras)
    assert got.failures.diverged == (60, 0)
    assert got.scalars["final_loss"].excluded == (60, 0)
    assert "failures" in got.differing
    assert np.isnan(got.curves["loss"].difference).tolist() == [False] * 3 + [True] * 9
    assert got.failures.failed[0] - got.failures.failed[1] == pytest.approx(60, abs=9)


def test_runs_that_all_diverged_on_both_sides_are_inconclusive():
    bad = np.full((100, 5), np.inf), np.full((100, 5), 0.3)
    got = compare(bad, bad)
    assert (got.verdict, got.failures.equivalent, got.censored) == ("inconclusive", True, (0, 0))


def test_censored_runs_are_counted():
    got = compare(runs(1, 50), runs(2, 30), threshold=1e-9)
    assert got.censored == (50, 30)
    assert got.scalars["epochs_to_threshold"].verdict == "equivalent"


def test_sides_with_different_numbers_of_epochs_are_compared_by_their_ends():
    got = compare(runs(1, 50, epochs=20), runs(2, 50, epochs=8))
    assert list(got.scalars) == ["final_loss", "final_accuracy"]
    assert sorted(got.adjusted) == ["failures", "final_accuracy", "final_loss"]
    assert got.curves == got.distributions == {}


def test_the_result_depends_on_the_generator_alone():
    first, second = (compare(runs(1, 30), runs(2, 30)) for _ in range(2))
    assert first.adjusted == second.adjusted


def test_float32_trajectories_are_compared_in_float64():
    scratch, keras = ([array.astype(np.float32) for array in runs(seed, 40)] for seed in (1, 2))
    in_double = compare([array.astype(float) for array in scratch], [array.astype(float) for array in keras])
    assert compare(scratch, keras).scalars == in_double.scalars


def test_holm_by_hand():
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}) == pytest.approx(
        {"d": 0.02, "a": 0.03, "c": 0.06, "b": 0.06}
    )
    assert holm({"a": 0.9, "b": 0.8}) == {"b": 1, "a": 1}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"margins": {"loss": 0.1}}, "`margins` must be for any of final_loss, .* Received: loss"),
        ({"margins": {"final_loss": -1}}, "`margin` must be a positive number"),
        ({"permutations": 178}, "`permutations` must be at least 179 for `alpha` 0.05. Received: 178"),
        ({"failure_margin": 0}, "`failure_margin` must lie between 0 and 1"),
        ({"distance_margin": 1.5}, "`distance_margin` must lie between 0 and 1"),
        ({"family": 6}, "`permutations` must be at least 1079"),
        ({"threshold": np.inf}, "`threshold` must be a finite loss"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        compare(runs(1, 5), runs(2, 5), **arguments)


def test_accuracies_of_another_shape_are_refused():
    with pytest.raises(InputError, match="`loss` and `accuracy` must have the same shape"):
        compare((np.ones((5, 3)), np.ones((4, 3))), runs(1, 5, epochs=3))
