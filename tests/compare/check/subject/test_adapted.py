"""Adapted networks: written where everything that holds their arrays sees it, in their own shapes, and named mends."""

import inspect
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from compare.adapters import adapt, each, lists, numbered
from compare.check.introduction import meet
from compare.check.subject.drivers import InProcess
from compare.check.subject.handle import Handle
from compare.check.subject.kinds import Refusal, make
from compare.check.subject.own_training import own_method
from compare.check.subject.places import Slot, place
from compare.data.dataset import load
from compare.errors import InputError
from compare.recipe.architecture import dense
from compare.recipe.recipe import Recipe
from examples.correct import Network as Plain
from examples.functions import step as take

RECIPE = Recipe(dense((4, 5, 3), ["tanh"], learning_rate=0.1), 150, 32)
WEIGHTS = [np.arange(20.0).reshape(4, 5), np.arange(5.0), -np.arange(15.0).reshape(5, 3), np.arange(3.0)]


def met(subject):
    """What is known of a subject once it was met on iris."""
    data = load("iris", standardise=True)
    return meet(InProcess(subject), RECIPE, data.X, data.y, np.random.default_rng(0))


class Base:
    """A correct network whose parameters are `arrays()`: kernel, bias, ..., wherever they lie; updated in place."""

    build: Callable[..., None]
    arrays: Callable[..., list[Any]]

    def __init__(self, layer_sizes, learning_rate):
        self.rate = learning_rate
        rng = np.random.default_rng(0)
        pairs = list(itertools.pairwise(layer_sizes))
        self.build([rng.normal(size=pair) for pair in pairs], [np.zeros(units) for _, units in pairs])

    def train_on_batch(self, x, y):
        new, loss = take([np.reshape(a, np.shape(a)) for a in self.arrays()], x, y, self.rate)
        for old, value in zip(self.arrays(), new, strict=True):
            old[...] = value
        return loss


class LayersHoldParams(Base):
    def build(self, W, b):
        self.params = {f"W{i}": w for i, w in enumerate(W, 1)} | {f"b{i}": v for i, v in enumerate(b, 1)}
        self.layers = [(self.params[f"W{i + 1}"], self.params[f"b{i + 1}"]) for i in range(len(W))]

    def arrays(self):
        return [array for layer in self.layers for array in layer]


class TuplesOfTuples(Base):
    def build(self, W, b):
        self.layers = tuple(zip(W, b, strict=True))

    def arrays(self):
        return [array for layer in self.layers for array in layer]


class ViewsOfOneVector(Base):
    def build(self, W, b):
        arrays = [array for pair in zip(W, b, strict=True) for array in pair]
        self.theta = np.concatenate([array.ravel() for array in arrays])
        cuts = np.cumsum([array.size for array in arrays])[:-1]
        views = [part.reshape(a.shape) for part, a in zip(np.split(self.theta, cuts), arrays, strict=True)]
        self.W, self.b = tuple(views[::2]), tuple(views[1::2])

    def arrays(self):
        return [array for pair in zip(self.W, self.b, strict=True) for array in pair]


class ColumnsOfOneMatrix(Base):
    """The bias is the last row of a matrix that also holds the kernel."""

    def build(self, W, b):
        self.joint = [np.vstack([w, v]) for w, v in zip(W, b, strict=True)]

    @property
    def kernels(self):
        return [joint[:-1] for joint in self.joint]

    @property
    def biases(self):
        return [joint[-1] for joint in self.joint]

    def arrays(self):
        return [array for joint in self.joint for array in (joint[:-1], joint[-1])]


class PlaceholdersFirst(Base):
    def build(self, W, b):
        self.W, self.b = [None, *W], dict(enumerate(b, 1))

    def arrays(self):
        return [array for i in range(1, len(self.W)) for array in (self.W[i], self.b[i])]


class ReadOnlyAndIntegers(Base):
    def build(self, W, b):
        self.W, self.b = W, [v.astype(int) for v in b]
        self.W[0].flags.writeable = False

    def arrays(self):
        return [array for pair in zip(self.W, self.b, strict=True) for array in pair]


class BiasesOneArray(Base):
    """All biases start as one array of zeros, which rebinding makes harmless."""

    def build(self, W, b):
        self.W, self.b = W, [np.zeros(5)] * len(b)
        self.b[-1] = b[-1]
        self.W = list(self.W)

    def arrays(self):
        return [array for pair in zip(self.W, self.b, strict=True) for array in pair]


