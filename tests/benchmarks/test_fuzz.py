"""The attack sees what it looks for: a traceback, a hang, lost numbers."""

import ast
import signal
import subprocess
import sys
import time
from unittest import mock

import pytest

from benchmarks import fuzz, hostile
from compare.commands import main_job
from tests.compare.runs.made_run import made_run


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return dict.fromkeys(("run", "sweep"), made_run(tmp_path_factory.mktemp("made"), ("matched",)).folder)


def kinds(function):
    return mock.patch.dict(fuzz.KINDS, {"planted": (function, 1)})


def test_the_ends_of_runs_are_answered_and_lost_numbers_seen(made):
    assert fuzz.ended(0, "ends of runs", 0, made) == "well"

    def losing(folder, *_):
        (folder / "parity.csv").unlink()

    with mock.patch.object(main_job, "present", losing):
        assert fuzz.ended(0, "ends of runs", 0, made) == "lost"


@pytest.mark.parametrize("kind", ["options", "absurd sizes", "CSV files", "run folders", "plans"])
def test_inputs_of_every_kind_are_tried(made, kind):
    folders = {**made, "check": made["run"]}
    trained = mock.patch.object(main_job, "perform", side_effect=fuzz.Reached(fuzz.REACHED))
    with trained, mock.patch("compare.check.subject.drivers.Isolated", fuzz.Unmet):
        assert [fuzz.ended(number, kind, 7, folders) for number in (3, 4)] == ["well", "well"]


def test_a_traceback_and_a_status_that_is_none_are_seen(made, capsys):
    with kinds(lambda rng, bench: 1 / 0):
        assert fuzz.ended(0, "planted", 0, made) == "traceback"
    assert "ZeroDivisionError" in capsys.readouterr().err
    with kinds(lambda rng, bench: fuzz.answered(["list"], rng)), mock.patch.object(fuzz, "command", return_value=120):
        assert fuzz.ended(0, "planted", 0, made) == "traceback"


def test_a_count_that_is_begun_with_is_seen(made):
    """Each option that takes a number, with the first absurd size."""
    name, option = ("run", "--epochs")
    turn = fuzz.numeric().index((name, option))
    with mock.patch.object(fuzz, "answered", return_value=fuzz.REACHED):
        assert fuzz.ended(0, "absurd sizes", 0, made, turn) == "hang"
    with mock.patch.object(fuzz, "answered", return_value="keras-parity: it is refused"):
        assert fuzz.ended(0, "absurd sizes", 0, made, turn) == "well"


def test_what_outlives_an_input_is_seen_and_ended(made, monkeypatch):
    monkeypatch.setattr(fuzz, "GONE", 0.1)
    started = []

    def leaving(*_):
        sleeper = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
        started.append(subprocess.Popen(sleeper, start_new_session=True))

    with kinds(leaving):
        assert fuzz.ended(0, "planted", 0, made) == "left"
    assert started[0].wait(5) == -signal.SIGKILL


def test_every_hostile_subject_can_be_read():
    for text in (*hostile.subjects().values(), hostile.forging(0)):
        ast.parse(text)
    assert len(hostile.subjects()) > 60


def test_a_hang_is_seen(made, monkeypatch):
    monkeypatch.setattr(fuzz, "PATIENCE", 1)
    before = signal.signal(signal.SIGALRM, fuzz._hang)
    try:
        with kinds(lambda rng, bench: time.sleep(20)):
            assert fuzz.ended(0, "planted", 0, made) == "hang"
    finally:
        signal.signal(signal.SIGALRM, before)
