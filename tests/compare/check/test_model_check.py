"""Networks beside a compiled Keras model: right ones have parity, wrong ones do not, and their lines are told."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest

from compare import check_parity
from compare.check.otherwise import rounded_constants
from compare.check.report.verdict import EXCEPT, PARITY, WRONG
from compare.errors import InputError
from compare.recipe.architecture import Architecture, Dense, Optimizer, Penalty
from compare.sides.models import reused_model
from keras_ref.model import assemble
from tests.compare.check.model_networks import RATE, Adam, Drops, Nesterov, RMSprop, Softmax, Squared, Two, varied

RNG = np.random.default_rng(0)
X, LABELS, VALUES = RNG.normal(size=(23, 4)), RNG.integers(0, 2, 23), RNG.normal(size=23)
CLASSES = np.arange(23) % 3


def model(output="sigmoid", loss="binary_crossentropy", optimizer=lambda: keras.optimizers.SGD(RATE), l2=0.0, units=1):
    def layers():
        penalty = {"kernel_regularizer": keras.regularizers.L2(l2)} if l2 else {}
        return [keras.layers.Dense(5, "tanh", **penalty), keras.layers.Dense(units, output, **penalty)]

    return assemble((4,), layers, loss, optimizer, "float64")


def dropping():
    layers = [keras.layers.Dense(5, "tanh"), keras.layers.Dropout(0.5), keras.layers.Dense(3, "softmax")]
    return assemble((4,), lambda: layers, "categorical_crossentropy", lambda: keras.optimizers.SGD(RATE), "float64")


def nesterov():
    return model(optimizer=lambda: keras.optimizers.SGD(RATE, 0.75, nesterov=True))


CASES = {
    "sigmoid": (Two, model, LABELS),
    "mse, l2": (Squared, lambda: model("linear", "mse", l2=0.01), VALUES),
    "adam": (Adam, lambda: model(optimizer=lambda: keras.optimizers.Adam(0.01)), LABELS),
    "rmsprop": (RMSprop, lambda: model(optimizer=lambda: keras.optimizers.RMSprop(0.01)), LABELS),
    "nesterov": (Nesterov, nesterov, LABELS),
    "sparse": (Softmax, lambda: model("softmax", "sparse_categorical_crossentropy", units=3), CLASSES),
    "dropout": (Drops, dropping, CLASSES),
}
NOTED = {"mse, l2": "l2", "adam": "beta_1 and beta_2"}


def beside(name, subject=None, **options):
    """The report on a network of a case, or on another, beside the case's model."""
    right, _, y = CASES[name]
    given = {"steps": 4, "batch_size": 8} | options
    return check_parity(subject or right, (X, y), reference=reference(name), **given)


@cache
def reference(name):
    """A case's model, built once, since its graphs are kept with it."""
    return CASES[name][1]()


@pytest.mark.parametrize("name", CASES)
def test_a_right_network_has_parity(name):
    report = beside(name)
    assert report.verdict == PARITY
    assert report.guilty == ()
    rounded = [note for note in report.met.notes if "through float32" in note]
    assert len(rounded) == (name in NOTED)
    assert all(NOTED[name] in note for note in rounded)
    assert {run.situation.name for run in report.runs} >= {"batches of 8", "full batch", "a batch of one"}


class NotAveraged(Two):
    def error(self, P, y):
        return P - y  # the line


class HalfThePull(Squared):
    def pull(self, W):
        return self.l2 * W  # the line


class NotCorrected(Adam):
    def change(self, i, grad):
        self.m[i] = self.one * self.m[i] + (1 - self.one) * grad
        self.v[i] = self.two * self.v[i] + (1 - self.two) * grad**2
        return -self.rate * self.m[i] / (np.sqrt(self.v[i]) + self.epsilon)  # the line


class EpsilonBesideTheRoot(RMSprop):
    def change(self, i, grad):
        self.v[i] = self.rho * self.v[i] + (1 - self.rho) * grad**2
        return -self.rate * grad / (np.sqrt(self.v[i]) + self.epsilon)  # the line


class LooksNotAhead(Nesterov):
    def update(self, grads):
        for i, grad in enumerate(grads):
            self.m[i] = self.momentum * self.m[i] - self.rate * grad
            self.params[i] = self.params[i] + self.m[i]  # the line


