"""A companion shares calls with this process; without it, or after it is lost, they are all made here."""

import os
import time

import pytest

from compare.work.companion import ALONE, companion
from tests.compare.work import slow_work as work


def pid_after(seconds, value):
    time.sleep(seconds)
    return value, os.getpid()


def until_begun(shared):
    """Wait until the companion has done something, or is lost."""
    while shared.given.empty():
        time.sleep(0.01)
    return shared


def test_both_make_calls_and_none_is_made_twice():
    with companion(wanted=True) as beside:
        shared = until_begun(beside.share(pid_after, [(0.1, value) for value in range(12)]))
        made = dict(shared.results())
    assert sorted(made) == list(range(12))
    assert made[0] != os.getpid(), "the companion takes them from the start"
    assert made[11] == os.getpid(), "this process takes them from the end"
    assert len(set(made.values())) == 2


@pytest.mark.parametrize("wanted", [True, False])
def test_results_are_those_of_the_calls(wanted):
    with companion(wanted) as beside:
        assert sorted(beside.share(pow, [(base, 2) for base in range(5)]).results()) == [0, 1, 4, 9, 16]
        assert list(beside.share(pow, []).results()) == []


def test_what_a_lost_companion_had_is_made_here(tmp_path):
    with companion(wanted=True) as beside:
        shared = until_begun(beside.share(work.die_once, [(str(tmp_path / "died"),), *[(str(tmp_path),)] * 3]))
        assert list(shared.results()) == [os.getpid()] * 4
        again = beside.share(pow, [(2, 2), (3, 2)])
        assert sorted(again.results()) == [4, 9], "also what it is asked for later"


def test_an_error_comes_back():
    with companion(wanted=True) as beside, pytest.raises(ZeroDivisionError):
        list(until_begun(beside.share(pow, [(0, -1)])).results())


def test_an_error_here_is_not_lost():
    with pytest.raises(IndexError):
        list(ALONE.share([].pop, [()]).results())


def test_a_companion_is_ended_at_once():
    begun = time.monotonic()
    with companion(wanted=True) as beside:
        beside.share(time.sleep, [(60,)])
    assert time.monotonic() - begun < 30


def test_alone_there_is_no_companion():
    assert not ALONE.share(pow, [])
