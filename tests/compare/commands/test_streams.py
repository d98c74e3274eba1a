"""A command does all it does, whatever becomes of its output; that something could not be told is told."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from compare.commands.app import main
from compare.commands.streams import patient_streams

ROOT = Path(__file__).resolve().parents[3]
LIST = [sys.executable, "-m", "keras_parity", "list", "--out", "results"]


class Full(io.TextIOBase):
    """A terminal that takes nothing."""

    def write(self, text):
        raise OSError(28, "No space left on device")


def test_a_stream_that_fails_raises_nothing_and_is_noted(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Full())
    with patient_streams() as out:
        print("told")
    assert out.failure is not None
    assert out.failure.errno == 28


def test_a_stream_that_works_is_the_same_afterwards(capsys):
    before = sys.stdout
    with patient_streams() as out:
        print("told")
    assert sys.stdout is before
    assert out.failure is None
    assert capsys.readouterr().out == "told\n"


def test_what_an_encoding_cannot_say_is_said_all_the_same(monkeypatch):
    content = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(content, encoding="ascii"))
    with patient_streams() as out:
        print("é \udcff")
    assert out.failure is None
    assert content.getvalue() == b"\\xe9 \\udcff\n"


def test_a_closed_stream_has_a_place(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with patient_streams() as out:
        print("told")
        assert not sys.stdout.isatty()
    assert out.failure is None


def test_output_that_is_lost_is_an_error_of_the_call(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "stdout", Full())
    assert main(["list", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        "keras-parity: not all could be told (No space left on device); recorded runs are kept: keras-parity list\n"
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has none")
@pytest.mark.parametrize(("stdout", "status"), [("/dev/full", 2), ("pipe", 0)])
def test_a_process_ends_quietly(stdout, status):
    reads, writes = os.pipe()
    os.close(reads)
    with open(writes, "w") if stdout == "pipe" else open(stdout, "w") as file:
        done = subprocess.run(LIST, cwd=ROOT, stdout=file, stderr=subprocess.PIPE, text=True, check=False)
    if stdout != "pipe":
        os.close(writes)
    assert done.returncode == status
    assert done.stderr.count("\n") == 1
    assert "not all could be told" in done.stderr