class NotScaledUp(Drops):
    def drawn(self, shape):
        return (self.rng.random(shape) < self.kept) * 1.0  # the line


WRONG_ONES = {
    "sigmoid": NotAveraged,
    "mse, l2": HalfThePull,
    "adam": NotCorrected,
    "rmsprop": EpsilonBesideTheRoot,
    "nesterov": LooksNotAhead,
    "dropout": NotScaledUp,
}


def marked(subject):
    """The lines of this file that are marked in a class."""
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    start = lines.index(next(line for line in lines if line.startswith(f"class {subject.__name__}(")))
    return next(number for number in range(start, len(lines)) if "# the line" in lines[number]) + 1


@pytest.mark.parametrize(("name", "subject"), WRONG_ONES.items())
def test_a_wrong_one_does_not_and_its_line_is_told(name, subject):
    report = beside(name, subject)
    assert report.verdict == WRONG
    lines = {number for each in report.guilty if each.file == __file__ for number in range(each.first, each.last + 1)}
    assert marked(subject) in lines, [(each.first, each.source) for each in report.guilty]


def test_a_loss_that_is_summed_is_told_where_it_is_made():
    subject = varied(Two, lost=lambda self, P, y, Z: len(P) * Two.lost(self, P, y, Z))
    report = beside("sigmoid", subject)
    assert not report.passed
    assert report.in_weights is None
    assert report.divergence.phase == "loss"
    assert report.guilty[0].source == "len(P) * Two.lost(self, P, y, Z)"


class IgnoresTheRate(Nesterov):
    """Takes another learning rate, and goes on with its own."""

    def __init__(self, learning_rate=RATE):
        super().__init__()


class WrongAlone(Nesterov):
    def error(self, P, y):
        return super().error(P, y) * (1 + 1e-3 * (len(P) == 1))


class WrongFromTheThirdStepOn(Nesterov):
    def change(self, i, grad):
        self.m[i] = self.m[i] * (1 - 1e-3 * (self.steps >= 3))
        return super().change(i, grad)


class ForgetsWhenItIsSet(Nesterov):
    def set_weights(self, weights):
        super().set_weights(weights)
        self.m = [np.zeros_like(each) for each in weights]


class RaisesAlone(Nesterov):
    def error(self, P, y):
        if len(P) == 1:
            raise ValueError("one is too few")
        return super().error(P, y)


class LosesTheLastOfAll(Nesterov):
    """Wrong where the batch is all there is."""

    def error(self, P, y):
        return super().error(P, y) * (np.arange(len(P)) < 22)[:, np.newaxis]


@pytest.mark.parametrize(("subject", "verdict", "situation"), [
    (IgnoresTheRate, WRONG, "another learning rate"),
    (WrongAlone, WRONG, "a batch of one"),
    (WrongFromTheThirdStepOn, WRONG, "batches of 8"),
    (ForgetsWhenItIsSet, WRONG, "batches of 8"),
    (RaisesAlone, EXCEPT, "a batch of one"),
    (LosesTheLastOfAll, WRONG, "full batch"),
])  # fmt: skip
def test_what_is_wrong_in_one_situation_or_later_does_not_pass(subject, verdict, situation):
    report = beside("nesterov", subject)
    assert report.verdict == verdict
    assert not report.passed
    wrong = {run.situation.name: run.first_wrong for run in report.runs if run.first_wrong is not None}
    assert situation in wrong
    expected = {WrongFromTheThirdStepOn: 2, ForgetsWhenItIsSet: 1}.get(subject, 0)
    assert wrong[situation] == expected


def test_a_subject_that_is_told_no_rate_is_not_tried_with_another():
    names = [run.situation.name for run in beside("sigmoid").runs]
    assert "another learning rate" not in names


class Fits(Two):
    def fit(self, x, y, epochs, batch_size):
        starts = range(0, self.until(len(x), batch_size), batch_size)
        batches = [slice(start, start + batch_size) for start in starts] * epochs
        for rows in batches:
            self.train_on_batch(x[rows], y[rows])

    def until(self, n, batch_size):
        return n


class FitsWholeBatches(Fits):
    def until(self, n, batch_size):
        return n - n % batch_size


