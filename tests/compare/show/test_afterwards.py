"""A finished run keeps its numbers, and every picture that can be drawn, whatever else fails."""

import io
import json
import os
import sys

import pytest

from compare.commands import main_job
from compare.commands.app import main
from compare.commands.main_job import present
from compare.commands.options import Telling
from compare.runs.record import read
from compare.show.afterwards import Afterwards
from compare.show.figures import drawing, plots
from compare.show.page import page
from compare.show.terminal import summary
from compare.work.companion import ALONE
from tests.compare.runs.made_run import made_run

NUMBERS = {"manifest.json", "noise_floor.parquet", "pairs.csv", "parity.csv", "trajectories.parquet"}


def broken(*_, **__):
    raise ValueError("a planted fault")


@pytest.fixture
def folder(tmp_path):
    return made_run(tmp_path / "results", parts=("matched",)).folder


def test_a_drawing_that_raises_costs_itself_alone_and_can_be_made_again(folder, monkeypatch, capsys):
    monkeypatch.setattr(plots, "gaps", broken)
    present(folder, ALONE, Telling(quiet=True))
    printed = capsys.readouterr()
    assert printed.err == (
        "keras-parity: drawing gap failed (ValueError: a planted fault); the run is finished and kept: "
        f"keras-parity report {folder}\n"
    )
    assert "Verdict: parity holds" in printed.out
    made = {f"{name}.{ending}" for name in ("loss", "accuracy") for ending in ("png", "svg")}
    assert {path.name for path in folder.iterdir()} == NUMBERS | made | {"report.html"}
    monkeypatch.undo()
    out = folder.parent / "again"
    assert main(["report", str(folder), "--out", str(out)]) == 0
    assert (next(out.iterdir()) / "gap.png").is_file()


def test_a_report_that_cannot_be_drawn_is_an_error(folder, monkeypatch, capsys):
    monkeypatch.setattr(plots, "gaps", broken)
    assert main(["report", str(folder), "--out", str(folder.parent), "--quiet"]) == 2
    assert f"keras-parity report {folder}\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("place", "name", "told"), [(page, "html", "the page failed"), (summary, "tell", "telling failed")]
)
def test_a_page_or_a_telling_that_raises_costs_itself_alone(folder, monkeypatch, capsys, place, name, told):
    monkeypatch.setattr(place, name, broken)
    present(folder, ALONE, Telling(quiet=True))
    assert capsys.readouterr().err.count(told) == 1
    assert read(folder).tables.keys() == {"noise_floor", "pairs", "parity", "trajectories"}
    assert {"gap.png", "loss.png"} < {path.name for path in folder.iterdir()}


def closed_pipe():
    reads, writes = os.pipe()
    os.close(reads)
    return open(writes, "w", encoding="utf-8")


def full():
    return open("/dev/full", "w", encoding="utf-8")


@pytest.mark.parametrize(
    ("stdout", "out", "data"),
    [
        (closed_pipe, "results", "iris"),
        (full, "results", "iris"),
        (lambda: None, "results", "iris"),
        (lambda: io.TextIOWrapper(io.BytesIO(), encoding="ascii"), "é", "iris"),
        (io.StringIO, "x[/x]", "iris"),
        (io.StringIO, "results", "$\\frac$.csv"),
        (io.StringIO, os.fsdecode(b"results\xff"), os.fsdecode(b"\xff.csv")),
    ],
    ids=["closed pipe", "full", "closed", "ASCII", "markup", "mathematics", "no text"],
)
def test_no_way_that_a_finished_run_was_lost_loses_it(folder, monkeypatch, tmp_path, stdout, out, data):
    """The numbers are made before; what follows is what `run` does."""

    def perform(job, recorder, *_):
        for name in NUMBERS - {"manifest.json"}:
            (recorder.folder / name).write_bytes((folder / name).read_bytes())
        recorder.manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        recorder.manifest["data"]["name"] = data
        return 0, ALONE

    named = data != "iris"  # all that a figure knows of these ways; one is enough
    figures = drawing.figures
    monkeypatch.setattr(drawing, "figures", lambda run: {"gap": figures(run)["gap"]} if named else {})
    monkeypatch.setattr(main_job, "perform", perform)
    stream = stdout()
    monkeypatch.setattr(sys, "stdout", stream)
    status = main(["run", "--only", "matched", "--out", str(tmp_path / out), "--quiet"])
    monkeypatch.undo()
    if stream is not None:
        stream.close()
    (found,) = (path for path in (tmp_path / out).iterdir() if path != folder)
    assert found.suffix == ""
    assert all((found / name).read_bytes() == (folder / name).read_bytes() for name in NUMBERS - {"manifest.json"})
    assert read(found).manifest["verdicts"]["passed"]
    assert (found / "report.html").is_file()
    assert (found / "gap.png").is_file() == named
    assert status == (2 if stdout is full else 0)


def test_an_interrupt_is_one_and_says_that_the_run_is_finished(folder):
    with pytest.raises(KeyboardInterrupt) as caught, Afterwards(folder).each("drawing"):
        raise KeyboardInterrupt
    assert caught.value.__notes__ == [f"the run is finished: keras-parity report {folder}"]
