"""Before a subject is checked it is met: what is declared wrongly or out of scope is told, with what to do about it."""

import itertools

import numpy as np
import pytest

from compare import check_parity
from compare.adapters import adapt, lists
from compare.check.introduction import meet
from compare.check.subject.drivers import InProcess
from compare.check.subject.tasks import TOO_LONG, Performance
from compare.data.dataset import load
from compare.errors import InputError
from compare.recipe.architecture import dense
from compare.recipe.recipe import Recipe
from examples.correct import Network as Plain


def met(subject, sizes=(4, 6, 5, 3), data="iris"):
    loaded = load(data, standardise=True)
    recipe = Recipe(dense(sizes), loaded.n, 32, "auto")
    return meet(InProcess(subject), recipe, loaded.X, loaded.y, np.random.default_rng(0))


def accuracy(net, x, y):
    A = x
    for number, (W, b) in enumerate(zip(net.W, net.b, strict=True), 1):
        A = A @ W + b
        A = A if number == len(net.W) else np.maximum(A, 0)
    return float((A.argmax(axis=1) == y).mean())


class AccuracyFirst(Plain):
    def train_on_batch(self, x, y):
        right = accuracy(self, x, y)
        return right, super().train_on_batch(x, y)


class AccuracyOfTheNewWeightsFirst(Plain):
    """Also wants one-hot labels, which are found out by the loss."""

    def train_on_batch(self, x, y):
        loss = super().train_on_batch(x, y.argmax(axis=1))
        return [accuracy(self, x, y.argmax(axis=1)), np.float32(loss)]


class AccuracyAlone(Plain):
    def train_on_batch(self, x, y):
        right = accuracy(self, x, y)
        super().train_on_batch(x, y)
        return right


def accuracy_first_step(weights, x, y, learning_rate):
    net = AccuracyFirst((4, 6, 5, 3), learning_rate)
    net.set_weights(weights)
    told = net.train_on_batch(x, y)
    return net.get_weights(), told


@pytest.mark.parametrize("subject", [AccuracyFirst, AccuracyOfTheNewWeightsFirst, accuracy_first_step])
def test_accuracy_told_first_is_told_with_the_line_that_mends_it(subject):
    refusal = met(subject).refusal
    assert "accuracy comes first" in refusal
    assert "`step=lambda net, x, y: net.train_on_batch(x, y)[::-1]`" in refusal


def test_that_line_mends_it():
    step = adapt(AccuracyFirst, lists("W", "b"), step=lambda net, x, y: net.train_on_batch(x, y)[::-1])
    assert check_parity(step, layers=(5, 3), steps=2).passed


def test_accuracy_told_alone_is_told():
    assert "which is the batch's accuracy" in met(AccuracyAlone).refusal


@pytest.mark.parametrize("told", [(lambda net, loss: (loss, 0.5)), (lambda net, loss: (2 * loss, 0.25))])
def test_loss_first_is_no_misreading_right_or_wrong(told):
    class Tells(Plain):
        def train_on_batch(self, x, y):
            return told(self, super().train_on_batch(x, y))

    assert met(Tells).refusal is None


class ZeroesBiases(Plain):
    """No biases: zeros stand in for them."""

    def set_weights(self, weights):
        super().set_weights(weights)
        self.b = [np.zeros_like(b) for b in self.b]

    def train_on_batch(self, x, y):
        loss = super().train_on_batch(x, y)
        self.b = [np.zeros_like(b) for b in self.b]
        return loss


class RefusesBiases(ZeroesBiases):
    def set_weights(self, weights):
        if any(b.any() for b in weights[1::2]):
            raise ValueError("no biases here")
        super().set_weights(weights)


class FreezesBiases(Plain):
    """Has biases, and forgets to train them."""

    def train_on_batch(self, x, y):
        kept = self.b
        loss = super().train_on_batch(x, y)
        self.b = kept
        return loss


