"""Verdicts: correct subjects pass, faulty and hostile ones are each told what they are."""

import json
import random
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_wine

from compare import assert_parity, check_parity
from compare.check.lines import finding
from compare.check.parity_check import check_driver
from compare.check.settings import Settings
from compare.check.subject.drivers import InProcess
from compare.errors import InputError, ParityWarning
from compare.faults.planted import planted
from examples.correct import Network as Plain
from examples.functions import step as function_step
from keras_ref import build_model
from scratch_nn import DenseLayer, Network


def scratch(layer_sizes, learning_rate, activations, dtype="float64"):
    network = Network(learning_rate, dtype=dtype)
    for units, activation in zip(layer_sizes[1:], [*activations, None], strict=True):
        network.add(DenseLayer(units, activation))
    return network


def short(subject, **options):
    given: dict[str, Any] = {"layers": (6, 8, 3), "steps": 5} | options
    return check_parity(subject, **given)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_scratch_network_has_parity(dtype):
    report = short(lambda layer_sizes, lr, activations: scratch(layer_sizes, lr, activations, dtype), dtype=dtype)
    assert report.verdict == "parity"
    assert report.passed
    assert str(report).startswith("PARITY: no weight of any step is off by more than ")
    names = {"train, full batch", "train called twice, full batch", "train, batches of 32"}
    assert {training.name for training in report.trainings} == names


def test_a_float32_network_has_parity_up_to_float32():
    report = short(lambda layer_sizes, lr, activations: scratch(layer_sizes, lr, activations, "float32"))
    assert report.verdict == "parity up to float32"
    assert "weights come back rounded to float32" in report.met.notes


class HiddenFloat32(Plain):
    def train_on_batch(self, x, y):
        return super().train_on_batch(x.astype(np.float32).astype(np.float64), y)


def test_hidden_float32_is_told():
    report = short(HiddenFloat32)
    assert report.verdict == "parity up to float32"
    assert any("computes in float32 somewhere" in note for note in report.met.notes)


def test_keras_against_itself_is_bit_equal():
    report = check_parity(build_model(4, (5, 3), 0.02, "float64", activations=["leaky_relu"]), steps=3)
    assert report.bit_equal
    assert str(report).startswith("PARITY: bit-equal")
    assert report.met.recipe.architecture.learning_rate == pytest.approx(0.02)


def test_plain_functions_are_a_subject():
    assert short(function_step, activations=("tanh", "tanh")).passed


def test_the_article_s_fault_is_named_and_placed():
    report = short(planted(["stale activations"]))
    assert report.verdict == "training wrong"
    assert report.diagnosis.names == ("stale activations",)
    divergence = report.divergence
    assert (divergence.step, divergence.phase, divergence.tensor) == (1, "dW", "kernel")
    text = str(report)
    assert text.startswith("NOT PARITY: it trains wrongly (stale activations)\n")
    assert "step 1 is clean" in text
    assert "as a consequence, it raises ValueError (ragged batches" in " ".join(text.split())


def test_a_fault_of_ragged_batches_alone_is_told_so():
    report = short(planted(["gradient divided by the nominal batch size"]))
    assert report.verdict == "parity except in a named situation"
    assert report.situations == ("ragged batches",)


def test_wrong_reports_are_told_apart_from_wrong_training():
    report = short(planted(["loss summed, not averaged"]))
    assert report.verdict == "training right, reporting wrong"
    assert report.in_weights is None
    assert report.divergence.ratio == pytest.approx(150)


def told_wrongly(**wrong):
    """The scratch network, with some of what it tells about itself made wrong."""

    def make(layer_sizes, learning_rate, activations):
        network = scratch(layer_sizes, learning_rate, activations)
        for name, change in wrong.items():
            right = getattr(network, name)
            setattr(network, name, lambda *args, right=right, change=change: change(right(*args)))
        return network

    return make


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("accuracy", told_wrongly(train_on_batch=lambda told: (told[0], 1 - told[1] + 1e-3))),
        ("`gradients`", told_wrongly(gradients=lambda told: [1.001 * gradient for gradient in told])),
        ("`predict_proba`", told_wrongly(predict_proba=lambda told: told**2 / (told**2).sum(axis=1, keepdims=True))),
    ],
)
def test_what_else_a_subject_tells_wrongly_is_named(name, subject):
    report = short(subject)
    assert report.verdict == "training right, reporting wrong"
    assert report.headline.endswith(f"reports wrongly ({name})")
    assert f"reported wrongly: {name}, in " in str(report)


