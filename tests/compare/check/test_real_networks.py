"""What is said of networks as people write them: of each the verdict, the causes and the warnings, and no others."""

import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from compare import check_parity
from compare.check.parity_check import check_driver
from compare.check.report.verdict import EXCEPT, KIND, PARITY, UNDRIVABLE, WRONG
from compare.check.settings import Settings
from compare.check.subject.drivers import Isolated
from compare.commands.app import main
from tests.compare.check import article_networks as articles
from tests.compare.check import real_networks as real
from tests.compare.check import right_networks as right
from tests.compare.check.subject.test_drivers import gone

SIGMOIDS = ("sigmoid",) * 3
UNSHIFTED = "softmax without the max shift"
BY_THE_BATCH = "softmax shifted by the batch's maximum"
LOG_OF_ZERO = "log of a probability that underflows"
SUMMED = "gradient not averaged"
UNKNOWN = None


@dataclass(frozen=True)
class Said:
    """What is said of a subject.

    Attributes
    ----------
    options : dict
        Of the check.
    causes : tuple of str
        All in the likeliest explanation.
    instead : tuple of str
        Single causes that the numbers cannot tell from it, said after it.
    warned : tuple of str or None
        The causes of all warnings; UNKNOWN for one without.
    kind : str or None
        Of what other kind it is.
    words : tuple of str
        What the text says too.
    """

    subject: Any
    verdict: str
    causes: tuple[str, ...] = ()
    warned: tuple[str | None, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    instead: tuple[str, ...] = ()
    kind: str | None = None
    words: tuple[str, ...] = ()


NARROW = "one-hot width taken from the batch"
WITHOUT_THE_LAST = "it trains as Keras does except in batches of one, a class missing and ragged batches"
SAID = {
    "softmax down the columns": Said(
        real.SoftmaxDownColumns,
        WRONG,
        ("softmax over the wrong axis",),
        (UNSHIFTED,),
        {"layers": (6, 3)},
        words=("add up to 1 over the samples of the batch",),
    ),
    "wrong axes in a square layer": Said(
        real.WrongAxes,
        WRONG,
        ("dW transposed", "bias gradient summed over everything"),
        (BY_THE_BATCH, LOG_OF_ZERO),
        {"layers": (3, 3)},
        words=("dW transposed in layer 2",),
    ),
    "each bias one number, shift by the batch's maximum": Said(
        real.EachBiasOneNumber,
        WRONG,
        ("bias gradient summed over everything",),
        (BY_THE_BATCH, LOG_OF_ZERO),
        {"layers": (3, 3)},
    ),
    "three at once": Said(
        real.ThreeTogether,
        WRONG,
        (SUMMED, "activation derivative missing", "loss summed, not averaged"),
        (UNSHIFTED, LOG_OF_ZERO),
        {"activations": SIGMOIDS},
        words=("activation derivative missing in layer 3; reported wrongly, loss summed",),
    ),
    "error times output": Said(
        real.ErrorTimesOutput, WRONG, ("error multiplied by the output",), (LOG_OF_ZERO,), {"activations": SIGMOIDS}
    ),
    "no derivative in one layer": Said(
        real.NoDerivativeInTheLastHiddenLayer,
        WRONG,
        ("activation derivative missing",),
        (LOG_OF_ZERO,),
        {"activations": SIGMOIDS},
        words=("activation derivative missing in layer 3)",),
    ),
    "twice the error": Said(
        real.FactorTwo,
        WRONG,
        ("gradient times a constant",),
        instead=("learning rate off by a factor",),
        words=("is 2 times Keras's",),
    ),
    "sums never cleared": Said(real.NeverCleared, WRONG, ("gradients not cleared",), instead=("momentum left on",)),
    "rate ignored": Said(real.IgnoresTheRate, WRONG, ("learning rate ignored",)),
    "one sum for all biases": Said(real.BiasSumsEverything, WRONG, ("bias gradient summed over everything",)),
    "summed, and an odd loss": Said(
        real.SummedAndUnknownLoss,
        WRONG,
        (SUMMED, "loss times a constant"),
        words=("reported wrongly, loss times a constant", "1.7"),
    ),
    "summed, and odd in saturation": Said(real.SummedPlusOddSaturation, WRONG, (SUMMED,), (UNKNOWN, UNKNOWN)),
    "updated early": Said(
        real.EarlyUpdate,
        WRONG,
        (SUMMED, "bias gradient averaged", "weights updated during backprop"),
        (LOG_OF_ZERO,),
    ),
    "updated early, without a shift": Said(
        real.EarlyUpdateNaive,
        WRONG,
        (SUMMED, "bias gradient averaged", "weights updated during backprop"),
        (UNSHIFTED, LOG_OF_ZERO),
    ),
    "L2 by the batch": Said(
        real.L2ByBatch, WRONG, ("L2 penalty",), words=("0.35 * sum(W^2)", "divided by the batch size")
    ),
    "L1 and L2": Said(real.ElasticNet, WRONG, ("L1 and L2 penalty",), words=("0.001",)),
    "penalty by the batch, reported": Said(
        real.PenaltyDividedByN,
        WRONG,
        (SUMMED, "L2 penalty, divided otherwise in the loss"),
        words=("0.005 * sum(W^2), is in the gradient as it is, and in the reported loss divided by the batch size",),
    ),
    "the article, as published": Said(
        articles.ArticleAsPublished, WRONG, ("stale activations",), (UNSHIFTED, LOG_OF_ZERO), words=("step 1 is clean",)
    ),
    "its fit drops the last batch": Said(real.DropsLastBatch, WRONG, words=("(last partial batch dropped)",)),
    "narrow labels in the error": Said(real.NarrowError, EXCEPT, (NARROW,), words=(WITHOUT_THE_LAST,)),
    "narrow labels in the loss too": Said(
        real.NarrowErrorAndLoss, EXCEPT, (NARROW,), (LOG_OF_ZERO,), words=(WITHOUT_THE_LAST,)
    ),
    "shift by the batch's maximum": Said(real.BatchMaxShift, PARITY, (), (BY_THE_BATCH, LOG_OF_ZERO)),
    "shift by the batch's maximum, stable loss": Said(real.BatchMaxShiftStableLoss, PARITY, (), (BY_THE_BATCH,)),
    "no shift, masked by assignment": Said(real.MaskByAssignmentNaiveSoftmax, PARITY, (), (UNSHIFTED, LOG_OF_ZERO)),
    "logits clipped": Said(real.ClippedLogits, PARITY, (), ("logits clipped", LOG_OF_ZERO), words=("clipped at 500",)),
    "logits clipped, stable loss": Said(
        real.ClippedLogitsStableLoss, PARITY, (), ("logits clipped",), words=("clipped at 500",)
    ),
    "floor of 1e-20": Said(
        real.loss_within(1e-20, 1), PARITY, (), ("loss of floored probabilities",), words=("falls below 1e-20",)
    ),
    "floor of 1e-07": Said(
        real.loss_within(1e-7, 1), PARITY, (), ("loss of floored probabilities",), words=("falls below 1e-07",)
    ),
    "clipped to 3e-08": Said(
        real.loss_within(3e-8, 1 - 3e-8),
        PARITY,
        (),
        ("loss of clipped probabilities",),
        words=("comes near 3e-08 or 1",),
    ),
    "tanh by its formula": Said(
        right.step_of(real.TanhWrittenOut), PARITY, (), ("activation overflows",), {"activations": ("tanh",) * 3}
    ),
    "Adam": Said(right.Adam, KIND, kind="an adaptive optimizer"),
    "no biases": Said(right.NoBiases, KIND, kind="no biases"),
    "one output": Said(right.OneOutput, UNDRIVABLE, words=("it has one output, a sigmoid's", "Declare it")),
    "regression": Said(
        real.Regression,
        KIND,
        options={"layers": (3,)},
        kind="linear outputs with squared error",
        words=("averaged over the samples",),
    ),
}


@pytest.mark.parametrize("name", SAID)
def test_of_each_the_verdict_the_causes_and_the_warnings_are_said(name):
    said = SAID[name]
    report = check_parity(said.subject, **{"steps": 6} | said.options)
    text = " ".join(str(report).split())
    assert report.verdict == said.verdict, text
    assert report.passed == (said.verdict == PARITY)
    assert [each.names for each in report.diagnosis.explanations[1:]] == [(name,) for name in said.instead]
    assert sorted(report.diagnosis.names) == sorted(said.causes), text
    assert not any(each.left for each in report.diagnosis.explanations), text
    found = [each.cause and each.cause.name for each in report.warnings]
    assert sorted(map(str, found)) == sorted(map(str, said.warned)), text
    assert (report.diagnosis.kind and report.diagnosis.kind.name) == said.kind
    assert [words for words in said.words if words not in text] == [], text


RIGHT = {
    "a network": (right.Dense, None),
    "a function": (right.step_of(right.Dense), None),
    "lists, adapted": (right.adapted(right.Dense), None),
    "arrays held twice": (right.Aliased, None),
    "penalties of zero": (real.penalised(), None),
    "sigmoids": (right.varied(right.Sigmoid, told=right.Dense.told), SIGMOIDS),
    "the article's, mended": (articles.ArticleMended, None),
}


@pytest.mark.parametrize("name", RIGHT)
def test_the_bases_of_all_these_are_right(name):
    subject, activations = RIGHT[name]
    report = check_parity(subject, steps=4, activations=activations)
    assert report.verdict == PARITY, str(report)
    assert report.warnings == ()


CODE = """
import os
from examples.correct import Network

class Unprintable(Exception):
    def __str__(self):
        raise ValueError

class Subject(Network):
    def train_on_batch(self, x, y):
        {act}
        return super().train_on_batch(x, y)
"""


def checked_apart(tmp_path, act, seconds=60.0):
    """Check a network that does this in its step, in a process of its own."""
    path = tmp_path / "net.py"
    path.write_text(CODE.format(act=act))
    with Isolated(path, "Subject", seconds) as driver:
        return check_driver(driver, "iris", True, Settings(layers=(5, 3), steps=4))


def test_a_network_that_ends_its_process_at_a_batch_of_one_is_no_parity(tmp_path):
    report = checked_apart(tmp_path, "if len(x) == 1: os._exit(1)")
    assert report.verdict == EXCEPT
    assert "batches of one" in report.situations
    assert "its process ended with status 1" in report.headline


def test_an_exception_that_cannot_be_printed_is_named(tmp_path):
    report = checked_apart(tmp_path, "raise Unprintable")
    assert report.verdict == UNDRIVABLE
    assert "it raises Unprintable, which cannot be printed (net.py, line 11" in report.headline


def test_a_network_that_forks_and_hangs_is_told_in_time_and_ended(tmp_path):
    notes = tmp_path / "child"
    lines = ["if os.fork() == 0:", f"    open({str(notes)!r}, 'w').write(str(os.getpid()))", "    while True: pass"]
    began = time.monotonic()
    report = checked_apart(tmp_path, "\n        ".join(lines), seconds=2.0)
    assert time.monotonic() - began < 10
    assert report.verdict == UNDRIVABLE
    assert report.headline == "CANNOT BE DRIVEN: it leaves a process running that it forked"
    assert gone(int(notes.read_text()))


def test_a_script_in_the_order_of_a_notebook_is_checked_by_its_definitions(tmp_path, capsys):
    path = tmp_path / "notebook.py"
    path.write_text(
        "import numpy as np\nfrom examples import functions\n\ndata = np.loadtxt('not_here.csv')\n"
        "rows, columns = data.shape\n\ndef step(weights, x, y, learning_rate):\n"
        "    return functions.step(weights, x, y, learning_rate)\n"
    )
    options = ["--steps", "4", "--layers", "5", "3", "--activations", "tanh", "--no-record"]
    assert main(["check", f"{path}:step", *options]) == 1
    assert "cannot be loaded" in capsys.readouterr().out
    assert main(["check", f"{path}:step", *options, "--definitions-only"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("PARITY: ")
    assert "note: definitions only: left out data (line 4), rows, columns (line 5)" in out