class TrainsZeroedBiases(Plain):
    def set_weights(self, weights):
        super().set_weights(weights)
        self.b = [np.zeros_like(b) for b in self.b]


@pytest.mark.parametrize(
    ("subject", "recognised"),
    [(ZeroesBiases, True), (RefusesBiases, True), (FreezesBiases, False), (TrainsZeroedBiases, False), (Plain, False)],
)
def test_biases_that_stay_zero_are_recognised_as_none(subject, recognised):
    found = met(subject)
    assert found.refusal is None
    assert found.no_biases == recognised
    assert any(note.startswith("no biases: ") for note in found.notes) == recognised
    assert found.reports_loss


class KernelsAlone(Plain):
    def get_weights(self):
        return [W.copy() for W in self.W]

    def set_weights(self, weights):
        self.W = [np.array(W) for W in weights]


class TurnedKernelsAlone(KernelsAlone):
    def get_weights(self):
        return [W.T.copy() for W in self.W]


@pytest.mark.parametrize("subject", [KernelsAlone, TurnedKernelsAlone])
def test_kernels_alone_are_told_to_be_no_biases(subject):
    refusal = met(subject).refusal
    assert "it has no biases: 3 kernels came and nothing else, where 6 arrays are expected" in refusal
    assert "let zeros stand in for the biases" in refusal
    assert "np.zeros(W.shape[1])" in refusal


class Turned(Plain):
    """Keeps what it is given, and begins with (units, inputs)."""

    def __init__(self, layer_sizes, learning_rate):
        super().__init__(layer_sizes, learning_rate)
        self.W = [W.T for W in self.W]


class TurnsOnTheWayOut(Plain):
    def get_weights(self):
        return [array.T for array in super().get_weights()]


class TurnsInAndKeeps(Plain):
    """Computes with (units, inputs), which a square kernel does not show."""

    def train_on_batch(self, x, y):
        self.W = [W.T for W in self.W]
        loss = super().train_on_batch(x, y)
        self.W = [W.T for W in self.W]
        return loss


def returns_turned(weights, x, y, learning_rate):
    return [w.T for w in weights], 0.0


@pytest.mark.parametrize(
    ("subject", "sizes", "words"),
    [
        (Turned, (4, 6, 5, 3), "the kernel of layer 1 has shape (6, 4) instead of (4, 6): kernels are (units, inputs)"),
        (Turned, (4, 6, 5, 3), 'or say so: `adapt(Turned, lists("W", "b"), kernel="units_inputs")`'),
        (Turned, (4, 4, 3), "the kernel of layer 2 has shape (3, 4) instead of (4, 3)"),
        (TurnsOnTheWayOut, (4, 6, 5, 3), "kernels are (units, inputs)"),
        (returns_turned, (4, 6, 3), "Return the new weights as they were given: kernels (inputs, units)"),
    ],
)
def test_transposed_kernels_are_told_with_the_line_that_mends_them(subject, sizes, words):
    assert words in met(subject, sizes).refusal


