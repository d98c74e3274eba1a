"""A companion shares calls with this process; without it, or after it is lost, they are all made here."""

import os
import subprocess
import sys
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


def test_it_makes_a_call_that_is_waited_for_and_is_done_without():
    with companion(wanted=True) as beside:
        assert beside.call(os.getpid) != os.getpid()
    assert ALONE.call(os.getpid) == os.getpid()


def test_lost_with_a_call_it_leaves_it_to_this_process(tmp_path):
    with companion(wanted=True) as beside:
        assert beside.call(work.die_once, str(tmp_path / "died")) == os.getpid()


COPIES = """
import os, signal
from compare.work.companion import companion, in_two
from tests.compare.work.test_companion import pid_after

made = in_two(pid_after, [(0.2, number) for number in range(6)])
assert [number for number, _ in made] == list(range(6)), made
assert len({pid for _, pid in made}) == 2, made
assert in_two(pow, [(2, 3)]) == [8]
with companion(wanted=True) as beside:
    first = beside.call(os.getpid)
    shared = beside.share(os.getpid, [()] * 2, waiting=2)
    free = beside.renew()
    assert free.call(os.getpid) == first
    second = beside.call(os.getpid)
    assert second not in (first, os.getpid())
    assert first not in set(shared.results())
    for pid in (first, second):
        os.kill(pid, signal.SIGINT)  # as a terminal does, to all: what it means is for this process to say
    assert (free.call(os.getpid), beside.call(os.getpid)) == (first, second)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere processes are not copied")
def test_copies_of_a_process_share_calls_renew_each_other_and_leave_interrupts_to_it():
    subprocess.run([sys.executable, "-W", "error", "-c", COPIES], check=True, timeout=60)