class Lists(Base):
    """Parameters as nested lists of numbers."""

    def build(self, W, b):
        self.W, self.b = [w.tolist() for w in W], [v.tolist() for v in b]
        self.shown = self.W[0]

    def train_on_batch(self, x, y):
        assert all(isinstance(w, list) and isinstance(w[0][0], float) for w in self.W)
        new, loss = take([np.array(a) for pair in zip(self.W, self.b, strict=True) for a in pair], x, y, self.rate)
        self.W, self.b = [w.tolist() for w in new[::2]], [v.tolist() for v in new[1::2]]
        return loss


@pytest.mark.parametrize(
    ("network", "places"),
    [
        (LayersHoldParams, numbered("params")),
        (LayersHoldParams, each("layers", 0, 1)),
        (TuplesOfTuples, each("layers", 0, 1)),
        (ViewsOfOneVector, lists("W", "b")),
        (ColumnsOfOneMatrix, lists("kernels", "biases")),
        (PlaceholdersFirst, lists("W", "b")),
        (ReadOnlyAndIntegers, lists("W", "b")),
        (BiasesOneArray, lists("W", "b")),
        (Lists, lists("W", "b")),
    ],
)
def test_what_is_set_is_what_trains_and_what_comes_back(network, places):
    found = met(adapt(network, places))
    assert found.refusal is None, found.refusal
    assert not found.zero_biases


class Held:
    """An array with what belongs to it."""

    def __init__(self, data):
        self.data = data


class LayersOfHeld(Base):
    def build(self, W, b):
        self.model = Held([{"kernel": Held(w), "bias": Held(v), "bias.data": None} for w, v in zip(W, b, strict=True)])

    def arrays(self):
        return [layer[name].data for layer in self.model.data for name in ("kernel", "bias")]


def test_arrays_in_what_a_network_holds_are_reached_by_dots():
    subject = adapt(LayersOfHeld, each("model.data", "kernel.data", "bias.data"))
    handle = Handle(make(subject, RECIPE), RECIPE)
    handle.set_weights(WEIGHTS)
    assert all(map(np.array_equal, handle.get_weights(), WEIGHTS))
    assert all(map(np.array_equal, handle.thing.network.arrays(), WEIGHTS))
    assert Slot({"kernel.data": 1}, "kernel.data") == place({"kernel.data": 1}, "kernel.data")
    with pytest.raises(AttributeError, match="modle"):
        each("modle.data", "kernel.data")(handle.thing.network)


def test_arrays_that_two_parameters_share_are_parted_and_told():
    recipe = Recipe(dense((5, 5, 5), ["tanh"]), 150, 32)
    handle = Handle(make(adapt(BiasesOneArrayOfAll, lists("W", "b")), recipe), recipe)
    given = [np.eye(5), np.arange(5.0), 2 * np.eye(5), -np.arange(5.0)]
    handle.set_weights(given)
    for ours, right in zip(handle.get_weights(), given, strict=True):
        np.testing.assert_array_equal(ours, right)
    assert handle.notes == ["some of its parameters are one and the same array: each was given an array of its own"]


class BiasesOneArrayOfAll(BiasesOneArray):
    def build(self, W, b):
        self.W, self.b = W, [np.zeros(5)] * len(b)


def test_integer_kernels_are_told():
    class Whole(BiasesOneArray):
        def build(self, W, b):
            self.W, self.b = [np.ones(w.shape, int) for w in W], b

    handle = Handle(make(adapt(Whole, lists("W", "b")), RECIPE), RECIPE)
    handle.set_weights(WEIGHTS)
    np.testing.assert_array_equal(handle.get_weights()[0], WEIGHTS[0])
    assert handle.notes[0] == "the kernel of layer 1 is made of int64: it was given float64 instead"


def test_float32_stays_and_a_property_that_copies_is_set_by_its_setter():
    class Copies:
        kept = np.zeros(3, np.float32)

        @property
        def b(self):
            return self.kept.copy()

        @b.setter
        def b(self, value):
            self.kept = value

    home = Copies()
    Slot(home, "b").put(np.arange(3.0))
    np.testing.assert_array_equal(home.kept, [0, 1, 2])
    assert home.kept.dtype == np.float32


def test_what_can_be_neither_written_nor_replaced_is_refused():
    with pytest.raises(Refusal, match="parameter 0 of a tuple can neither be written in place nor replaced"):
        Slot((np.zeros(3, int),), 0).put(np.ones(3))


