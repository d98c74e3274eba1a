"""The command line runs a subject in a process of its own, whatever it does."""

import json

import numpy as np
import pytest

from compare.check.steps.situations import draw_weights
from compare.check.subject.drivers import Isolated
from compare.check.subject.loading import split_target
from compare.check.subject.tasks import Did, Task
from compare.check.subject.wire import decode, encode
from compare.commands.app import main
from compare.errors import InputError
from compare.recipe.architecture import dense
from compare.recipe.recipe import Recipe

CORRECT = "from examples.correct import Network as Plain\n"
RECIPE = Recipe(dense((4, 5, 3), learning_rate=0.1), 20, 8)


def perform(tmp_path, text, name="Subject", seconds=120.0, **options):
    path = tmp_path / "net.py"
    path.write_text(CORRECT + text)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 4)), np.arange(20) % 3
    task = Task(RECIPE, X, y, [np.arange(20)] * 2, [draw_weights(RECIPE.architecture, rng, X)], free=True)
    with Isolated(path, name, seconds, **options) as driver:
        return driver.perform(task)


def test_values_survive_the_way_between_processes():
    after = [np.arange(6.0).reshape(2, 3)]
    value = {"did": Did(loss=0.5, after=after), "none": None, "list": [1, (2.5, "a")], "recipe": RECIPE}
    found = decode(encode(value))
    np.testing.assert_array_equal(found["did"].after[0], after[0])
    assert found["did"].loss == 0.5
    assert found["list"] == [1, (2.5, "a")]
    assert found["recipe"] == RECIPE


def test_arrays_of_objects_are_not_sent():
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        encode({"array": np.array([object()])})


def test_a_subject_does_what_it_does_in_this_process(tmp_path):
    done = perform(tmp_path, "class Subject(Plain): pass\n")
    assert [did.error for did in done.steps] == [None, None]
    assert done.steps[1].loss < done.steps[0].loss


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import sys\nsys.exit(4)\n", "cannot be loaded: it calls exit"),
        ("1 / 0\n", "cannot be loaded: it raises ZeroDivisionError"),
        ("import os\ndef Subject(sizes, lr): os._exit(7)\n", "its process ended with status 7"),
        ("def Subject(sizes, lr):\n    while True: pass\n", "it takes too long"),
    ],
)
def test_exits_and_endless_loops_are_told(tmp_path, text, words):
    done = perform(tmp_path, text, seconds=1.0 if "while" in text else 120.0)
    assert words in done.refusal


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
