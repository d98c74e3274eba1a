"""Past runs are found, sorted, filtered and compared from their manifests; what is broken is told, not hidden."""

import json

import pytest

from compare.commands.app import main
from compare.errors import InputError
from compare.runs import history
from compare.runs.recorder import recording
from tests.compare.runs.made_run import made_run


def manifest(verdict="equivalent", data="iris", **config):
    return {
        "kind": "run",
        "command": "keras-parity run",
        "config": {"data": data, "layers": None, "learning_rate": 0.01} | config,
        "data": {"name": data, "n": 150, "sha256": data},
        "code": {"version": "1", "commit": "abc", "dirty": False},
        "env": {"numpy": "2.0", "keras": "3.15"},
        "verdicts": {"passed": True, "unseeded": {"alike": verdict}},
    }


@pytest.fixture
def out(tmp_path):
    """Three runs, one interrupted, and folders that are no runs."""
    for number, made in enumerate([manifest(), manifest("different", "wine", learning_rate=0.1), manifest()]):
        with recording(tmp_path, "run") as recorder:
            recorder.manifest = made | {"env": {"numpy": f"2.{number}", "keras": "3.15"}}
    (tmp_path / "0009-run-20260101T000000Z.partial" / "unfinished").mkdir(parents=True)
    (tmp_path / "reference").mkdir()
    return tmp_path


def listed(capsys, out, *arguments):
    assert main(["list", "--out", str(out), "--json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def test_runs_are_listed_with_their_verdicts(capsys, out):
    found = listed(capsys, out)
    assert [(each["number"], each["kind"], each["status"]) for each in found] == [
        (1, "run", "complete"),
        (2, "run", "complete"),
        (3, "run", "complete"),
        (9, "run", "interrupted"),
    ]
    assert [each["verdict"].rpartition(" ")[2] for each in found[:3]] == ["equivalent", "different", "equivalent"]
    assert found[3]["started"] == "2026-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        (["--data", "wine"], [2]),
        (["--verdict", "Equivalent"], [1, 3]),
        (["--kind", "sweep"], []),
        (["--sort", "data"], [9, 1, 3, 2]),
        (["--sort", "started"], [9, 1, 2, 3]),
        (["--newest", "2"], [3, 9]),
    ],
)
def test_runs_are_filtered_and_sorted(capsys, out, arguments, numbers):
    assert [each["number"] for each in listed(capsys, out, *arguments)] == numbers


def test_a_damaged_run_is_listed_as_damaged(capsys, out):
    folder = next(out.glob("0002-*"))
    (folder / "manifest.json").write_text("{")
    damaged = listed(capsys, out)[1]
    assert damaged["status"] == "damaged"
    assert "its manifest.json cannot be read" in damaged["verdict"]
    (folder / "manifest.json").write_text('{"schema_version": 99}')
    assert "has schema 99" in listed(capsys, out)[1]["verdict"]
    (folder / "manifest.json").write_text('{"schema_version": 1, "kind": "run"}')
    assert "missing required field `status`" in listed(capsys, out)[1]["verdict"]


def test_the_table_is_for_people(capsys, out):
    assert main(["list", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "the two sides are different" in printed
    assert "interrupted: nothing kept" in printed


def test_what_changed_between_two_runs(capsys, out):
    assert main(["show", "1", "2", "--out", str(out), "--json"]) == 0
    changed = json.loads(capsys.readouterr().out)
    told = {(section, each["what"]): (each["one"], each["other"]) for section, rows in changed.items() for each in rows}
    assert told == {
        ("configuration", "data"): ("iris", "wine"),
        ("configuration", "learning_rate"): (0.01, 0.1),
        ("data", "data.name"): ("iris", "wine"),
        ("data", "data.sha256"): ("iris", "wine"),
        ("versions", "numpy"): ("2.0", "2.1"),
        ("verdicts", "unseeded.alike"): ("equivalent", "different"),
    }
    assert main(["show", "1", "2", "--out", str(out)]) == 0
    assert "learning_rate" in capsys.readouterr().out


def test_nothing_changed_is_said(capsys, out):
    assert main(["show", "1", str(next(out.glob("0001-*"))), "--out", str(out)]) == 0
    assert "Nothing changed" in capsys.readouterr().out


def test_a_setting_that_one_run_did_not_have_has_changed():
    old = manifest()
    del old["config"]["layers"]
    new = manifest(layers=[3])
    assert history.changes(old, new)["configuration"] == [("layers", None, [3])]


def test_one_run_is_shown(capsys, tmp_path):
    made_run(tmp_path, parts=("matched",))
    assert main(["show", "1", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "keras-parity run --epochs 12" in printed
    assert "Verdict: parity holds" in printed
    assert main(["show", "1", "--out", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["data"]["name"] == "iris"


@pytest.mark.parametrize("run", ["7", "nothing", "0"])
def test_a_run_that_is_not_there_is_told_of_in_one_line(out, run):
    with pytest.raises(InputError, match="`run` must be a run's folder, or its number") as caught:
        history.find(run, out)
    assert "\n" not in str(caught.value)


def test_a_missing_folder_is_told_of_in_one_line(capsys, tmp_path):
    assert main(["list", "--out", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