class RowBiases(Plain):
    """Its in-place updates of (1, units) fail on (units,)."""

    def __init__(self, layer_sizes, learning_rate):
        super().__init__(layer_sizes, learning_rate)
        self.b = [b.reshape(1, -1) for b in self.b]

    def train_on_batch(self, x, y):
        assert all(b.ndim == 2 and b.shape[0] == 1 for b in self.b)
        return super().train_on_batch(x, y)


class ColumnBiases(Plain):
    """Samples are columns, kernels (units, inputs), biases (units, 1)."""

    def __init__(self, layer_sizes, learning_rate):
        super().__init__(layer_sizes, learning_rate)
        self.W, self.b = [W.T for W in self.W], [b.reshape(-1, 1) for b in self.b]

    def train_on_batch(self, x, y):
        kept = [array for pair in zip(self.W, self.b, strict=True) for array in pair]
        A = x
        for W, b in zip(self.W, self.b, strict=True):
            A = np.tanh(W @ A + b)
        new, loss = take([a.T if a.shape[1] > 1 else a.reshape(-1) for a in kept], x.T, y, self.learning_rate)
        self.W, self.b = [W.T for W in new[::2]], [b.reshape(-1, 1) for b in new[1::2]]
        return loss


class KeepsWhatItIsGiven(RowBiases):
    """Keras's names, row biases, and no adapter."""

    def set_weights(self, weights):
        self.W, self.b = list(weights[::2]), list(weights[1::2])


class AddsAnAxis(RowBiases):
    """Returns rows, and takes flat ones, to which it adds an axis itself."""

    def set_weights(self, weights):
        self.W, self.b = list(weights[::2]), [b[None, :] for b in weights[1::2]]


@pytest.mark.parametrize(
    "subject",
    [
        adapt(RowBiases, lists("W", "b")),
        adapt(RowBiases, lists("W", "b"), bias="row"),
        adapt(ColumnBiases, lists("W", "b"), kernel="units_inputs", samples="columns"),
        KeepsWhatItIsGiven,
        AddsAnAxis,
    ],
)
def test_biases_keep_the_shape_that_the_network_gave_them(subject):
    made = make(subject, RECIPE)
    handle = Handle(made, RECIPE)
    handle.set_weights(WEIGHTS)
    for ours, given in zip(handle.get_weights(), WEIGHTS, strict=True):
        np.testing.assert_array_equal(ours, given)
    handle.step(np.zeros((2, 4)), np.array([0, 1]))


def test_a_bias_that_changes_its_shape_while_training_is_still_told():
    class Broadcasts(Plain):
        def train_on_batch(self, x, y):
            super().train_on_batch(x, y)
            self.b = [b.reshape(1, -1) for b in self.b]

    handle = Handle(make(adapt(Broadcasts, lists("W", "b")), RECIPE), RECIPE)
    handle.set_weights(WEIGHTS)
    handle.get_weights()
    handle.step(np.zeros((2, 4)), np.array([0, 1]))
    handle.get_weights()
    assert "while training, weights change their shape from (5,) to (1, 5)" in handle.notes


class OtherNames:
    """A network of its own names: parameters lie in `params`, and a step is `fit`."""

    def __init__(self, layer_sizes, learning_rate):
        pairs = itertools.pairwise(layer_sizes)
        self.params = [{"W": np.zeros((units, inputs)), "b": np.zeros((units, 1))} for inputs, units in pairs]
        self.grads = [{"dW": p["W"].copy(), "db": p["b"].copy()} for p in self.params]

    def forward(self, x):
        return x

    def fit(self, X, y, epochs, batch_size=8, learning_rate=0.1):
        return epochs


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        (
            adapt(OtherNames, each("params")),
            "the kernel of layer 1 has shape (5, 4) instead of (4, 5): kernels are (units, inputs). Say so: "
            '`adapt(OtherNames, each("params"), kernel="units_inputs")`',
        ),
        (
            adapt(OtherNames, each("params"), kernel="units_inputs", bias="column"),
            "the network has no `train_on_batch`; it has `fit`, `forward`. Say how it makes one step: "
            '`adapt(OtherNames, each("params"), kernel="units_inputs", bias="column", '
            "step=lambda net, x, y: net.fit(x, y, epochs=1, batch_size=len(x)))`",
        ),
        (
            adapt(OtherNames, lists("W", "b")),
            '`lists("W", "b")` does not fit the network: AttributeError: \'OtherNames\' object has no attribute \'W\'. '
            'They seem to be here: `adapt(OtherNames, each("params"))`',
        ),
        (adapt(OtherNames, each("params"), train="learn"), "the network has no `learn`; it has `fit`"),
        (adapt(Plain, numbered(None)), '`numbered(None)` finds 0 layers, and there should be 2. They seem to be here'),
        (adapt(Plain, lists("W", "b"), kernel="units_inputs"), 'lists("W", "b"), kernel="inputs_units")`'),
    ],
)  # fmt: skip
def test_what_an_adapter_lacks_is_told_with_the_line_that_mends_it(subject, words):
    assert words in met(subject).refusal


