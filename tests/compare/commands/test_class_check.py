"""The command `check` of several networks: one table, one page, each network a row whatever becomes of it."""

import json
import sys
from xml.etree import ElementTree

import pandas as pd
import pytest

from compare.commands import source
from compare.commands.app import main
from compare.commands.class_check import expanded
from compare.errors import InputError
from compare.runs.record import read
from compare.work import engine

NETWORK = """
import numpy as np


class Net:
    def __init__(self, layer_sizes, learning_rate):
        self.rate, (inputs, outputs) = learning_rate, layer_sizes
        self.W, self.b = np.zeros((inputs, outputs)), np.zeros(outputs)

    def get_weights(self):
        return [self.W, self.b]

    def set_weights(self, weights):
        self.W, self.b = (np.array(each) for each in weights)

    def train_on_batch(self, x, y):
        Z = x @ self.W + self.b
        Z = Z - Z.max(axis=1, keepdims=True)
        logs = Z - np.log(np.exp(Z).sum(axis=1, keepdims=True))
        dZ = np.exp(logs)
        dZ[np.arange(len(y)), y] -= 1
        dZ = dZ / len(y)
        self.W = self.W - self.rate * x.T @ dZ
        self.b = self.b - self.rate * dZ.sum(axis=0)
        return -logs[np.arange(len(y)), y].mean()
"""
MEAN = "dZ.mean(axis=0)"
WRONG = NETWORK.replace("dZ.sum(axis=0)", MEAN)
EXITS = "import os\n\nos._exit(3)\nNet = None\n"
SHORT = ["--steps", "2", "--layers", "3", "--workers", "1"]


