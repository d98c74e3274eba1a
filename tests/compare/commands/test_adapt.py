"""From a file to a verdict without a word about how its network is driven; and the lines that say it, to be pasted."""

import json

import pytest

from compare.commands.app import main

NETWORK = """
import numpy as np


class Model:
    def __init__(self, layer_sizes, learning_rate):
        self.rate = learning_rate
        self.layers = [(np.ones((o, i)), np.zeros((o, 1))) for i, o in zip(layer_sizes, layer_sizes[1:])]

    def learn(self, X, Y):
        ((W, b),) = self.layers
        Z = W @ X + b
        Z = Z - Z.max(axis=0)
        P = np.exp(Z) / np.exp(Z).sum(axis=0)
        dZ = (P - Y) / X.shape[1]
        self.layers = [(W - self.rate * dZ @ X.T, b - self.rate * dZ.sum(axis=1, keepdims=True))]
        return (np.log(np.exp(Z).sum(axis=0)) - (Z * Y).sum(axis=0)).mean()


class Dropout:
    def __init__(self, rate):
        self.rate = rate
"""
FAULTY = NETWORK.replace(" / X.shape[1]", "")
OPTIONS = ["--layers", "3", "--steps", "2"]
ADAPTER = """from keras_parity import adapt, each

subject = adapt(
    Model,
    each("layers", 0, 1),
    kernel="units_inputs",
    labels="onehot",
    samples="columns",
    step="learn",
)
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NETWORK)
    return tmp_path / "net.py"


def checked(capsys, file, status):
    assert main(["check", file, *OPTIONS, "--no-record", "--json"]) == status
    return json.loads(capsys.readouterr().out)


def test_a_file_alone_is_checked_and_its_pasted_adapter_gives_the_same_verdict(capsys, file):
    told = checked(capsys, "net.py", 0)
    assert told["verdict"] == "parity"
    assert told["inferred"].startswith("`Model`, the one thing in its file that can be checked; its parameters, ")
    assert told["adapter"] + "\n" == ADAPTER
    file.write_text(FAULTY)
    told = checked(capsys, "net.py", 1)
    assert "the likeliest way, and no first step is Keras's so" in told["inferred"]
    file.write_text(f"{FAULTY}\n{told['adapter']}\n")
    pasted = checked(capsys, "net.py", 1)
    assert pasted["adapter"] == ""
    assert pasted["inferred"] == "`subject`, the one thing in its file that can be checked"
    for key in ("headline", "guilty", "largest_ratio", "divergence", "notes", "driven"):
        assert pasted[key] == told[key]


def test_the_adapter_is_printed_or_written_to_a_file_of_its_own(capsys, file):
    assert main(["adapt", "net.py:Model", *OPTIONS]) == 0
    assert capsys.readouterr().out == ADAPTER
    assert main(["adapt", "net.py", *OPTIONS, "--out", "mine.py"]) == 0
    assert capsys.readouterr().out == ""
    written = file.with_name("mine.py").read_text()
    assert written == ADAPTER.replace("each\n", "each\nfrom net import Model\n", 1)
    assert main(["adapt", "mine.py", *OPTIONS]) == 0
    assert capsys.readouterr().out == "# mine.py:subject needs no adapter: it is driven as it is\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["net"], "`subject` must be FILE.py or FILE.py:NAME, for example net.py:Network. Received: 'net'"),
        (["net.py:Modle"], "Did you mean 'Model'?"),
        (["net.py", "--out", "net.py"], "`out` must be a new file, for example adapter.py. Received: net.py"),
        (["net.py", "--out", "new/mine.py"], "`out` must be in the folder of net.py, which it imports"),
        (
            ["net.py:Dropout"],
            "`subject` must be a network that can be driven. Received: net.py:Dropout; its parameters",
        ),
    ],
)
def test_what_cannot_be_adapted_is_one_line(capsys, file, arguments, told):
    assert main(["adapt", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert told in printed.err
    assert printed.err.count("\n") == 1
    assert [each.name for each in file.parent.iterdir()] == ["net.py"]
