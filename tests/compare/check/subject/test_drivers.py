"""The command line runs a subject in a process of its own, whatever it does."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace

import numpy as np
import psutil
import pytest

from compare.check.steps.situations import draw_weights
from compare.check.subject.drivers import InProcess, Isolated
from compare.check.subject.loading import load_target, split_target
from compare.check.subject.messages import Describe
from compare.check.subject.tasks import TOO_LONG, Task
from compare.commands.app import main
from compare.errors import InputError
from compare.recipe.architecture import dense
from compare.recipe.recipe import Recipe

CORRECT = "from examples.correct import Network as Plain\n"
RECIPE = Recipe(dense((4, 5, 3), learning_rate=0.1), 20, 8)


def two_steps():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 4)), np.arange(20) % 3
    return Task(RECIPE, X, y, [np.arange(20)] * 2, [draw_weights(RECIPE.architecture, rng, X)], free=True)


def isolated(tmp_path, text, name="Subject", seconds=120.0, **options):
    path = tmp_path / "net.py"
    path.write_text(CORRECT + text)
    return Isolated(path, name, seconds, **options)


def perform(tmp_path, text, name="Subject", seconds=120.0, **options):
    with isolated(tmp_path, text, name, seconds, **options) as driver:
        return driver.perform(two_steps())


def second_step(*lines):
    """A subject that does this in its second step."""
    body = "\n".join(f"            {line}" for line in lines)
    return f"""
import ctypes, os, signal, time
from contextlib import suppress
class Subject(Plain):
    done = 0
    def train_on_batch(self, x, y):
        self.done += 1
        if self.done == 2:
{body}
        return super().train_on_batch(x, y)
"""


def test_the_next_task_is_drawn_while_one_is_under_way_and_each_has_its_own_answer(tmp_path):
    drawn, done = [], []

    def tasks():
        for count in (1, 2, 3):
            drawn.append(count)
            task = two_steps()
            yield replace(task, batches=task.batches[:1] * count)

    with isolated(tmp_path, "class Subject(Plain): pass\n") as driver:
        for performance in driver.perform_all(tasks()):
            done.append((len(performance.steps), len(drawn)))
    assert done == [(1, 2), (2, 3), (3, 3)]


@pytest.mark.parametrize("way", [Isolated, InProcess])
def test_nothing_is_performed_after_what_took_too_long(tmp_path, way):
    text = """
class Subject(Plain):
    made = 0
    def __init__(self, layer_sizes, learning_rate):
        super().__init__(layer_sizes, learning_rate)
        Subject.made += 1
    def train_on_batch(self, x, y):
        import time
        time.sleep(3 * (Subject.made > 1))
        return super().train_on_batch(x, y)