@pytest.fixture
def submitted(tmp_path, monkeypatch):
    """A folder for each network, all in files of the same name, in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", list(sys.path))
    for student, text in (("anna", NETWORK), ("ben", WRONG), ("cara", EXITS), ("dan", "def Net(:")):
        (tmp_path / "in" / student).mkdir(parents=True)
        (tmp_path / "in" / student / "net.py").write_text(text)
    return tmp_path


def test_a_pattern_stands_for_its_files_each_once(submitted):
    anna, ben, *_, dan = found = expanded(["in/anna/net.py:Net", "in/*/net.py:Net"])
    assert (anna, ben, dan, len(found)) == ("in/anna/net.py:Net", "in/ben/net.py:Net", "in/dan/net.py:Net", 4)
    assert expanded(["in/anna/net.py:Net", "in/anna/net.py:Other"]) == ["in/anna/net.py:Net", "in/anna/net.py:Other"]
    assert expanded(["in/*/net.py"])[:2] == ["in/anna/net.py", "in/ben/net.py"]
    (submitted / "[x].py").write_text(NETWORK)
    assert expanded(["[x].py:Net"]) == ["[x].py:Net"]
    with pytest.raises(InputError, match=r"'out/\*.py:Net', which matches none"):
        expanded(["out/*.py:Net"])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["in/*/net.py:Net", "gone.py:Net"], "`subject` must be in a file. Received: 'gone.py'"),
        (["in/*/net.py:not a name"], "`subject` must be FILE.py or FILE.py:NAME"),
        (["in/*/net.py:Net", "--data", "irs"], "Did you mean 'iris'?"),
        (["in/*/net.py", "--baseline", "1"], "`baseline` must be the earlier check of one subject. Received: 1 with 4"),
        (["in/*/net.py:Net", "--workers", "0"], "`workers` must be a positive integer"),
        (["in/*/net.py:Net", "--csv", "gone/class.csv"], "`csv` must be a file in a folder that is there"),
        (["in/anna/net.py:Net", "--junit", "in"], "`junit` must be a file in a folder that is there"),
    ],
)
def test_bad_input_is_refused_before_anything_runs(capsys, monkeypatch, submitted, arguments, told):
    monkeypatch.setattr(source, "checked", lambda *_, **__: pytest.fail("it ran"))
    assert main(["check", *arguments]) == 2
    printed = capsys.readouterr()
    assert told in printed.err
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert not (submitted / "results").exists()


@pytest.mark.seconds_for_edits(0.2)
def test_every_network_is_a_row_a_page_and_a_test_case(capsys, submitted):
    files = ["--csv", "class.csv", "--junit", "class.xml", "--annotate", "github"]
    assert main(["check", "in/*/net.py:Net", *SHORT, *files]) == 1
    out, err = capsys.readouterr()
    assert "Verdict: 1 of 4 in parity; 2 cannot be driven; 1 training wrong" in out
    (folder,) = (submitted / "results").iterdir()

    rows = pd.read_csv("class.csv", keep_default_na=False).to_dict("records")
    assert [row["subject"] for row in rows] == [f"in/{name}/net.py:Net" for name in ("anna", "ben", "cara", "dan")]
    right, wrong, gone, unread = rows
    assert (right["verdict"], right["passed"], right["line"], right["cause"]) == ("parity", True, "", "")
    line = WRONG[: WRONG.index(MEAN)].count("\n") + 1
    assert (wrong["file"], int(float(wrong["line"])), wrong["source"]) == ("in/ben/net.py", line, MEAN)
    assert wrong["cause"] == "bias gradient averaged"
    annotated = [each for each in err.splitlines() if each.startswith("::")]
    assert list(dict.fromkeys(each.partition(",")[0] for each in annotated)) == [
        f"::error file=in/{row}/net.py" for row in ("ben", "cara", "dan")
    ]
    assert f",line={line}," in annotated[0]
    assert gone["cause"] == "its file cannot be loaded: its process ended with status 3"
    assert unread["cause"].startswith("its file cannot be loaded: it raises SyntaxError")

    run = read(folder)
    page = (folder / "report.html").read_text(encoding="utf-8")
    for row in rows:
        alone = read(row["run"])
        assert alone.manifest["subject"] == row["subject"]
        assert f'href="./{alone.folder.name}/report.html">{row["subject"]}</a>' in page
        assert (alone.folder / "report.html").is_file()
    assert list(run.tables["class"]["subject"]) == [row["subject"] for row in rows]

    suite = ElementTree.parse("class.xml").getroot()[0]
    assert [suite.get(name) for name in ("tests", "failures", "errors")] == ["4", "1", "2"]
    cases = list(suite)
    assert [case.get("classname") for case in cases] == [f"in/{row}/net.py" for row in ("anna", "ben", "cara", "dan")]
    assert len(cases[0]) == 0
    assert f"in/ben/net.py:{line}: {MEAN}" in str(cases[1][0].get("message"))


def test_all_in_parity_has_status_0_and_json_tells_what_each_alone_would(capsys, submitted):
    (submitted / "in" / "ben" / "net.py").write_text(NETWORK)
    both = ["in/anna/net.py", "in/ben/net.py:Net"]
    assert main(["check", *both, *SHORT, "--no-record", "--json"]) == 0
    one, other = json.loads(capsys.readouterr().out)
    assert main(["check", both[0], *SHORT[:-2], "--no-record", "--json"]) == 0
    alone = json.loads(capsys.readouterr().out)
    assert (one["subject"], other["subject"]) == tuple(both)
    assert {name: one[name] for name in alone} == alone
    assert not (submitted / "results").exists()


def test_what_fits_no_network_is_bad_input(capsys, submitted):
    assert main(["check", "in/anna/net.py:Net", "in/ben/net.py:Net", "--layers", "4", "--workers", "1"]) == 2
    assert "`layers` must end in 3" in capsys.readouterr().err
    assert not (submitted / "results").exists()


def test_an_interrupt_leaves_what_is_finished_and_says_what_is_missing(capsys, monkeypatch, submitted):
    run = engine.run

    def interrupted(shards, *rest):
        run(shards[2:3], *rest)
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "run", interrupted)
    assert main(["check", "in/*/net.py:Net", *SHORT, "--csv", "class.csv"]) == 130
    printed = capsys.readouterr()
    (folder,) = (submitted / "results").iterdir()
    assert f"interrupted; what is finished is kept: results/{folder.name}" in printed.err
    assert read(folder).manifest["missing"] == 3
    rows = pd.read_csv("class.csv", keep_default_na=False)
    assert list(rows["cause"].str.partition(":")[0]) == [
        *["interrupted"] * 2,
        "its file cannot be loaded",
        "interrupted",
    ]
    assert "3 not checked" in printed.out


def test_a_check_that_fails_is_one_row(capsys, monkeypatch, submitted):
    checked = source.checked

    def fails_for_one(target, *rest, **options):
        if target[0].parent.name == "ben":
            raise RuntimeError("the mathematics and Keras differ")
        return checked(target, *rest, **options)

    monkeypatch.setattr(source, "checked", fails_for_one)
    assert main(["check", "in/ben/net.py:Net", "in/cara/net.py:Net", *SHORT]) == 1
    assert "1 not checked" in capsys.readouterr().out
    (folder,) = (submitted / "results").iterdir()
    run = read(folder)
    assert run.tables["class"]["cause"][0] == "the check failed: RuntimeError: the mathematics and Keras differ"
    assert [each["shard"] for each in run.manifest["failures"]] == ["check-00001"]
