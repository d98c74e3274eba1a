"""Verdicts: correct subjects pass, faulty and hostile ones are each told what they are."""

import json
import random

import numpy as np
import pytest

from compare import assert_parity, check_parity
from compare.errors import InputError
from examples.correct import Network as Plain
from examples.functions import step as function_step
from keras_ref import build_model
from scratch_nn import DenseLayer, Network
from tests.compare.faulty import faulty_factory


def scratch(layer_sizes, learning_rate, activations, dtype="float64"):
    network = Network(learning_rate, dtype=dtype)
    for units, activation in zip(layer_sizes[1:], [*activations, None], strict=True):
        network.add(DenseLayer(units, activation))
    return network


def short(subject, **options):
    return check_parity(subject, **({"layers": (6, 8, 3), "steps": 5} | options))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_scratch_network_has_parity(dtype):
    report = short(lambda layer_sizes, lr, activations: scratch(layer_sizes, lr, activations, dtype), dtype=dtype)
    assert report.verdict == "parity"
    assert report.passed
    assert str(report).startswith("PARITY: the largest difference of a weight is ")
    assert {training.name for training in report.trainings} == {"train, full batch", "train, batches of 32"}


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
    assert report.met.plan.learning_rate == pytest.approx(0.02)


def test_plain_functions_are_a_subject():
    assert short(function_step, activations=("tanh", "tanh")).passed


def test_the_article_s_fault_is_named_and_placed():
    report = short(faulty_factory(["stale activations"]))
    assert report.verdict == "training wrong"
    assert report.diagnosis.names == ("stale activations",)
    divergence = report.divergence
    assert (divergence.step, divergence.phase, divergence.tensor) == (1, "dW", "kernel")
    text = str(report)
    assert text.startswith("NOT PARITY: training wrong: stale activations\n")
    assert "step 0 is clean" in text
    assert "as a consequence, it raises ValueError (ragged batches" in " ".join(text.split())


def test_a_fault_of_ragged_batches_alone_is_told_so():
    report = short(faulty_factory(["gradient divided by the nominal batch size"]))
    assert report.verdict == "parity except in a named situation"
    assert report.situations == ("ragged batches",)


def test_wrong_reports_are_told_apart_from_wrong_training():
    report = short(faulty_factory(["loss summed, not averaged"]))
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
    assert report.headline.endswith(f"reporting wrong: {name}")
    assert f"reported wrongly: {name}, in " in str(report)


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
    report = short(faulty_factory([name]), steps=2)
    assert report.verdict == verdict
    assert report.divergence is None
    explained = [training.explanations[0].names for training in report.trainings if training.explanations]
    assert (name,) in explained
    assert name in report.headline


def test_equal_initial_weights_are_told():
    report = short(faulty_factory(["weights all zero or all equal"]), steps=2)
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
        (Raises, "parity except in a named situation", "batches of one"),
        (ReturnsNaN, "training right, reporting wrong", "nan"),
        (WrongShapes, "cannot be driven", "has shape (24,) instead of (4, 6)"),
        (TooFew, "cannot be driven", "wrong number of weights: 6 arrays"),
        (Dropout, "not deterministic", "two fresh runs of the same steps differ"),
        (Exits, "cannot be driven", "it calls exit"),
        (Untrained, "training wrong", "a layer frozen: layer each"),
        (lambda layer_sizes, lr: 1 / 0, "cannot be driven", "ZeroDivisionError"),
        (lambda layer_sizes, lr: object(), "cannot be driven", "write an adapter"),
    ],
)
def test_hostile_subjects_are_told_what_they_are(subject, verdict, words):
    report = short(subject)
    assert report.verdict == verdict
    assert not report.passed
    assert words in str(report)


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
    report = short(faulty_factory(["weight decay"]), steps=2)
    found = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert found["diagnosis"][0]["causes"][0]["name"] == "weight decay"
    assert found["diagnosis"][0]["causes"][0]["parameters"] == [1e-4]
    assert "default left on" in found["diagnosis"][0]["causes"][0]["words"]


def test_assert_parity_fails_with_the_report():
    with pytest.raises(AssertionError, match="NOT PARITY: training wrong: gradient sign flipped"):
        assert_parity(faulty_factory(["gradient sign flipped"]), layers=(6, 8, 3), steps=2)
    assert assert_parity(Plain, layers=(5, 3), steps=2).passed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 1}, "`steps` must be an integer of at least 2"),
        ({"layers": (5, 2)}, "`layers` must end in at least 3"),
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
