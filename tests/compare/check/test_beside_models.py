"""What once went wrong beside a model: models as users compile them, odd targets, rounding, masks, odd shapes."""

import keras
import numpy as np
import pytest

from compare import check_parity
from compare.check.report.verdict import PARITY, WRONG
from compare.errors import InputError
from keras_ref import copied
from keras_ref.model import assemble
from keras_ref.precision import precision
from tests.compare.check.model_networks import RATE, Drops, Nesterov, Softmax, Squared, Two

RNG = np.random.default_rng(0)
X, LABELS, VALUES = RNG.normal(size=(23, 4)), RNG.integers(0, 2, 23), RNG.normal(size=23)


def built(layers, loss="binary_crossentropy", optimizer=lambda: keras.optimizers.SGD(RATE)):
    return assemble((4,), layers, loss, optimizer, "float64")


def dense(units=1, output="sigmoid", **options):
    return lambda: [keras.layers.Dense(5, "tanh"), keras.layers.Dense(units, output, **options)]


def beside(subject, reference, y=LABELS, **options):
    return check_parity(subject, (X, y), reference=reference, steps=4, batch_size=8, **options)


def in_float32():
    """A model as users compile it."""
    model = keras.Sequential([keras.layers.Input((4,)), *dense()()])
    model.compile(keras.optimizers.SGD(RATE), loss="binary_crossentropy")
    return model


def test_a_model_compiled_in_float32_has_its_learning_rate_in_float64():
    assert float(copied(in_float32(), "float64").optimizer.learning_rate) == RATE


def test_a_right_network_has_parity_beside_a_model_compiled_in_float32():
    assert beside(Two, in_float32).verdict == PARITY


class SlightlyWrongAlone(Nesterov):
    def error(self, P, y):
        return super().error(P, y) * (1 + 1e-6 * (len(P) == 1))


class SlightlyWrongLater(Nesterov):
    def change(self, i, grad):
        self.m[i] = self.m[i] * (1 - 1e-6 * (self.steps >= 3))
        return super().change(i, grad)


@pytest.mark.parametrize("subject", [SlightlyWrongAlone, SlightlyWrongLater])
def test_what_is_exact_in_most_steps_is_not_excused_by_float32_in_others(subject):
    reference = built(dense(), optimizer=lambda: keras.optimizers.SGD(RATE, 0.75, nesterov=True))
    assert beside(subject, reference).verdict == WRONG


class PulledInTheBias(Two):
    def penalty(self):
        return 0.01 * (self.params[3] ** 2).sum()

    def update(self, grads):
        super().update([*grads[:3], grads[3] + 0.02 * self.params[3]])


class PulledByTwo(Two):
    amounts = (0.25, 0.01)

    def penalty(self):
        return sum(l2 * (W**2).sum() for l2, W in zip(self.amounts, self.params[::2], strict=True))

    def pull(self, W):
        return 2 * self.amounts[W.shape[1] == 1] * W


def two_penalties():
    first, second = (keras.regularizers.L2(l2) for l2 in PulledByTwo.amounts)
    return [
        keras.layers.Dense(5, "tanh", kernel_regularizer=first),
        keras.layers.Dense(1, "sigmoid", kernel_regularizer=second),
    ]


@pytest.mark.parametrize(
    ("subject", "layers"),
    [(PulledInTheBias, dense(bias_regularizer=keras.regularizers.L2(0.01))), (PulledByTwo, two_penalties)],
)
def test_penalties_of_biases_and_of_later_layers_are_exact_too(subject, layers):
    assert beside(subject, built(layers)).verdict == PARITY


class DropsLittle(Drops):
    kept = 0.9


def test_a_right_network_that_drops_little_has_parity():
    layers = [keras.layers.Dense(5, "tanh"), keras.layers.Dropout(1 - 0.9), keras.layers.Dense(3, "softmax")]
    reference = built(lambda: layers, "categorical_crossentropy")
    assert beside(DropsLittle, reference, np.arange(23) % 3).verdict == PARITY


def functional(outputs):
    """A functional model of what comes of its input, and a loss for each output."""
    with precision("float64"):
        start = keras.layers.Input((4,))
        ends = outputs(start)
        model = keras.Model(start, ends)
        model.compile(keras.optimizers.SGD(RATE), loss=["mse"] * len(ends) if isinstance(ends, list) else "mse")
    return model


def two_outputs():
    return functional(lambda start: [keras.layers.Dense(1)(start), keras.layers.Dense(2)(start)])


def unbuilt():
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", loss="mse")
    return model


class Own(keras.Model):
    """A model whose layers only its own code knows."""

    def __init__(self):
        super().__init__()
        self.last = keras.layers.Dense(1)

    def call(self, inputs):
        return self.last(inputs)