def test_a_wrong_accuracy_is_told_beside_wrong_training():
    def make(layer_sizes, learning_rate, activations):
        network = scratch(layer_sizes, 2 * learning_rate, activations)
        step = network.train_on_batch
        network.train_on_batch = lambda x, y: (lambda told: (told[0], told[1] / 2))(step(x, y))
        return network

    report = short(make)
    assert report.verdict == "training wrong"
    assert report.headline.endswith("), and reports accuracy wrongly")


def test_a_predict_proba_of_another_shape_is_left_out_and_noted():
    report = short(told_wrongly(predict_proba=lambda told: told[:, :2]))
    assert report.passed
    assert "`predict_proba` gives shape" in str(report)


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("last partial batch dropped", "training wrong"),
        ("not shuffled as given", "training wrong"),
        ("labels not shuffled with X", "training wrong"),
        ("epoch loss not weighted by batch size", "training right, reporting wrong"),
        ("epoch loss of the last batch", "training right, reporting wrong"),
    ],
)
def test_faults_of_train_are_named_though_every_step_is_right(name, verdict):
    report = short(planted([name]), steps=2)
    assert report.verdict == verdict
    assert report.divergence is None
    explained = [training.explanations[0].names for training in report.trainings if training.explanations]
    assert (name,) in explained
    assert name in report.headline


def test_equal_initial_weights_are_told():
    report = short(planted(["weights all zero or all equal"]), steps=2)
    assert any("weights all zero or all equal" in note for note in report.met.notes)


class Raises(Plain):
    def train_on_batch(self, x, y):
        if len(x) == 1:
            raise IndexError("too many indices")
        return super().train_on_batch(x, y)


class ReturnsNaN(Plain):
    def train_on_batch(self, x, y):
        super().train_on_batch(x, y)
        return np.nan


class WrongShapes(Plain):
    def get_weights(self):
        return [w.ravel() for w in super().get_weights()]


class TooFew(Plain):
    def get_weights(self):
        return super().get_weights()[:-1]


class Dropout(Plain):
    rng = np.random.default_rng()

    def train_on_batch(self, x, y):
        return super().train_on_batch(x * (self.rng.random(x.shape) > 0.5), y)


class GloballyRandom(Plain):
    def train_on_batch(self, x, y):
        return super().train_on_batch(x * (np.random.random(x.shape) > 0.5), y)  # noqa: NPY002


class BecomesNaN(Plain):
    def train_on_batch(self, x, y):
        loss = super().train_on_batch(x, y)
        self.W[0][:] = np.nan
        return loss


class Centres(Plain):
    """Shifts its inputs, in the array that it is given."""

    def train_on_batch(self, x, y):
        x -= x.mean(axis=0)
        return super().train_on_batch(x, y)


class Squares(Plain):
    """Does to its inputs what no known fault does."""

    def train_on_batch(self, x, y):
        x *= x
        return super().train_on_batch(x, y)


class GrowingBiases(Plain):
    """Forgets to sum the bias gradients over the samples: the biases then have a row for each."""

    def train_on_batch(self, x, y):
        loss = super().train_on_batch(x, y)
        self.b = [np.tile(b, (len(x), 1)) for b in self.b]
        return loss


class NarrowerLater(Plain):
    def train_on_batch(self, x, y):
        loss = super().train_on_batch(x, y)
        self.W = [W.astype(np.float32) for W in self.W]
        self.b = [b.reshape(1, -1) for b in self.b]
        return loss


class NoBiases(Plain):
    def set_weights(self, weights):
        if any(b.any() for b in weights[1::2]):
            raise ValueError("biases must be zero")
        super().set_weights(weights)


class Turned(Plain):
    def get_weights(self):
        return [array.T for array in super().get_weights()]


class Passing(Plain):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)


class Exits(Plain):
    def train_on_batch(self, x, y):
        raise SystemExit(3)


class Untrained(Plain):
    def train_on_batch(self, x, y):
        kept = self.get_weights()
        loss = super().train_on_batch(x, y)
        self.set_weights(kept)
        return loss


class Rude(Plain):
    """Hands out and keeps the very arrays it trains, changes x, prints, and seeds the global generators."""

    def get_weights(self):
        return [array for pair in zip(self.W, self.b, strict=True) for array in pair]

    def set_weights(self, weights):
        self.W, self.b = list(weights[::2]), list(weights[1::2])

    def train_on_batch(self, x, y):
        print("training")
        np.random.seed(0)  # noqa: NPY002
        random.seed(0)
        mine = self.get_weights()
        loss = super().train_on_batch(x, y)
        for old, new in zip(mine, self.get_weights(), strict=True):
            old[:] = new
        self.set_weights(mine)
        x[:] = 0
        return loss


