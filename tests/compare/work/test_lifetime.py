"""Processes end together, however one of them ends, and leave no temporary files."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from compare.work.lifetime import end_descendants


def alive(process):
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(int(process)).status() != psutil.STATUS_ZOMBIE
    return False


def ended(processes, seconds=2.0):
    until = time.monotonic() + seconds
    while any(map(alive, processes)) and time.monotonic() < until:
        time.sleep(0.02)
    return not any(map(alive, processes))


def started(*lines):
    """A process that runs these lines of Python, then prints the number of each process and waits."""
    code = "\n".join(["import os, subprocess, time", *lines, "time.sleep(60)"])
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().split()


SLEEPER = "each = subprocess.Popen(['sh', '-c', 'sleep 60 & sleep 60'], start_new_session=True, stdout=2)"


def test_all_that_a_process_started_is_ended_and_it_goes_on():
    process, (sleeper,) = started(SLEEPER, "time.sleep(0.3)", "print(each.pid, flush=True)")
    begun = time.monotonic()
    with process:
        of_it = subprocess.run(["ps", "-o", "pid=", "--ppid", sleeper], capture_output=True, text=True, check=True)
        found = [sleeper, *of_it.stdout.split()]
        assert len(found) > 1
        end_descendants(process.pid)
        assert ended(found, 0.1)
        assert process.poll() is None
        process.kill()
    assert time.monotonic() - begun < 5


def test_processes_that_multiply_are_ended():
    """Each starts another and ends at once, so that none lives long enough to be seen; those that watch adopt them."""
    chain = "import os, time; until = time.monotonic() + 3; os.fork(); os.fork()\n"
    chain += "while time.monotonic() < until:\n    if os.fork(): os._exit(0)"
    code = [
        "from compare.work.lifetime import adopt_orphans, end_descendants",
        "import psutil",
        "adopt_orphans()",
        f"subprocess.Popen([{sys.executable!r}, '-c', {chain!r}], start_new_session=True)",
        "time.sleep(0.3)",
        "end_descendants(os.getpid())",
        "time.sleep(0.1)",
        "left = [e for e in psutil.Process().children(recursive=True) if e.status() != 'zombie']",
        "print(len(left), flush=True)",
    ]
    process, (left,) = started(*code)
    with process:
        process.kill()
    assert left == "0"


@pytest.mark.parametrize("system", ["linux", "other"])
def test_a_helper_ends_with_the_process_that_started_it(system):
    """The system tells it, or it looks; also where that process ended before it began to."""
    helper = (
        f"import sys, time; sys.platform = {system!r}; from compare.work.lifetime import end_with_parent; "
        "end_with_parent(int(sys.argv[1])); print('begun', flush=True); time.sleep(60)"
    )
    start = f"each = subprocess.Popen([{sys.executable!r}, '-c', {helper!r}, str(os.getpid())], stdout=subprocess.PIPE)"
    process, (number,) = started(start, "each.stdout.readline()", "print(each.pid, flush=True)")
    with process:
        assert alive(number)
        process.kill()
    assert ended([number])
    late = subprocess.run([sys.executable, "-c", helper, "1"], timeout=30, stdout=subprocess.PIPE, check=False)
    assert (late.returncode, late.stdout) == (1, b"")


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_temporary_files_go_with_the_process_that_is_killed(end):
    lines = (
        "import tempfile",
        "from compare.work.lifetime import own_temporary_folder",
        "own_temporary_folder()",
        "print(tempfile.mkstemp()[1], flush=True)",
    )
    process, (file,) = started(*lines)
    with process:
        assert Path(file).parent.parent == Path(tempfile.gettempdir())
        assert Path(file).exists()
        os.kill(process.pid, end)
    until = time.monotonic() + 2
    while Path(file).parent.exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert not Path(file).parent.exists()
