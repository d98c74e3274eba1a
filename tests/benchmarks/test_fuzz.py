"""The attack sees what it looks for: a traceback, a hang, lost numbers."""

import signal
import time
from unittest import mock

import pytest

from benchmarks import fuzz
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


@pytest.mark.parametrize("kind", ["options", "CSV files", "run folders", "plans"])
def test_inputs_of_every_kind_are_tried(made, kind):
    folders = {**made, "check": made["run"]}
    with mock.patch.object(main_job, "perform", side_effect=fuzz.Reached("trained")):
        assert [fuzz.ended(number, kind, 7, folders) for number in (3, 4)] == ["well", "well"]


def test_a_traceback_and_a_status_that_is_none_are_seen(made, capsys):
    with kinds(lambda rng, bench: 1 / 0):
        assert fuzz.ended(0, "planted", 0, made) == "traceback"
    assert "ZeroDivisionError" in capsys.readouterr().err
    with kinds(lambda rng, bench: fuzz.answered(["list"], rng)), mock.patch.object(fuzz, "command", return_value=120):
        assert fuzz.ended(0, "planted", 0, made) == "traceback"


def test_a_hang_is_seen(made, monkeypatch):
    monkeypatch.setattr(fuzz, "PATIENCE", 1)
    before = signal.signal(signal.SIGALRM, fuzz._hang)
    try:
        with kinds(lambda rng, bench: time.sleep(20)):
            assert fuzz.ended(0, "planted", 0, made) == "hang"
    finally:
        signal.signal(signal.SIGALRM, before)
