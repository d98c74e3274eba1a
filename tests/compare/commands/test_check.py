"""The command `check` beside a model of the user's own, on data of their own; what is wrong with either is one line."""

import json
import re
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from compare.check import parity_check
from compare.check.settings import Settings
from compare.commands.app import main
from compare.commands.source import Source
from compare.errors import InputError
from compare.runs.record import read
from compare.show.figures import check_map, drawing

NETWORK = """
import numpy as np


class Line:
    rate = 0.125

    def __init__(self):
        self.W, self.b = np.zeros((2, 1)), np.zeros(1)

    def get_weights(self):
        return [self.W, self.b]

    def set_weights(self, weights):
        self.W, self.b = (np.array(each) for each in weights)

    def train_on_batch(self, x, y):
        off = x @ self.W + self.b - np.reshape(y, (-1, 1))
        dZ = 2 * off / len(x)
        self.W = self.W - self.rate * x.T @ dZ
        self.b = self.b - self.rate * dZ.sum(axis=0)
        return (off**2).mean()


class Steep(Line):
    rate = 0.25
"""

REFERENCE = """
import keras
import numpy as np


def model():
    made = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    made.compile(keras.optimizers.SGD(0.125), loss="mse")
    return made


def raises():
    raise RuntimeError("no weights")


number = 3
uncompiled = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
"""

