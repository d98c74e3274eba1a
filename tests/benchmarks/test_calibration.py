"""A small version of the calibration, on synthetic trainings; each rate is shown to fail for a wrong test."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks import calibration
from benchmarks.calibration import (
    CHANCE,
    Pool,
    alike,
    edge,
    judge,
    known,
    other_edges,
    spoilt,
    stated_power,
    train_pool,
    write,
)
from compare.agreement.comparison import compare_runs
from compare.agreement.equivalence import equivalence


def pool(seed, shift=0.0, size=4_000, epochs=3):
    """Skewed losses, correlated over the epochs, and accuracies of 11 values, two in three of them tied."""
    rng = np.random.default_rng(seed)
    level = rng.normal(shift, 1, size=(size, 1)) + 0.3 * rng.normal(size=(size, epochs))
    return Pool(np.exp(level - 0.3 * np.arange(epochs)), np.round(np.clip(5 * level, 0, 10)) / 10)


def failures(rows):
    return [(row.case, row.answer, row.rate, row.bound) for row in rows if not row.passed]


def test_alike_and_edge_rates_are_within_their_bounds():
    rng = np.random.default_rng(7)
    rows = alike(pool(1), 100, 100, rng) + edge(pool(1), 300, 100, rng)
    assert len(rows) == 23
    assert failures(rows) == []


def test_other_edges_are_within_their_bounds_and_fail_for_a_bound_that_is_none(monkeypatch):
    assert failures(other_edges(200, 100, np.random.default_rng(1))) == []
    monkeypatch.setattr("compare.agreement.distributions.allowance", lambda n, m, alpha: 0.0)
    failed = {answer for _, answer, _, _ in failures(other_edges(200, 100, np.random.default_rng(1)))}
    assert failed == {"distributions equivalent"}


def test_dead_runs_are_called_different_and_a_verdict_that_is_always_equivalent_fails(monkeypatch):
    learning = pool(1)._replace(loss=pool(1).loss * CHANCE / pool(1).loss.max() * 0.9)
    rows = spoilt(learning, 300, 40, np.random.default_rng(1))
    assert failures(rows) == []
    rates = {(row.case, row.answer): row.rate for row in rows}
    assert rates["10% more dead runs", "verdict different"] > 0.9
    monkeypatch.setattr("compare.agreement.comparison._verdict", lambda *found: "equivalent")
    failed = {case for case, _, _, _ in failures(spoilt(learning, 300, 5, np.random.default_rng(1)))}
    assert failed == {"5% more dead runs", "10% more dead runs"}


def test_a_known_difference_is_found_with_the_stated_power():
    rows = known("shift", pool(2, shift=0.45), pool(3), 100, 100, np.random.default_rng(2))
    assert failures(rows) == []
    assert 0.3 < stated_power(pool(2, shift=0.45), pool(3), 100) < 0.9


def test_the_stated_power_is_the_rate_at_which_welchs_test_finds_the_difference(monkeypatch):
    # Losses of one epoch are one scalar; at alpha / TESTS = alpha, its power is that of the plain test.
    monkeypatch.setattr(calibration, "TESTS", 1)
    rng = np.random.default_rng(3)
    x, y = (Pool(rng.normal(10 + shift, 1, (4_000, 1)), np.ones((4_000, 1))) for shift in (0.4, 0))
    draws = [[rng.choice(side.loss[:, 0], 100) for side in (x, y)] for _ in range(400)]
    found = np.mean([equivalence(*pair).p_different <= 0.05 for pair in draws])
    assert found == pytest.approx(stated_power(x, y, 100), abs=0.05)


def test_a_verdict_without_correction_for_its_many_tests_fails(monkeypatch):
    monkeypatch.setattr("compare.agreement.comparison.holm", dict)
    verdict, *_ = alike(pool(1), 60, 150, np.random.default_rng(4))
    assert verdict.answer == "verdict different"
    assert not verdict.passed


def test_a_margin_taken_for_known_fails_at_the_edge(monkeypatch):
    # Skewed losses: the estimated margin is large when the reference's mean is, by chance.
    def naive(scratch, keras, alpha):
        return equivalence(scratch, keras, margin=0.25 * keras.std(ddof=1), alpha=alpha)

    monkeypatch.setattr(calibration, "equivalence", naive)
    failed = {answer for _, answer, _, _ in failures(edge(pool(1), 300, 200, np.random.default_rng(6)))}
    assert "final_loss equivalent" in failed


def test_an_overstated_power_fails(monkeypatch):
    def boastful(*arguments, **options):
        result = compare_runs(*arguments, **options)
        return replace(result, scalars={k: replace(v, power=1.0) for k, v in result.scalars.items()})

    monkeypatch.setattr(calibration, "compare_runs", boastful)
    failed = {answer for _, answer, _, _ in failures(alike(pool(1), 60, 40, np.random.default_rng(5)))}
    assert {"final_loss equivalent", "loss_area equivalent"} <= failed


@pytest.mark.parametrize(
    ("count", "bounds", "passed"),
    [
        (66, {"most": 0.05}, True),
        (72, {"most": 0.05}, False),
        (0, {"most": 0.05}, True),
        (780, {"least": 0.8}, True),
        (760, {"least": 0.8}, False),
        (1000, {"least": 0.99999}, True),
    ],
)
def test_a_rate_passes_if_its_interval_reaches_the_bound(count, bounds, passed):
    assert judge("case", "answer", 300, count, 1000, **bounds).passed == passed


def test_a_pool_is_the_same_whoever_trains_it_and_a_dropped_batch_is_a_difference():
    seed = 7
    settings = calibration.REFERENCE
    first, second = (train_pool(500, np.random.SeedSequence(seed), 1, **settings) for _ in range(2))
    dropped = train_pool(500, np.random.SeedSequence(seed), 1, **(settings | {"samples": 128}))
    assert first.loss.shape == (500, calibration.EPOCHS)
    assert np.array_equal(first.loss, second.loss)
    assert not np.array_equal(first.loss, dropped.loss)


def test_the_table_is_written_twice(tmp_path):
    rows = [
        judge("A/A", "verdict different", 30, 4, 100, most=0.05),
        judge("shift", "x", 30, 4, 100, least=0.9),
    ]
    write(rows, tmp_path, "A heading.")
    table = pd.read_csv(tmp_path / "calibration.csv")
    assert table["passed"].tolist() == [True, False]
    assert table["rate"].tolist() == [0.04, 0.04]
    text = (tmp_path / "calibration.md").read_text(encoding="utf-8")
    assert text.startswith("A heading.\n\n| case |")
    assert text.count("\n") == 6
    assert text.count("**fail**") == 1
