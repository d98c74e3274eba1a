import pytest

from compare.commands.app import main
from compare.commands.spelling import meant

OPTIONS = (
    "--data",
    "--layers",
    "--learning-rate",
    "--batch-size",
    "--bias",
    "--no-bias",
    "--l2",
    "--optimizer",
    "--dtype",
)


@pytest.mark.parametrize(
    ("typed", "option"),
    [
        ("--lr", "--learning-rate"),
        ("-lr", "--learning-rate"),
        ("--lr=0.1", "--learning-rate"),
        ("--bs", "--batch-size"),
        ("--LR", "--learning-rate"),
        ("--learn", "--learning-rate"),
        ("--rate", "--learning-rate"),
        ("--size", "--batch-size"),
        ("--layer", "--layers"),
        ("--bais", "--bias"),
        ("--learningrate", "--learning-rate"),
        ("--optimiser", "--optimizer"),
        ("--ll2", "--l2"),
        ("--gpu", None),
        ("--", None),
    ],
)
def test_the_option_that_was_meant(typed, option):
    assert meant(typed, OPTIONS) == option


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["check", "examples/correct.py:Network", "--lr", "0.1"], "--lr. Did you mean --learning-rate?"),
        (["run", "--batch", "3"], "--batch. Did you mean --batch-size?"),
        (["sweep", "--lr", "0.1"], "--lr. Did you mean --learning-rates?"),
        (["run", "--gpu"], "--gpu. See --help"),
    ],
)
def test_the_command_says_which(capsys, command, told):
    assert main(command) == 2
    assert capsys.readouterr().err == f"keras-parity: Unknown option: {told}\n"