@pytest.mark.parametrize(
    ("subject", "verdict", "words"),
    [
        (Raises, "parity except in a named situation", "batches (it raises IndexError: too many indices"),
        (BecomesNaN, "training wrong", "for a reason unknown, dW of layer 1 is nan"),
        (GloballyRandom, "not deterministic", "two fresh runs of the same steps differ"),
        (Centres, "training wrong", "inputs scaled: the network scales its inputs itself: each batch is centred"),
        (Squares, "training wrong", "for a reason unknown, the step changes the x or y that it is given, in place"),
        (
            GrowingBiases,
            "training wrong",
            "a bias has one value for each sample after a step: sum its gradient over the samples)",
        ),
        (NarrowerLater, "parity up to float32", "weights change their dtype from float64 to float32"),
        (Turned, "cannot be driven", "kernels are (units, inputs)"),
        (ReturnsNaN, "training right, reporting wrong", "nan"),
        (WrongShapes, "cannot be driven", "has shape (24,) instead of (4, 6)"),
        (TooFew, "cannot be driven", "wrong number of weights: 6 arrays"),
        (Dropout, "not deterministic", "two fresh runs of the same steps differ"),
        (Exits, "cannot be driven", "it calls exit"),
        (Untrained, "training wrong", "a layer frozen: each layer is never updated"),
        (lambda layer_sizes, lr: 1 / 0, "cannot be driven", "ZeroDivisionError"),
        (lambda layer_sizes, lr: object(), "cannot be driven", "write an adapter"),
    ],
)
def test_hostile_subjects_are_told_what_they_are(subject, verdict, words):
    report = short(subject)
    assert report.verdict == verdict
    assert report.passed == verdict.startswith("parity up")
    assert words in " ".join(str(report).split())


def test_a_subject_that_is_too_slow_to_be_checked_whole_does_not_pass():
    settings = Settings(layers=(5, 3), steps=2)
    with_time, without = (check_driver(InProcess(Plain, seconds), "iris", True, settings) for seconds in (60, 0))
    assert with_time.passed
    assert without.verdict == "cannot be driven"
    assert "it takes too long: stopped in 'standardised, full batch', situation 1, with nothing" in str(without)


class Underflows(Plain):
    """Takes the logarithm of probabilities, some of which are 0."""

    def train_on_batch(self, x, y):
        A = x
        for W, b in zip(self.W, self.b, strict=True):
            Z = A @ W + b
            A = np.maximum(Z, 0)
        P = np.exp(Z - Z.max(axis=1, keepdims=True))
        P /= P.sum(axis=1, keepdims=True)
        super().train_on_batch(x, y)
        return -(np.eye(P.shape[1])[y] * np.log(P)).sum() / len(y)


def test_a_loss_that_underflows_in_a_few_steps_of_raw_data_is_no_more_than_that():
    wine = load_wine()  # it has features in the hundreds, so that some logits are, too
    report = check_parity(Underflows, (wine.data, wine.target), layers=(16, 8, 3), learning_rate=0.01)
    wrong = {run.situation.name for run in report.runs if run.first_wrong is not None and not run.situation.extreme}
    assert wrong
    assert report.headline == "PARITY, with 1 warning: the loss overflows when a probability underflows"
    assert report.guilty == ()
    assert report.lines.warned[0].source == "np.log(P)"


def test_a_loss_that_underflows_is_named_and_no_fault_of_training():
    report = short(Underflows)
    assert report.passed
    assert report.headline == "PARITY, with 1 warning: the loss overflows when a probability underflows"
    (warned,) = report.warnings
    assert warned.cause is not None
    assert warned.cause.name == "log of a probability that underflows"
    strict = short(Underflows, strict=True)
    assert not strict.passed
    assert strict.headline.startswith("NOT PARITY, with 1 warning: ")


def test_an_error_alone_is_not_blamed_on_a_fault():
    assert short(Raises).diagnosis.explanations == ()


def test_a_subject_with_zero_biases_only_is_checked_as_far_as_it_goes():
    report = short(NoBiases, data="wine")
    assert (
        "it runs with zero biases only (it raises ValueError: biases must be zero (test_parity_check.py, line"
        in " ".join(str(report).split())
    )
    lockstep = [run for run in report.runs if not run.situation.free]
    assert all(not step.wrong for run in lockstep for step in run.steps)
    assert sum(len(run.steps) for run in lockstep) > 20


