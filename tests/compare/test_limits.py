"""What is more than a machine can do is told from an estimate; what is long says so."""

import numpy as np
import pytest

from compare import limits
from compare.errors import LARGEST, MOST, InputError, check_amount, check_count
from compare.limits import check_within, duration


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(limits, "free", lambda: 4 * 10**9)


@pytest.mark.parametrize(("seconds", "needed"), [(limits.LONGEST + 1, 0), (0, 4.1e9)])
def test_what_does_not_fit_is_refused_unless_it_is_wanted_at_any_cost(seconds, needed):
    with pytest.raises(InputError, match=r"must fit in 4 GB of free memory and 24 hours\. Received: about .*--at-any"):
        check_within(seconds, needed)
    check_within(seconds, needed, at_any_cost=True)


def test_what_is_long_says_so_and_what_is_not_is_silent(capsys):
    check_within(limits.LONG - 1, 1e9)
    check_within(3600.0 * 5, 1e9, quiet=True)
    assert capsys.readouterr().err == ""
    check_within(3600.0 * 5, 1e9)
    told = "keras-parity: this takes about 5 hours and 1 GB of memory, by a rough estimate\n"
    assert capsys.readouterr().err == told


@pytest.mark.parametrize(
    ("seconds", "words"), [(90, "90 seconds"), (180, "3 minutes"), (86400, "24 hours"), (1e30, "3.17e+22 years")]
)
def test_a_duration_in_words(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize("value", [0, -1, 1.5, float("inf"), "3", True, MOST + 1, 10**30])
def test_a_count_that_is_none_is_refused(value):
    with pytest.raises(InputError, match=r"`epochs` must be (a positive integer|at most)"):
        check_count("epochs", value)
    check_count("epochs", MOST)


@pytest.mark.parametrize("value", [-1e-9, float("nan"), float("inf"), 1e39, 1e300])
def test_an_amount_that_float32_does_not_hold_is_refused(value):
    for positive in (True, False):
        with pytest.raises(
            InputError, match=r"`l2` must be (a positive number|0 or a positive number|at most 3.4e\+38)"
        ):
            check_amount("l2", value, positive)
    with pytest.raises(InputError, match=r"`l2` must be a positive number\. Received: 0"):
        check_amount("l2", 0)
    check_amount("l2", 0, positive=False)
    assert float(np.float32(LARGEST)) < float("inf")


def test_a_container_s_limit_counts(monkeypatch, tmp_path):
    monkeypatch.undo()
    before = limits.free()
    (tmp_path / "memory.max").write_text("3000\n")
    (tmp_path / "memory.current").write_text("1000\n")
    monkeypatch.setattr(limits, "_CGROUP", tmp_path)
    assert limits.free() == 2000 < before
    assert limits.usual_limit() == limits.LEAST, "never too little to load a subject at all"
    (tmp_path / "memory.max").write_text("max\n")
    assert limits.free() > 2000
