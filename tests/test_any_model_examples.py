"""Each example beside a Keras model of its own is in parity, and its wrong twin is told by its line."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from compare.commands.app import main
from examples.any_model import adam, convolution, dropout, normalised, recurrent, residual
from keras_parity import check_parity

MODULES = (convolution, recurrent, normalised, dropout, residual)
ADAM: dict[str, Any] = {"layers": (5, 1), "output": "sigmoid", "optimizer": "adam(learning_rate=0.001)", "steps": 4}


def name(of):
    return of.__name__.rpartition(".")[2]


@cache
def built(module):
    """The module's model, built once, since its graphs are kept with it."""
    return module.build()


def wrong_line(module):
    """The number of the line that is marked as wrong."""
    lines = Path(module.__file__).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if "# wrong: " in line)


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_the_network_is_in_parity(module):
    report = check_parity(module.Network, module.data(), reference=built(module), steps=4)
    assert report.verdict == "parity", str(report)
    assert not report.warnings
    assert not report.guilty


@pytest.mark.parametrize(
    ("module", "subject"),
    [
        (convolution, convolution.Spread),
        (recurrent, recurrent.Early),
        (normalised, normalised.Swapped),
        (dropout, dropout.Unscaled),
        (residual, residual.NotSkipped),
    ],
    ids=name,
)
def test_its_wrong_twin_is_told_by_its_line(module, subject):
    report = check_parity(subject, module.data(), reference=built(module), steps=4)
    assert report.verdict == "training wrong"
    guilty = report.guilty[0]
    assert (Path(guilty.file).name, guilty.first) == (Path(module.__file__).name, wrong_line(module))
    assert guilty.function.startswith(subject.__name__)


@pytest.mark.parametrize(
    ("module", "subject", "why"),
    [(normalised, normalised.FromTheBatch, "where the moving averages belong"), (dropout, dropout.StillDrops, "is on")],
    ids=lambda of: getattr(of, "__name__", "").rpartition(".")[2],
)
def test_its_twin_that_predicts_wrongly_is_told(module, subject, why):
    report = check_parity(subject, module.data(), reference=built(module), steps=2)
    assert report.verdict == "training right, predictions wrong"
    assert "and its predictions are not Keras's" in report.headline
    assert why in report.headline
    assert not report.passed
    assert "\n  predictions: not Keras's" in str(report)
    found = report.to_json()
    assert {each["method"] for each in found["predictions"]["wrong"]} == {"predict"}
    assert "its `predict` compared in inference" in found["driven"]


def test_an_exact_adam_is_in_parity_with_a_note():
    report = check_parity(adam.Network, "breast_cancer", **ADAM)
    assert report.verdict == "parity", str(report)
    assert any("beta_1 and beta_2 through float32" in note for note in report.met.notes)


def test_an_adam_without_correction_is_not():
    report = check_parity(adam.Uncorrected, "breast_cancer", **ADAM)
    assert report.diagnosis.names == ("bias correction missing",)
    assert "Network.update" in {guilty.function for guilty in report.guilty}


def test_on_the_command_line(capsys):
    file = "examples/any_model/dropout.py"
    words = ["check", f"{file}:Network", "--reference", f"{file}:build", "--data", f"{file}:data"]
    assert main([*words, "--steps", "4", "--no-record"]) == 0
    assert capsys.readouterr().out.startswith("PARITY: ")