"""
    with isolated(tmp_path, text, seconds=1.0) as driver:
        if way is InProcess:
            driver = InProcess(load_target(tmp_path / "net.py", "Subject", definitions_only=False), 1.0)
        refusals = [done.refusal for done in driver.perform_all(two_steps() for _ in range(5))]
    assert refusals[0] is None
    assert [TOO_LONG in refusal for refusal in refusals[1:]] == [True]


def test_a_subject_does_what_it_does_in_this_process(tmp_path):
    done = perform(tmp_path, "class Subject(Plain): pass\n")
    assert [did.error for did in done.steps] == [None, None]
    assert done.steps[1].loss < done.steps[0].loss


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import sys\nsys.exit(4)\n", "cannot be loaded: it calls exit"),
        ("1 / 0\n", "cannot be loaded: it raises ZeroDivisionError"),
        ("raise KeyboardInterrupt\n", "cannot be loaded: it raises KeyboardInterrupt"),
        ("import os\nos._exit(0)\n", "cannot be loaded: its process ended with status 0"),
        ("import os\ndef Subject(sizes, lr): os._exit(7)\n", "its process ended with status 7"),
        ("def Subject(sizes, lr):\n    while True: pass\n", "it takes too long"),
    ],
)
def test_exits_and_endless_loops_are_told(tmp_path, text, words):
    done = perform(tmp_path, text, seconds=0.5 if "while" in text else 120.0)
    assert words in done.refusal


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["os._exit(1)"], "its process ended with status 1"),
        (["os._exit(0)"], "its process ended with status 0"),
        (["os.abort()"], "its process was killed by signal SIGABRT"),
        (["ctypes.string_at(0)"], "its process was killed by signal SIGSEGV"),
        (["os.kill(os.getpid(), signal.SIGTERM)"], "its process was killed by signal SIGTERM"),
        (["os.kill(os.getpid(), signal.SIGINT)", "time.sleep(1)"], "it raises KeyboardInterrupt"),
        (["raise KeyboardInterrupt"], "it raises KeyboardInterrupt (net.py, line 10, in train_on_batch)"),
        (["if os.fork() == 0:", "    while True: pass"], "it leaves a process running that it forked"),
        (["os.fork()", "time.sleep(1.5 * (os.getpid() != os.getsid(0)))"], "it leaves a process running"),
        (["for fd in range(3, 64):", "    with suppress(OSError): os.write(fd, b'garbage' * 4)"],
         "it writes to where its process answers"),
        (["os.closerange(3, 256)"], "its process ended with status 1"),
    ],
)  # fmt: skip
def test_however_a_step_ends_the_process_it_is_told_and_the_next_situation_gets_another(tmp_path, lines, words):
    with isolated(tmp_path, second_step(*lines)) as driver:
        done = driver.perform(two_steps())
        assert [did.error is None for did in done.steps] == [True, False]
        assert words in done.steps[1].error
        np.testing.assert_array_equal(done.steps[1].before[0], done.steps[0].after[0])
        again = driver.perform(two_steps())
    assert words in again.steps[1].error
    assert again.steps[0].loss == done.steps[0].loss


def test_what_is_printed_to_its_output_is_no_answer(tmp_path):
    done = perform(tmp_path, second_step("os.write(1, b'garbage' * 9)", "print('garbage')"))
    assert done.refusal is None


def alive(process):
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    return False


def patiently(true, seconds=2.0):
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.02)
    return true()


def gone(process, seconds=2.0):
    return patiently(lambda: not alive(process), seconds)


STUBBORN = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
started = subprocess.Popen(['sleep', '60'], start_new_session=True)
open({notes!r}, 'w').write(f"{{os.getpid()}} {{started.pid}}")
"""


def stubborn(tmp_path):
    """A subject that will not be ended, and starts what leaves its session; the file where it writes their numbers.

    Its step never lets go of the interpreter: no thread of its process runs beside it.
    """
    notes = tmp_path / "notes"
    text = "import os, re, subprocess\n" + STUBBORN.format(notes=str(notes))
    endless = "re.match('(a+)+$', 'a' * 60 + 'b')"
    return notes, f"{text}\nclass Subject(Plain):\n    def train_on_batch(self, x, y):\n        {endless}\n"


def test_no_request_outlasts_the_limit_by_two_seconds_and_nothing_is_left_running(tmp_path):
    notes, text = stubborn(tmp_path)
    with isolated(tmp_path, text, seconds=0.5) as driver:
        driver._ask(Describe(RECIPE), [])
        began = time.monotonic()
        done = driver.perform(two_steps())
        assert time.monotonic() - began < 2.5
    assert done.refusal == "it takes too long: more than 0.5 s"
    assert len(done.steps) < 2
    assert all(gone(int(process), 1.0) for process in notes.read_text().split())


def test_a_subject_ends_with_the_check_whatever_ended_it(tmp_path):
    notes, text = stubborn(tmp_path)
    isolated(tmp_path, text)
    code = (
        "import sys; from pathlib import Path; from compare.check.subject.drivers import Isolated; "
        "from tests.compare.check.subject.test_drivers import two_steps; "
        "Isolated(Path(sys.argv[1]), 'Subject').perform(two_steps())"
    )
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    command = [sys.executable, "-c", code, str(tmp_path / "net.py")]
    check = subprocess.Popen(command, env=os.environ | {"TMPDIR": str(temporary)})
    until = time.monotonic() + 30
    while not (notes.exists() and len(notes.read_text().split()) == 2) and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.3)  # into its endless step
    assert any(temporary.iterdir())
    check.send_signal(signal.SIGKILL)
    check.wait()
    assert all(gone(int(process)) for process in notes.read_text().split())
    assert patiently(lambda: not any(temporary.iterdir()))