def of_its_own():
    model = Own()
    model.build((None, 4))
    model.compile("sgd", loss="mse")
    return model


def ending_in_a_layer_that_something_else_reads():
    twice, between = keras.layers.Dense(4), keras.layers.Dense(4)
    return functional(lambda start: twice(between(twice(start))))


@pytest.mark.parametrize("reference", [two_outputs, unbuilt, of_its_own, ending_in_a_layer_that_something_else_reads])
def test_a_model_that_has_no_one_way_from_input_to_output_is_refused(reference):
    with pytest.raises(InputError, match="`reference`"):
        beside(Two, reference)


@pytest.mark.parametrize("y", [np.arange(23) % 4, np.arange(23) % 3 - 1, np.ones((23, 2)), np.linspace(0, 1, 23)])
def test_targets_that_do_not_fit_the_model_s_outputs_are_refused(y):
    with pytest.raises(InputError, match="`data` must fit the reference"):
        beside(Softmax, built(dense(3, "softmax"), "categorical_crossentropy"), y)


def test_layers_of_a_functional_model_are_numbered_as_its_quantities_are():
    def reference():
        return functional(lambda start: keras.layers.Dense(1)(keras.layers.Dense(5, "tanh")(start)))

    class NoPenalty(Squared):
        l2 = 0.0

        def error(self, P, y):
            return 1.5 * super().error(P, y)

    assert beside(NoPenalty, reference, VALUES).divergence.layer == 1  # of 0 and 1


class OneByOne(Two):
    def train_on_batch(self, x, y):
        return np.mean([super(OneByOne, self).train_on_batch(x[i : i + 1], y[i : i + 1]) for i in range(len(x))])


def test_no_line_is_told_of_a_right_network_that_steps_sample_by_sample():
    report = beside(OneByOne, built(dense()), samplewise=True)
    assert report.verdict == PARITY
    assert report.guilty == ()


class Doubled(Squared):
    """With one thing wrong, and a penalty that Keras rounds."""

    def error(self, P, y):
        return (P - y) / P.size


def test_a_rounded_penalty_is_not_told_for_a_wrong_loss_beside_a_bug():
    layers = [
        keras.layers.Dense(u, a, kernel_regularizer=keras.regularizers.L2(0.01)) for u, a in ((5, "tanh"), (1, None))
    ]
    assert beside(Doubled, built(lambda: layers, "mse"), VALUES).divergence.phase != "loss"


class Words:
    """The mean of embedded words, and a sigmoid."""

    def __init__(self):
        self.params = [np.zeros((9, 3)), np.zeros((3, 1)), np.zeros(1)]

    def get_weights(self):
        return [W.copy() for W in self.params]

    def set_weights(self, weights):
        self.params = [np.array(W) for W in weights]

    def add(self, grad, ids, each):
        np.add.at(grad, ids, each)

    def train_on_batch(self, x, y):
        E, W, b = self.params
        ids, t = np.asarray(x).astype(int), np.reshape(y, (-1, 1))
        A = E[ids].mean(axis=1)
        P = 1 / (1 + np.exp(-(A @ W + b)))
        dZ = (P - t) / len(t)
        dE, dA = np.zeros_like(E), dZ @ W.T / ids.shape[1]
        self.add(dE, ids, np.repeat(dA[:, None], ids.shape[1], axis=1))
        self.params = [own - RATE * grad for own, grad in zip(self.params, (dE, A.T @ dZ, dZ.sum(axis=0)), strict=True)]
        return -np.mean(t * np.log(P) + (1 - t) * np.log(1 - P))

    def predict(self, x):
        E, W, b = self.params
        return 1 / (1 + np.exp(-(E[np.asarray(x).astype(int)].mean(axis=1) @ W + b)))


class WordsOnce(Words):
    """A word that a batch has twice counts once."""

    def add(self, grad, ids, each):
        grad[ids] += each


IDS = RNG.integers(0, 9, (23, 4))


@pytest.mark.parametrize(("subject", "verdict"), [(Words, PARITY), (WordsOnce, WRONG)])
def test_inputs_that_are_indices_stay_what_they_are(subject, verdict):
    layers = lambda: [  # noqa: E731
        keras.layers.Embedding(9, 3),
        keras.layers.GlobalAveragePooling1D(),
        keras.layers.Dense(1, "sigmoid"),
    ]
    model = assemble((4,), layers, "binary_crossentropy", lambda: keras.optimizers.SGD(RATE), "float64")
    report = check_parity(subject, (IDS, LABELS), reference=model, steps=4, batch_size=8)
    assert report.verdict == verdict
    assert not report.warnings