def test_networks_without_biases_are_declared_and_keep_zeros():
    class Kernels(Plain):
        def __init__(self, layer_sizes, learning_rate):
            super().__init__(layer_sizes, learning_rate)
            self.b = [np.zeros(())] * len(self.W)

        def train_on_batch(self, x, y):
            loss = super().train_on_batch(x, y)
            self.b = [np.zeros(())] * len(self.W)
            return loss

    found = met(adapt(Kernels, lists("W", None)))
    assert found.refusal is None
    assert found.no_biases
    assert any(note.startswith("no biases: its biases stay zero") for note in found.notes)


class Trains(Plain):
    """Trains by itself, on columns and one-hot labels, under a name and options of its own."""

    def learn(self, X, Y, n_epochs=1, batch_size=None, verbose=1):
        assert X.shape[0] == 4
        assert Y.shape == (3, X.shape[1])
        self.costs = [float(super(Trains, self).train_on_batch(X.T, Y.argmax(axis=0))) for _ in range(n_epochs)]

    def train_on_batch(self, x, y):
        return super().train_on_batch(x.T, y.argmax(axis=0))


@pytest.mark.parametrize(
    ("train", "options"),
    [
        (None, None),
        ("learn", {"X", "Y", "n_epochs", "batch_size", "verbose"}),
        (lambda net, X, y, epochs: net.learn(X, y, epochs), {"X", "y", "epochs"}),
    ],
)
def test_an_adapter_names_the_network_s_own_training(train, options):
    adapted = make(adapt(Trains, lists("W", "b"), samples="columns", labels="onehot", train=train), RECIPE)
    found = own_method(adapted)
    assert (found is None) == (options is None)
    if found is not None:
        assert {*inspect.signature(found[0]).parameters} == options
        assert found[1].trouble is None
    if train is not None:
        count = "n_epochs" if train == "learn" else "epochs"
        adapted.train(np.zeros((6, 4)), np.array([0, 1, 2, 0, 1, 2]), **{count: 3})
        assert len(adapted.costs) == 3, "its history can be read"


def test_a_network_s_own_methods_are_not_taken_for_keras_s():
    class Fits(Plain):
        def fit(self, X, y, epochs):
            raise AssertionError("nobody asked for it")

        gradients = predict_proba = fit

    adapted = make(adapt(Fits, lists("W", "b")), RECIPE)
    assert own_method(adapted) is None
    assert not any(hasattr(adapted, name) for name in ("fit", "gradients", "predict_proba"))
    assert adapted.learning_rate == 0.1


def test_a_step_may_be_named():
    class Steps(Plain):
        update = Plain.train_on_batch
        train_on_batch = property()

    adapted = make(adapt(Steps, lists("W", "b"), step="update"), RECIPE)
    assert adapted.train_on_batch(np.zeros((2, 4)), np.array([0, 1])) > 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"bias": "rows"}, "`bias` must be one of own, flat, row, column. Received: 'rows'"),
        ({"train": 3}, "`train` must be a function, or a method's name. Received: 3"),
        ({"loss": "loss"}, "`loss` must be a function. Received: 'loss'"),
    ],
)
def test_what_adapt_cannot_use_is_bad_input(options, words):
    with pytest.raises(InputError, match=words):
        adapt(Plain, lists("W", "b"), **options)


def test_parameters_in_words_are_bad_input():
    with pytest.raises(InputError, match=r"`parameters` must say where .* each\(\.\.\.\)"):
        adapt(Plain, "W")


@pytest.mark.parametrize(
    ("places", "written"),
    [
        (each("params"), 'each("params")'),
        (each("layers", "weights", "bias"), 'each("layers", "weights", "bias")'),
        (each("layers", 0, 1), 'each("layers", 0, 1)'),
        (numbered(None), "numbered(None)"),
        (numbered("p", "W", "b", 0), 'numbered("p", first=0)'),
        (numbered("p", "weight", None), 'numbered("p", "weight", None)'),
        (lists("W", None), 'lists("W", None)'),
    ],
)
def test_places_are_shown_as_they_are_written(places, written):
    assert str(places) == written