@pytest.fixture
def square():
    """Data of three features and three classes: every kernel can be square."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(30, 3)), np.arange(30) % 3


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        (TurnsOnTheWayOut, "the kernel of layer 1 (array 1 of them all) comes back transposed"),
        (TurnsInAndKeeps, "its loss is that of the transposed kernels"),
    ],
)
def test_square_kernels_turned_round_are_told(square, subject, words):
    refusal = met(subject, (3, 3, 3), square).refusal
    assert words in refusal
    assert 'kernel="units_inputs"' in refusal


class Aliased(Plain):
    """Trains arrays that its own `set_weights` does not reach."""

    def __init__(self, layer_sizes, learning_rate):
        super().__init__(layer_sizes, learning_rate)
        self.shown = super().get_weights()

    def get_weights(self):
        return [w.copy() for w in self.shown]

    def set_weights(self, weights):
        self.shown = weights


def test_weights_set_without_effect_are_told_with_what_to_do():
    assert "write into the arrays that train, `old[...] = new` for each, or let `adapt` do so" in met(Aliased).refusal


class Sigmoid(Plain):
    """One output in the author's mind: a sigmoid, and labels 0 and 1."""

    def train_on_batch(self, x, y):
        A = [x]
        for number, (W, b) in enumerate(zip(self.W, self.b, strict=True), 1):
            Z = A[-1] @ W + b
            A.append(1 / (1 + np.exp(-Z)) if number == len(self.W) else np.maximum(Z, 0))
        p, t = A[-1], self.labels(y)
        loss = self.cost(p, t)
        d = self.error(p, t)
        for k in reversed(range(len(self.W))):
            dW, db = A[k].T @ d, d.sum(axis=0)
            if k:
                d = d @ self.W[k].T * (A[k] > 0)
            self.W[k], self.b[k] = self.W[k] - self.learning_rate * dW, self.b[k] - self.learning_rate * db
        return loss

    def labels(self, y):
        return y.reshape(-1, 1)

    def cost(self, p, t):
        return float(-(t * np.log(p) + (1 - t) * np.log(1 - p)).mean())

    def error(self, p, t):
        return (p - t) / len(t)


class RaisesWithMore(Sigmoid):
    def labels(self, y):
        assert len(self.b[-1]) == 1
        return super().labels(y)


class TellsNoLoss(Sigmoid):
    def cost(self, p, t):
        return None


class SquaredAndSummed(Sigmoid):
    """Another loss, summed: its direction shows it."""

    def cost(self, p, t):
        return float(((p - t) ** 2).sum() / 2)

    def error(self, p, t):
        return (p - t) * p * (1 - p)


@pytest.mark.parametrize("subject", [Sigmoid, RaisesWithMore, TellsNoLoss, SquaredAndSummed])
@pytest.mark.parametrize("data", ["iris", "breast_cancer"])
def test_a_network_of_one_output_is_recognised(subject, data):
    sizes = (4, 6, 3) if data == "iris" else (30, 6, 2)
    refusal = met(subject, sizes, data).refusal
    assert refusal.startswith("it has one output, a sigmoid's")
    assert "Declare it, on data of two classes: --output sigmoid --loss binary_crossentropy" in refusal


@pytest.mark.parametrize(
    ("subject", "options", "words"),
    [
        (Plain, {"layers": (6, 10, 4)}, "`layers` must end in 3, the number of classes of iris. Received: 6 10 4"),
        (Plain, {"layers": (6, 2)}, "Received: 6 2; write 6 3"),
        (Plain, {"layers": (6, 1)}, "one output is a sigmoid's: declare it, --output sigmoid --loss "
         "binary_crossentropy on data of two classes (--data breast_cancer), or 3 outputs for a softmax"),
        (Plain, {"layers": (6, 1), "data": "breast_cancer"}, "`layers` must end in 2, the number of classes"),
        (Plain((4, 6, 4), 0.1), {}, "has 4 inputs and 4 outputs. Received: iris, 4 features and 3 classes"),
        (Plain((4, 6, 1), 0.1), {}, "has 4 inputs and 1 output. Received: iris, 4 features and 3 classes; one"),
        (Plain, {"learning_rate": "0.1"},
         "`learning_rate` must be a positive number. Received: '0.1', which is text: write 0.1 without quotes"),
        (Plain, {"learning_rate": "fast"}, "Received: 'fast', which is text"),
        (Plain, {"tolerance": "2"}, "`tolerance` must be a positive number. Received: '2', which is text"),
    ],
)  # fmt: skip
def test_layers_and_numbers_that_do_not_fit_are_bad_input(subject, options, words):
    with pytest.raises(InputError) as failure:
        check_parity(subject, **options)
    assert words in str(failure.value)
    assert "\n" not in str(failure.value)


class TextDefault(Plain):
    def __init__(self, layer_sizes, lr="0.01"):
        super().__init__(layer_sizes, lr)


