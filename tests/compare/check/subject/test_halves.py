"""Two processes go through one list: each does its half, hears what the other says, and is not lost with it."""

import os
import subprocess
import sys
import textwrap

import pytest

from compare.check.subject.halves import Said, in_halves

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no copies of processes here")


def printed(work):
    """What a process of its own prints, in which this is the work."""
    code = "import os, time\nfrom compare.check.subject.halves import in_halves\n" + textwrap.dedent(work)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.split()


@needs_fork
def test_each_process_does_its_half():
    told = printed("""
        def work(first, step, said):
            return [(number, os.getpid()) for number in range(first, 10, step)]
        found = in_halves(work, alone=True)
        print(*(number for number, _ in sorted(found)), len({process for _, process in found}))
        """)
    assert told == [*map(str, range(10)), "2"]


@needs_fork
def test_what_one_says_the_other_hears():
    told = printed("""
        def work(first, step, said):
            if first:
                said.say(7)
            until = time.monotonic() + 20
            while said.heard() is None and time.monotonic() < until:
                time.sleep(0.01)
            return [said.heard()]
        print(*in_halves(work, alone=True))
        """)
    assert told == ["7", "7"]


@needs_fork
@pytest.mark.parametrize("end", ["os._exit(1)", "raise KeyError", "os.kill(os.getpid(), 9)"])
def test_a_copy_that_ends_costs_its_half_alone(end):
    told = printed(f"""
        def work(first, step, said):
            if first:
                {end}
            return [first]
        print(*in_halves(work, alone=True))
        """)
    assert told == ["0"]


def test_a_process_that_is_somebody_elses_does_all_itself():
    found = in_halves(lambda first, step, said: [(first, step, os.getpid())], alone=False)
    assert found == [(0, 1, os.getpid())]


def test_what_was_said_first_stays():
    said = Said()
    assert said.heard() is None
    said.say(0)
    said.say(5)
    assert said.heard() == 0
