"""Every example is run, and says what it is there to show."""

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from compare import pytest_plugin
from compare.commands.app import main
from compare.pytest_plugin import KerasParity
from examples.correct import Network

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    ("arguments", "status", "headline"),
    [
        (["examples/correct.py:Network"], 0, "PARITY: "),
        (["examples/any_shape.py"], 0, "PARITY, with 1 warning: the loss overflows"),
        (["examples/article.py:subject"], 1, "NOT PARITY: it trains wrongly (stale activations)"),
        (["examples/functions.py:step", "--activations", "tanh", "tanh", "tanh"], 0, "PARITY: "),
        (
            ["examples/ragged.py:Ragged"],
            1,
            "NOT PARITY: it trains as Keras does except in ragged batches (gradient divided by the nominal batch size)",
        ),
    ],
)
def test_examples_on_the_command_line(arguments, status, headline, capsys):
    assert main(["check", *arguments, "--steps", "6", "--no-record"]) == status
    assert capsys.readouterr().out.startswith(headline)


def test_the_article_s_report_places_and_confirms_the_fault(capsys):
    main(["check", "examples/article.py:subject", "--steps", "6", "--no-record"])
    text = " ".join(capsys.readouterr().out.split())
    for words in (
        "step 2, dW of layer 4 (kernel gradient)",
        "step 1 is clean",
        "clear the stored list before each forward pass",
        "gives the subject's numbers to rounding in",
        "as a consequence, it raises ValueError (ragged batches",
    ):
        assert words in text


def test_the_pytest_example():
    loaded = any(entry.name == "keras-parity" for entry in entry_points(group="pytest11"))
    options = ["-q", "-p", "no:cacheprovider", "--parity-steps", "2"]
    plugins = [] if loaded else [pytest_plugin]
    assert pytest.main(["examples/test_network.py", *options], plugins=plugins) == 0


def test_the_fixture_works_under_xdist_and_a_failure_s_summary_is_the_verdict(tmp_path):
    (tmp_path / "test_two.py").write_text(
        "from examples.correct import Network\nfrom examples.ragged import Ragged\n\n\n"
        "def test_right(keras_parity):\n    keras_parity.check(Network)\n\n\n"
        "def test_wrong(keras_parity):\n    keras_parity.check(Ragged)\n"
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        "1",
        "-p",
        "no:cacheprovider",
        "--parity-steps",
        "6",
        str(tmp_path),
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "300"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "test_wrong - Failed: NOT PARITY: it trains as Keras does except in ragged batches" in done.stdout


def test_the_fixture_s_options_are_defaults():
    assert KerasParity({"steps": 2, "data": "wine"}).check(Network).data.name == "wine"