def test_a_factory_that_hands_its_arguments_on_is_one():
    assert short(Passing, steps=2).passed


class StartsAnew(Network):
    """Each call of `train` begins with the weights that the network had first."""

    def train(self, X, y, epochs, batch_size=None, batch_orders=None, verbose=0):
        self.first = getattr(self, "first", None) or self.get_weights()
        self.set_weights(self.first)
        super().train(X, y, epochs, batch_size, batch_orders, verbose)


def test_a_train_that_does_not_continue_is_told():
    def make(layer_sizes, learning_rate):
        network = StartsAnew(learning_rate)
        for units in layer_sizes[1:]:
            network.add(DenseLayer(units))
        return network

    report = short(make, steps=2)
    assert report.verdict == "training wrong"
    wrong = {training.name for training in report.trainings if training.wrong_weights}
    assert wrong == {"train called twice, full batch"}
    assert "train called twice, full batch: " in str(report)


class Aliased(Plain):
    """Trains arrays that `set_weights` does not reach."""

    def __init__(self, layer_sizes, learning_rate):
        super().__init__(layer_sizes, learning_rate)
        self.shown = super().get_weights()

    def get_weights(self):
        return [w.copy() for w in self.shown]

    def set_weights(self, weights):
        self.shown = weights


def test_weights_that_are_set_without_effect_are_told():
    report = short(Aliased)
    assert report.verdict == "cannot be driven"
    assert "`set_weights` has no effect" in str(report)


def test_what_a_subject_does_around_itself_does_no_harm(capsys):
    states = random.getstate(), str(np.random.get_state())  # noqa: NPY002
    report = short(Rude)
    assert report.passed, str(report)
    assert states == (random.getstate(), str(np.random.get_state()))  # noqa: NPY002
    assert capsys.readouterr().out == ""
    assert "in place" in str(report)


def test_the_report_is_json():
    report = short(planted(["weight decay"]), steps=2)
    found = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert found["diagnosis"][0]["causes"][0]["name"] == "weight decay"
    assert found["diagnosis"][0]["causes"][0]["parameters"] == [1e-4, "as it is"]
    assert "default left on" in found["diagnosis"][0]["causes"][0]["words"]


def test_assert_parity_fails_with_the_report():
    with pytest.raises(AssertionError, match=r"NOT PARITY: it trains wrongly \(gradient sign flipped\)"):
        assert_parity(planted(["gradient sign flipped"]), layers=(6, 8, 3), steps=2)
    assert assert_parity(Plain, layers=(5, 3), steps=2).passed
    with pytest.warns(ParityWarning, match="the loss overflows when a probability underflows"):
        assert_parity(Underflows, layers=(5, 3), steps=2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 1}, "`steps` must be an integer of at least 2"),
        ({"layers": (5, 2)}, "`layers` must end in 3, the number of classes of iris. Received: 5 2; write 5 3"),
        ({"activations": ["gelu"]}, "`activations` must be of relu"),
        ({"activations": ["relu"] * 5}, "`activations` must name"),
        ({"tolerance": 0}, "`tolerance` must be a positive number"),
        ({"dtype": "float16"}, "`dtype` must be float64 or float32"),
        ({"labels": "text"}, "`labels` must be auto"),
        ({"data": "irs"}, "Did you mean 'iris'"),
    ],
)
def test_bad_arguments_are_bad_input(options, message):
    with pytest.raises(InputError, match=message):
        check_parity(Plain, **options)


@pytest.mark.seconds_for_edits(1.0)
@pytest.mark.parametrize(
    ("effort", "names", "sure"),
    [(None, ("bias gradient averaged",), True), (0.001, (), True), (0.001, (), False)],
)
def test_with_less_effort_a_search_ends_sooner_and_the_report_says_so(monkeypatch, effort, names, sure):
    seconds = set()

    def attempt(_, attempt):
        seconds.add(attempt.seconds)
        return []

    monkeypatch.setattr(InProcess, "attempt", attempt)
    monkeypatch.setattr(finding, "confirmed", lambda guilty: sure)
    subject = InProcess(planted(["bias gradient averaged"]))
    report = check_driver(subject, "iris", None, Settings(layers=(3,), steps=2, effort=effort))
    assert not report.passed
    assert report.diagnosis.names == names
    assert ("of the usual effort" in str(report)) is (not names)
    least, most = ((effort or 1) * each for each in (finding.LEAST, finding.TRYING))
    assert len(seconds) == (0 if effort and sure else 1)
    assert all(least <= each <= most for each in seconds)