@pytest.mark.parametrize(
    ("lines", "limits", "words"),
    [
        (["os.kill(os.getpid(), signal.SIGSTOP)"], {"seconds": 0.5}, "it takes too long: more than 0.5 s"),
        (["os.kill(os.getppid(), signal.SIGSTOP)", "while True: pass"], {"seconds": 0.5}, "it takes too long"),
        (["os.kill(os.getppid(), signal.SIGKILL)", "time.sleep(9)"], {}, "its process was killed by signal SIGKILL"),
        (["bytearray(2**30)"], {"memory": 2**29}, "it raises MemoryError"),
        (["hold = [sys.executable, '-c', 'import time; held = bytearray(2**28); time.sleep(9)']",
          "[each.wait() for each in [subprocess.Popen(hold) for _ in range(3)]]"],
         {"memory": 2**29}, "it takes too much memory: more than 0.54 GB"),
    ],
)  # fmt: skip
def test_no_limit_is_passed_whatever_is_tried(tmp_path, lines, limits, words):
    with isolated(tmp_path, second_step("import subprocess, sys", *lines), **{"seconds": 60.0} | limits) as driver:
        driver._ask(Describe(RECIPE), [])
        began = time.monotonic()
        done = driver.perform(two_steps())
        assert time.monotonic() - began < 2.5
    assert words in str(done.refusal or done.steps[-1].error)


def test_steps_that_were_not_asked_for_are_no_answer(tmp_path):
    """They look as they should, and come for ever."""
    forged = "data = encode(Made(Did(before=self.get_weights(), after=self.get_weights())))"
    write = "os.write(fd, HEAD.pack(MARK, 1, len(data)) + data)"
    lines = [forged, "for fd in range(3, 64):", "    with suppress(OSError):", f"        while True: {write}"]
    imports = (
        "from compare.check.subject.messages import Made\nfrom compare.check.subject.wire import HEAD, MARK, encode\n"
    )
    text = imports + "from compare.check.subject.tasks import Did\n" + second_step(*lines)
    done = perform(tmp_path, text, seconds=5.0)
    assert "it answers what it was not asked" in done.refusal
    assert [did.loss for did in done.steps] == [None]


def test_a_file_that_trains_when_imported_can_be_loaded_without(tmp_path):
    text = "class Subject(Plain): pass\nnet = Subject([4, 3], 0.1)\nwhile True: net.train_on_batch(1, 2)\n"
    assert perform(tmp_path, text, definitions_only=True).refusal is None


def test_patched_numpy_prints_and_packages_called_src_do_no_harm(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "__init__.py").write_text("VALUE = 1\n")
    text = "import numpy, src\nprint('hello', src.VALUE)\nnumpy.save = None\nclass Subject(Plain): pass\n"
    done = perform(tmp_path, text)
    assert done.refusal is None
    assert len(done.steps) == 2


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("net.py", "must be FILE.py:NAME"),
        ("missing.py:Network", "which does not exist"),
        ("examples/correct.py:Netwrk", "Did you mean 'Network'"),
    ],
)
def test_a_target_is_checked_before_anything_is_run(target, words):
    with pytest.raises(InputError, match=words):
        split_target(target)


def test_a_file_that_is_no_python_is_bad_input(tmp_path):
    (tmp_path / "net.py").write_text("class:\n")
    with pytest.raises(InputError, match="must be in a Python file"):
        split_target(f"{tmp_path / 'net.py'}:Network")


def test_bad_input_ends_with_status_2(capsys):
    assert main(["check", "missing.py:Network"]) == 2
    assert "does not exist" in capsys.readouterr().err


def test_the_command_prints_json_and_records_the_run(tmp_path, capsys):
    arguments = ["--steps", "2", "--layers", "5", "3", "--json", "--out", str(tmp_path)]
    assert main(["check", "examples/correct.py:Network", *arguments]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "parity"
    (folder,) = tmp_path.iterdir()
    assert {"manifest.json", "check.csv", "check.png", "check.svg", "report.txt"} <= {p.name for p in folder.iterdir()}
    assert json.loads((folder / "manifest.json").read_text())["report"]["verdict"] == "parity"


def test_the_command_says_what_definitions_only_leaves_out(tmp_path, capsys):
    path = tmp_path / "net.py"
    path.write_text(f"{CORRECT}data = open('not there').read()\nrows = len(data)\nclass Subject(Plain): pass\n")
    arguments = ["--steps", "2", "--layers", "5", "3", "--definitions-only", "--no-record"]
    assert main(["check", f"{path}:Subject", *arguments]) == 0
    assert "note: definitions only: left out data (line 2), rows (line 3)" in capsys.readouterr().out


def test_a_subject_that_a_file_defines_elsewhere_is_told(tmp_path):
    done = perform(tmp_path, "if __name__ == '__main__':\n    Subject = Plain\n")
    assert "it does not define `Subject` at the top level of net.py: move it there" in done.refusal