@pytest.mark.parametrize(("subject", "verdict"), [(Fits, PARITY), (FitsWholeBatches, WRONG)])
def test_an_own_fit_is_judged_beside_a_model(subject, verdict):
    report = beside("sigmoid", subject)
    assert report.verdict == verdict
    assert report.trainings[-1].name == "fit, batches of 8, in order"
    assert ("last partial batch dropped" in report.headline) == (verdict == WRONG)
    assert "its fit tells no loss for each epoch: its weights alone are judged" in report.met.notes


class OneByOne(Two):
    """A step for each sample; its loss is the mean."""

    def train_on_batch(self, x, y):
        return np.mean([super(OneByOne, self).train_on_batch(x[i : i + 1], y[i : i + 1]) for i in range(len(x))])


def test_a_step_for_each_sample_is_right_if_so_is_asked_for():
    assert beside("sigmoid", OneByOne, samplewise=True).verdict == PARITY
    assert beside("sigmoid", samplewise=True).verdict == WRONG


def rounded(name="sgd", penalty=(0.0, 0.0), **arguments):
    optimizer = Optimizer(name, 0.01, tuple(sorted(arguments.items())))
    architecture = replace(Architecture((4,), (Dense(1),)), optimizer=optimizer, penalty=Penalty(*penalty))
    return rounded_constants(reused_model(architecture), architecture)


def test_constants_are_rounded_where_float32_does_not_hold_them():
    assert rounded() == []
    assert rounded(momentum=0.75) == []
    assert rounded(momentum=0.9) == ["momentum"]
    assert rounded("adam") == ["beta_1", "beta_2"]
    assert rounded("adam", beta_1=0.5) == ["beta_2"]
    assert rounded("adam", beta_1=0.5, beta_2=0.75) == []
    assert rounded("adamw") == ["beta_1", "beta_2", "weight_decay"]
    assert rounded("adam", weight_decay=0.01) == ["beta_1", "beta_2", "weight_decay"]
    assert rounded("rmsprop", rho=0.8) == []
    assert rounded("rmsprop", momentum=0.9) == ["momentum"]
    assert rounded(penalty=(0.5, 0.01)) == ["l2"]
    assert rounded(penalty=(0.01, 0.25)) == ["l1"]
    assert rounded("adagrad", initial_accumulator_value=0.25) == []


def raises():
    raise KeyError("weights.h5")


def uncompiled():
    return keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)])


def narrower():
    made = keras.Sequential([keras.layers.Input((3, 2)), keras.layers.Flatten(), keras.layers.Dense(1)])
    made.compile("sgd", loss="mse")
    return made


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        (3, "`reference` must be a compiled Keras model, or a function that builds one. Received: int"),
        (lambda: None, "`reference` must be a compiled Keras model, or a function that builds one. Received: NoneType"),
        (raises, "`reference` must build a Keras model. It raised KeyError: 'weights.h5'"),
        (
            uncompiled,
            "`reference` must be a compiled Keras model with one input and one output: the model must be compiled: "
            "call `model.compile(optimizer, loss)`",
        ),
        (
            narrower,
            "`data` must fit the reference, which takes samples of shape (3, 2). Received: samples of shape (4,)",
        ),
    ],
)
def test_a_reference_that_cannot_be_one_is_told_in_one_line(reference, told):
    with pytest.raises(InputError) as error:
        check_parity(Two, (X, LABELS), reference=reference)
    assert str(error.value) == told


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ((X, LABELS[:-1]), "Received: shapes (23, 4) and (22,)"),
        ((X[:, 0], LABELS), "Received: shapes (23,) and (23,)"),
        ((np.where(X > 2, np.inf, X), LABELS), "`X` must hold finite numbers. Received: another at X["),
        ((X, np.where(LABELS == 0, np.nan, 1)), "`y` must hold finite numbers. Received: another at y["),
        ((X, ["a"] * 23), "`data` must be arrays of numbers (X, y). Received: something else"),
    ],
)
def test_data_that_no_model_takes_are_told_in_one_line(data, told):
    with pytest.raises(InputError) as error:
        check_parity(Two, data, reference=model)
    assert told in str(error.value)
    assert "\n" not in str(error.value)