DATA = """
import numpy as np

rng = np.random.default_rng(0)
pair = rng.normal(size=(11, 2)), rng.normal(size=11)
wide = rng.normal(size=(11, 3)), rng.normal(size=11)
short = rng.normal(size=(11, 2)), rng.normal(size=10)


def made():
    return pair


def fails():
    raise OSError("no such table")
"""


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A network, a reference and data, each in a file of its own, in the current folder."""
    for name, text in (("net", NETWORK), ("model", REFERENCE), ("data", DATA)):
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", list(sys.path))  # a file's folder comes first on it, from then on
    monkeypatch.setattr("sys.argv", list(sys.argv))
    return tmp_path


def beside(network, *arguments):
    return ["check", f"net.py:{network}", "--steps", "2", "--batch-size", "4", *arguments]


def refused(capsys, files, *arguments):
    """The one line that a refused command prints; nothing may be written."""
    assert main(beside("Line", *arguments, "--quiet")) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert not (files / "results").exists()
    assert printed.err.startswith("keras-parity: ")
    assert printed.err.count("\n") == 1
    return printed.err


@pytest.mark.parametrize("data", ["pair", "made"])
def test_a_reference_and_data_of_files(capsys, files, data):
    arguments = ["--reference", "model.py:model", "--data", f"data.py:{data}", "--json"]
    assert main(beside("Line", *arguments, "--no-record")) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] == "parity"
    assert told["run"] is None
    assert not (files / "results").exists()


def test_a_wrong_network_beside_a_reference_has_status_1_and_is_recorded_whatever_fails_then(
    capsys, files, monkeypatch
):
    def broken(*_):
        raise ValueError("a planted fault")

    monkeypatch.setattr(check_map, "heatmap", broken)
    hostile = files / "net [x] $\\frac$ \udcff.py"
    hostile.write_text(NETWORK)
    arguments = ["--reference", "model.py:model", "--data", "data.py:pair", "--quiet", "--out", "[x] runs"]
    assert main(["check", f"{hostile.name}:Steep", *beside("Steep")[2:], *arguments]) == 1
    printed = capsys.readouterr()
    assert "NOT PARITY" in printed.out
    (folder,) = (files / "[x] runs").iterdir()
    assert "drawing check failed (ValueError: a planted fault); the run is finished and kept" in printed.err
    assert printed.err.count("\n") == 1
    manifest = read(folder).manifest
    assert "--reference model.py:model" in manifest["command"]
    assert "--data data.py:pair" in manifest["command"]
    assert manifest["subject"] == r"net [x] $\frac$ \udcff.py:Steep"
    assert r"net [x] $\frac$ \udcff.py" in (folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--reference", "model.py"], "`reference` must be FILE.py:NAME"),
        (["--reference", "missing.py:model"], "`reference` must be in a file. Received: 'missing.py'"),
        (["--reference", "model.py:modle"], "`reference` must name something in 'model.py'. Received: 'modle'"),
        (["--reference", "model.py:number"], "`reference` must be a compiled Keras model, or a function that builds"),
        (
            ["--reference", "model.py:raises"],
            "`reference` must build a Keras model. It raised RuntimeError: no weights",
        ),
        (["--reference", "model.py:uncompiled"], "the model must be compiled"),
        (["--reference", "model.py:model", "--data", "data.py:piar"], "Did you mean 'pair'?"),
        (["--reference", "model.py:model", "--data", "missing.py:pair"], "`data` must be in a file"),
        (["--reference", "model.py:model", "--data", "data.py:fails"], "`data` must be found in data.py: OSError: no"),
        (["--reference", "model.py:model", "--data", "data.py:wide"], "`data` must fit the reference, which takes"),
        (["--reference", "model.py:model", "--data", "data.py:short"], "Received: shapes (11, 2) and (10,)"),
        (["--reference", "model.py:model", "--data", "irsi"], "iris"),
        (["--data", "data.py:pair"], "data.py:pair"),
        (["--optimizer", "adma"], "`optimizer` must be one of"),
        (["--output", "softmax", "--loss", "mse"], "`output` must be one of"),
    ],
)
def test_a_bad_reference_or_bad_data_or_words_are_told_in_one_line(capsys, files, arguments, told):
    assert told in refused(capsys, files, *arguments)


def test_words_of_the_command_are_the_check_s(capsys, files, monkeypatch):
    seen = []

    def checked(driver, data, index_column, settings, model, observer):
        seen.append((settings, data, model))
        raise InputError("seen")

    monkeypatch.setattr("compare.check.parity_check.check_driver", checked)
    words = ["--output", "sigmoid", "--loss", "bce", "--optimizer", "sgd(momentum=0.9)", "--l2", "0.1", "--no-bias"]
    assert main(beside("Line", *words, "--samplewise", "--data", "breast_cancer")) == 2
    assert capsys.readouterr().err == "keras-parity: seen\n"
    ((settings, data, model),) = seen
    assert (data, model) == ("breast_cancer", None)
    assert settings == Settings(
        output="sigmoid", loss="bce", optimizer="sgd(momentum=0.9)", l2=0.1, bias=False, samplewise=True,
        steps=2, batch_size=4,
    )  # fmt: skip


@pytest.mark.parametrize("seconds", [0.0, -1.0, np.nan])
def test_a_time_limit_that_is_none(seconds):
    with pytest.raises(InputError, match="`time_limit` must be a positive number of seconds"):
        Source(time_limit=seconds)


def noting(check, made):
    def checked(*given):
        made.append(check(*given))
        return made[-1]

    return checked


def test_a_baseline_fails_only_what_is_new_and_what_is_wrong_is_annotated(capsys, files, monkeypatch):
    monkeypatch.setattr(drawing, "figures", lambda *_: {})
    made: list[Any] = []
    monkeypatch.setattr(parity_check, "check_driver", noting(parity_check.check_driver, made))
    arguments = ["--reference", "model.py:model", "--data", "data.py:pair", "--quiet", "--out", "runs"]
    assert main(beside("Steep", *arguments)) == 1
    assert "::error" not in capsys.readouterr().err
    arguments += ["--no-record", "--annotate", "github", "--baseline", "1"]
    (report,) = made
    monkeypatch.setattr(parity_check, "check_driver", lambda *_: report)
    assert main(beside("Steep", *arguments)) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[0].startswith("NOT PARITY"), "the verdict stays"
    assert re.search(r"^Since 0001-check-\w+: nothing new, \d+ as then, 0 no longer$", printed.out, re.MULTILINE)
    assert re.search(r"^::error file=net\.py,line=\d+,", printed.err, re.MULTILINE)
    other = replace(report.guilty[0], source="another line")
    monkeypatch.setattr(
        parity_check, "check_driver", lambda *_: replace(report, lines=replace(report.lines, guilty=(other,)))
    )
    assert main(beside("Steep", *arguments, "--json")) == 1
    since = json.loads(capsys.readouterr().out)["baseline"]
    assert since["new"] == ["line: another line in Line.train_on_batch"]
    assert since["kept"]
    assert main(beside("Line", *arguments)) == 2
    assert capsys.readouterr().err.startswith("keras-parity: `baseline` must be a check with the subject of now.")