class TextInside(Plain):
    def __init__(self, layer_sizes, learning_rate):
        super().__init__(layer_sizes, "1e-2")


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        (TextDefault, "of the factory's `lr` is the text '0.01', and a learning rate is a number: write lr = 0.01"),
        (TextInside, "the text '1e-2', and a learning rate is a number: write self.learning_rate = 0.01"),
        (TextInside((4, 6, 3), 0.1), "its `learning_rate` is the text '1e-2'"),
        (adapt(TextInside, lists("W", "b")), "its `learning_rate` is the text '1e-2'"),
    ],
)  # fmt: skip
def test_a_learning_rate_in_words_is_told(subject, words):
    report = check_parity(subject, layers=(6, 3), steps=2)
    assert report.verdict == "cannot be driven"
    assert words in report.headline


class OwnNames:
    def __init__(self, layer_sizes, learning_rate):
        self.weights = [np.zeros(pair) for pair in itertools.pairwise(layer_sizes)]
        self.biases = [np.zeros((1, units)) for units in layer_sizes[1:]]

    def backward(self, x, y): ...

    def train(self, inputs, targets, iterations=100): ...


def test_an_object_of_other_names_is_told_its_line_of_adapter():
    words = (
        "the factory returned an OwnNames, which has no `train_on_batch` and is no function `step(weights, x, y, "
        'learning_rate)`; it has `train`, `backward`: write an adapter, `adapt(OwnNames, lists("weights", "biases"), '
        "step=lambda net, x, y: net.train(x, y, iterations=1))`"
    )  # fmt: skip
    assert met(OwnNames).refusal == words


def test_an_object_without_get_weights_is_told_its_line_of_adapter():
    class NoGetter(OwnNames):
        def train_on_batch(self, x, y): ...

    refusal = met(NoGetter).refusal
    assert refusal == (
        'NoGetter has no `set_weights`: write it, or an adapter, `adapt(NoGetter, lists("weights", "biases"))`'
    )


class Fits(AccuracyFirst):
    """Trains by itself, under names of its own; `drops` the last partial batch."""

    drops = False

    def learn(self, data, targets, n_epochs, batch_size=None, shuffle=True):
        size, self.costs = batch_size or len(data), []
        for _ in range(n_epochs):
            starts = range(0, len(data) - (size - 1 if self.drops else 0), size)
            told = [(self.train_on_batch(data[i : i + size], targets[i : i + size])[1], i) for i in starts]
            sizes = [len(data[i : i + size]) for _, i in told]
            self.costs.append(float(np.average([loss for loss, _ in told], weights=sizes)))


class DropsTheLastBatch(Fits):
    drops = True


@pytest.mark.parametrize(
    ("network", "train", "trainings", "passed"),
    [
        (Fits, None, 0, True),
        (Fits, "learn", 4, True),
        (Fits, lambda net, X, y, epochs: net.learn(X, y, epochs), 3, True),
        (DropsTheLastBatch, "learn", 4, False),
    ],
)
def test_a_training_that_an_adapter_names_is_checked_too(network, train, trainings, passed):
    step = lambda net, x, y: net.train_on_batch(x, y)[::-1]  # noqa: E731
    report = check_parity(adapt(network, lists("W", "b"), step=step, train=train), layers=(5, 3), steps=2)
    judged = [training for training in report.trainings if np.isfinite(training.loss_ratio)]
    assert (len(judged), report.passed) == (trainings, passed), str(report)


@pytest.mark.parametrize(("why", "tries"), [(f"{TOO_LONG}: more than 60 s", 1), ("its process ended", 2)])
def test_what_takes_too_long_is_not_tried_with_other_biases(why, tries):
    class Refuses(InProcess):
        tried = 0

        def perform(self, task):
            self.tried += 1
            return Performance([], refusal=why)

    driver, iris = Refuses(Plain), load("iris", standardise=True)
    recipe = Recipe(dense((4, 3)), iris.n, 32, "auto")
    assert meet(driver, recipe, iris.X, iris.y, np.random.default_rng(0)).refusal == why
    assert driver.tried == tries
