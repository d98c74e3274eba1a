"""No false pass: each subject is right but for one thing in one situation, and none may pass.

Those that end their process are checked in one of their own.
"""

import numpy as np
import pytest

from compare import check_parity
from compare.check import parity_check
from compare.check.settings import Settings
from compare.check.subject.drivers import Isolated
from examples.correct import Network as Plain

pytestmark = pytest.mark.usefixtures("quick")
WHOLE, SMALL, RAGGED = 150, 32, 150 % 32


class Net(Plain):
    """Right, and counts; the base of what follows."""

    def __init__(self, layer_sizes, learning_rate, batch_size=32):
        super().__init__(layer_sizes, learning_rate)
        self.batch_size, self.calls, self.sizes = batch_size, 0, []

    def step(self, x, y):
        return super().train_on_batch(x, y)

    def train_on_batch(self, x, y):
        self.calls += 1
        self.sizes.append(len(x))
        return self.step(x, y)


class Fits(Net):
    """Right, with a `fit` of its own."""

    def batches(self, n, size):
        return [np.arange(n)[start : start + size] for start in range(0, n, size)]

    def mean(self, losses, sizes):
        return np.average(losses, weights=sizes)

    def fit(self, x, y, epochs, batch_size=32):
        history = []
        for _ in range(epochs):
            batches = self.batches(len(x), batch_size)
            losses = [self.step(x[rows], y[rows]) for rows in batches]
            history.append(self.mean(losses, [len(rows) for rows in batches]))
        return history


def one(self, x, y):
    return len(x) == 1


def ragged(self, x, y):
    return len(x) == RAGGED


def whole(self, x, y):
    return len(x) == WHOLE


def small(self, x, y):
    return len(x) < 8


def few(self, x, y):
    return len(x) == 3


def odd(self, x, y):
    return len(x) % 2 == 1


def large(self, x, y):
    return np.abs(x).max() > 20


def raw(self, x, y):
    return x.min() >= 0 and x.max() > 5


def second_call(self, x, y):
    return self.calls == 2


def third_call(self, x, y):
    return self.calls == 3


def no_last_class(self, x, y):
    return len(x) > 8 and 2 not in y


def one_class(self, x, y):
    return len(x) > 8 and len(set(y.tolist())) == 1


def other_size(self, x, y):
    return self.sizes[-2:-1] not in ([], [len(x)])


def same_batch(self, x, y):
    before, self.last = getattr(self, "last", None), x.copy()
    return before is not None and np.array_equal(before, x)


class Unprintable(Exception):
    def __str__(self):
        raise ValueError


class Rude(BaseException):
    pass


def failing(condition, error):
    """Raises in the steps of one situation."""

    class Raises(Net):
        def train_on_batch(self, x, y):
            loss = super().train_on_batch(x, y)
            if condition(self, x, y):
                raise error
            return loss

    return Raises


def seeing(condition, x=lambda x: x, y=lambda y: y, loss=lambda loss: loss):
    """Trains on something else, or tells another loss, in the steps of one situation."""

    class Sees(Net):
        def train_on_batch(self, own_x, own_y):
            if condition(self, own_x, own_y):
                return loss(super().train_on_batch(x(own_x), y(own_y)))
            return super().train_on_batch(own_x, own_y)

    return Sees


def spoiling(condition, spoil):
    """Does something to its weights after the steps of one situation."""

    class Spoils(Net):
        def train_on_batch(self, x, y):
            loss = super().train_on_batch(x, y)
            if condition(self, x, y):
                self.W = [spoil(W) for W in self.W]
            return loss

    return Spoils


def making(condition, otherwise):
    """A factory that does otherwise for some sizes."""

    def make(layer_sizes, learning_rate, n_samples, batch_size):
        if condition(n_samples, batch_size):
            return otherwise()
        return Net(layer_sizes, learning_rate, batch_size)

    return make


def raising(error):
    def otherwise():
        raise error

    return otherwise


def dropping(condition):
    """Leaves the last sample out in some batches."""

    class Drops(Net):
        def train_on_batch(self, x, y):
            keep = len(x) - (condition(self, x, y) and len(x) > 1)
            return super().train_on_batch(x[:keep], y[:keep])

    return Drops


class LargeWeightsRaise(Net):
    def set_weights(self, weights):
        if max(np.abs(W).max() for W in weights) > 10:
            raise Rude
        super().set_weights(weights)


class ZeroBiasesRaise(Net):
    def set_weights(self, weights):
        if not any(b.any() for b in weights[1::2]):
            raise ValueError("no biases")
        super().set_weights(weights)


class SetOnce(Net):
    def set_weights(self, weights):
        if not self.calls:
            super().set_weights(weights)


class SetThreeTimes(Net):
    """Takes weights three times, and then keeps those that it has: it follows Keras's own to rounding."""

    set = 0

    def set_weights(self, weights):
        self.set += 1
        if self.set < 4:
            super().set_weights(weights)


class OtherWeightsEachTime(Net):
    asked = 0

    def get_weights(self):
        self.asked += 1
        return [W + 1e-3 * (self.asked == 5) for W in super().get_weights()]


class WeightsLostLater(Net):
    def get_weights(self):
        return super().get_weights()[: None if self.calls < 4 else -1]


class WeightsThatRaiseLater(Net):
    def get_weights(self):
        if self.calls > 3:
            raise Unprintable
        return super().get_weights()


class WeightsOfText(Net):
    def get_weights(self):
        return super().get_weights() if RAGGED not in self.sizes else [W.astype(str) for W in super().get_weights()]


class IgnoresTheRate(Net):
    def __init__(self, layer_sizes, learning_rate):
        super().__init__(layer_sizes, 0.01)


class RemembersTheRate(Net):
    rates: list[float] = []  # noqa: RUF012 (that it is shared is the fault)

    def __init__(self, layer_sizes, learning_rate):
        self.rates.append(learning_rate)
        super().__init__(layer_sizes, self.rates[0])


def scaled_by_size(told):
    """Divides by another size than the batch's, by way of its learning rate."""

    class Divides(Net):
        first: list[int] = []  # noqa: RUF012

        def __init__(self, layer_sizes, learning_rate, batch_size):
            super().__init__(layer_sizes, learning_rate, batch_size)
            self.first.append(batch_size)
            self.rate = learning_rate

        def train_on_batch(self, x, y):
            self.learning_rate = self.rate * len(x) / told(self, x)
            return super().train_on_batch(x, y)

    return Divides


class KeepsState(Net):
    """A trace of the last batch's gradient stays."""

    moved: float | np.ndarray = 0.0

    def train_on_batch(self, x, y):
        before = self.W[0].copy()
        loss = super().train_on_batch(x, y)
        moved, self.W[0] = self.W[0] - before, self.W[0] + 1e-5 * self.moved
        self.moved = moved
        return loss


class ShiftedByTheGlobalSeed(Net):
    def train_on_batch(self, x, y):
        shift = np.random.normal() * 1e-3 if len(x) == WHOLE else 0  # noqa: NPY002
        return super().train_on_batch(x + shift, y)


class WrongAfterManySteps(Net):
    made = [0]  # noqa: RUF012

    def train_on_batch(self, x, y):
        self.made[0] += 1
        return super().train_on_batch(x * (1 + 1e-3 * (self.made[0] > 60)), y)


class TellsWrongAccuracy(Net):
    def train_on_batch(self, x, y):
        A = x
        for W, b in zip(self.W, self.b, strict=True):
            Z = A @ W + b
            A = np.maximum(Z, 0)
        right = (Z.argmax(axis=1) == y).mean()
        return super().train_on_batch(x, y), right if len(x) == WHOLE else right / 2


class TellsWrongProbabilities(Net):
    def predict_proba(self, x):
        A = x
        for W, b in zip(self.W, self.b, strict=True):
            Z = A @ W + b
            A = np.maximum(Z, 0)
        P = np.exp(Z - Z.max(axis=1, keepdims=True))
        return P / P.sum(axis=1, keepdims=True) * (1 if len(x) > RAGGED else 0.999)


class DropsLastBatch(Fits):
    def batches(self, n, size):
        return super().batches(n, size)[: max(1, n // size)]


class ShufflesAndDropsLastBatch(DropsLastBatch):
    def batches(self, n, size):
        order = np.random.default_rng().permutation(n)
        return [order[rows] for rows in super().batches(n, size)]


class BatchesOverlap(Fits):
    def batches(self, n, size):
        return [np.arange(n)[max(0, start - 1) : start + size] for start in range(0, n, size)]


class PlainMean(Fits):
    def mean(self, losses, sizes):
        return np.mean(losses)


class LastLoss(Fits):
    def mean(self, losses, sizes):
        return losses[-1]


class FitIgnoresItsSize(Fits):
    def batches(self, n, size):
        return super().batches(n, n)


class FitKeepsItsFirstSize(Fits):
    first: list[int] = []  # noqa: RUF012

    def batches(self, n, size):
        self.first.append(size)
        return super().batches(n, self.first[0])


class FitStartsAnew(Fits):
    def fit(self, x, y, epochs, batch_size=32):
        self.start = getattr(self, "start", None) or self.get_weights()
        self.set_weights(self.start)
        return super().fit(x, y, epochs, batch_size)


class FitDrawsItsWeights(Fits):
    def fit(self, x, y, epochs, batch_size=32):
        self.set_weights([W + 1e-6 * np.random.normal(size=W.shape) for W in self.get_weights()])  # noqa: NPY002
        return super().fit(x, y, epochs, batch_size)


class FitRaisesForRagged(Fits):
    def fit(self, x, y, epochs, batch_size=32):
        if len(x) % batch_size:
            raise GeneratorExit
        return super().fit(x, y, epochs, batch_size)


class FitLosesAnEpoch(Fits):
    def fit(self, x, y, epochs, batch_size=32):
        told = super().fit(x, y, epochs - 1, batch_size) if epochs > 1 else []
        return [*told, 0.5]


class FitHasARateOfItsOwn(Fits):
    def fit(self, x, y, epochs, batch_size=32, learning_rate=0.01):
        self.learning_rate = 0.011
        return super().fit(x, y, epochs, batch_size)


class FitIgnoresShuffle(Fits):
    def fit(self, x, y, epochs, batch_size=32, shuffle=True):
        order = np.random.default_rng(0).permutation(len(x))
        return super().fit(x[order], y[order], epochs, batch_size)


class FitWrongInLaterBatches(Fits):
    def fit(self, x, y, epochs, batch_size=32):
        scale = 1 + 1e-5 * (np.arange(len(x)) >= 3 * batch_size)
        return super().fit(x * scale[:, None], y, epochs, batch_size)


class FitWithoutSize(Net):
    """Takes no batch size; its steps are right, and too many."""

    def fit(self, x, y, epochs):
        return [[self.step(x, y), self.step(x, y)][0] for _ in range(epochs)]


SUBJECTS = {
    "raises at a batch of one": failing(one, IndexError("too many indices")),
    "raises what cannot be printed at a batch of one": failing(one, Unprintable()),
    "skips the test at a batch of one": failing(one, pytest.skip.Exception("later")),
    "raises KeyboardInterrupt at the ragged batch": failing(ragged, KeyboardInterrupt()),
    "exits in full batch": failing(whole, SystemExit(0)),
    "raises GeneratorExit for large inputs": failing(large, GeneratorExit()),
    "raises on raw data": failing(raw, FloatingPointError()),
    "raises MemoryError at the third call": failing(third_call, MemoryError()),
    "raises RecursionError when a class is missing": failing(no_last_class, RecursionError()),
    "raises at as many samples as classes": failing(few, Rude()),
    "raises StopIteration when the size changes": failing(other_size, StopIteration()),
    "raises on the same batch again": failing(same_batch, ValueError("seen")),
    "large weights raise": LargeWeightsRaise,
    "zero biases raise": ZeroBiasesRaise,
    "weights are set once": SetOnce,
    "weights are set three times": SetThreeTimes,
    "other weights the fifth time": OtherWeightsEachTime,
    "fewer weights later": WeightsLostLater,
    "weights that raise later": WeightsThatRaiseLater,
    "weights of text after the ragged batch": WeightsOfText,
    "factory raises for batches of one": making(lambda n, batch: batch == 1, raising(Unprintable())),
    "factory raises for batches of three": making(lambda n, batch: batch == 3, raising(KeyboardInterrupt())),
    "factory raises for few samples": making(lambda n, batch: n < 100, raising(ValueError("too few"))),
    "factory makes nothing for full batches": making(lambda n, batch: batch == WHOLE, lambda: None),
    "ignores the learning rate": IgnoresTheRate,
    "remembers its first learning rate": RemembersTheRate,
    "divides by the nominal size": scaled_by_size(lambda self, x: self.batch_size),
    "divides by the size it was first made with": scaled_by_size(lambda self, x: self.first[0]),
    "divides by the last batch's size": scaled_by_size(lambda self, x: (self.sizes or [len(x)])[-1]),
    "drops a sample of the ragged batch": dropping(ragged),
    "drops a sample of odd batches": dropping(odd),
    "drops a sample of small batches": dropping(small),
    "keeps state between batches": KeepsState,
    "NaN when it goes on": spoiling(lambda self, x, y: self.calls > 4, lambda W: W * np.nan),
    "wrong when the size changes": spoiling(other_size, lambda W: W * (1 + 1e-6)),
    "wrong at the second call": spoiling(second_call, lambda W: W + 1e-4),
    "weights of integers after a batch of one": spoiling(one, lambda W: W.astype(int)),
    "infinite on the same batch again": spoiling(same_batch, lambda W: W * np.inf),
    "wrong when the last class is missing": seeing(no_last_class, x=lambda x: x * 1.001),
    "wrong when there is one class": seeing(one_class, y=lambda y: y * 0),
    "single precision in small batches": seeing(small, x=lambda x: x.astype(np.float32).astype(float)),
    "half precision in full batch": seeing(whole, x=lambda x: x.astype(np.float16).astype(float)),
    "no loss at a batch of one": seeing(one, loss=lambda loss: None),
    "NaN for a loss at the ragged batch": seeing(ragged, loss=lambda loss: np.nan),
    "summed loss at a batch of three": seeing(few, loss=lambda loss: 3 * loss),
    "loss of text at a batch of one": seeing(one, loss=str),
    "wrong accuracy in small batches": TellsWrongAccuracy,
    "wrong probabilities in small batches": TellsWrongProbabilities,
    "shifted by the global seed in full batch": ShiftedByTheGlobalSeed,
    "wrong after many steps of all": WrongAfterManySteps,
    "fit drops the last batch": DropsLastBatch,
    "fit shuffles and drops the last batch": ShufflesAndDropsLastBatch,
    "fit's batches overlap": BatchesOverlap,
    "fit averages batches without their sizes": PlainMean,
    "fit tells the last batch's loss": LastLoss,
    "fit ignores its batch size": FitIgnoresItsSize,
    "fit keeps the first batch size of all": FitKeepsItsFirstSize,
    "fit starts anew": FitStartsAnew,
    "fit draws its weights": FitDrawsItsWeights,
    "fit raises for ragged batches": FitRaisesForRagged,
    "fit loses an epoch": FitLosesAnEpoch,
    "fit has a rate of its own": FitHasARateOfItsOwn,
    "fit ignores shuffle=False": FitIgnoresShuffle,
    "fit is wrong in later batches": FitWrongInLaterBatches,
    "fit makes too many steps": FitWithoutSize,
}

# What is done in the subject's own process, and where; `self`, `x`, `y` and the method's name are at hand.
ENDINGS = {
    "ends well at a batch of one": ("train_on_batch", "len(x) == 1", "os._exit(0)"),
    "is killed at the ragged batch": ("train_on_batch", f"len(x) == {RAGGED}", "os.kill(os.getpid(), signal.SIGKILL)"),
    "reads no memory in full batch": ("train_on_batch", "len(x) == 150", "ctypes.string_at(0)"),
    "aborts at large weights": ("set_weights", "max(abs(w).max() for w in weights) > 10", "os.abort()"),
    "hangs at a batch of one": ("train_on_batch", "len(x) == 1", "time.sleep(60)"),
    "forks at a batch of one": ("train_on_batch", "len(x) == 1", "os.fork() or time.sleep(60)"),
    "ends in the last call of fit": ("fit", "batch_size == 32", "os._exit(0)"),
}
SIGNATURES = {
    "train_on_batch": "self, x, y",
    "set_weights": "self, weights",
    "fit": "self, x, y, epochs, batch_size=32",
}
CODE = """
import ctypes, os, signal, time
from examples.correct import Network


class Fits(Network):
    def fit(self, x, y, epochs, batch_size):
        for _ in range(epochs):
            for start in range(0, len(x), batch_size):
                self.train_on_batch(x[start : start + batch_size], y[start : start + batch_size])


class Subject(Fits):
    def {method}({signature}):
        if {condition}:
            {act}
        return super().{method}({arguments})
"""


def test_the_base_of_all_these_is_right():
    report = check_parity(Fits, layers=(5, 3), steps=4)
    assert report.verdict == "parity", str(report)
    assert len(report.trainings) == 3
    assert all(run.ended is None and run.beyond is None for run in report.runs)


@pytest.mark.parametrize("name", SUBJECTS)
def test_what_is_wrong_in_one_situation_does_not_pass(name):
    report = check_parity(SUBJECTS[name], layers=(5, 3), steps=4)
    assert not report.passed, str(report)


@pytest.mark.parametrize("name", ENDINGS)
def test_what_ends_its_process_in_one_situation_does_not_pass(name, tmp_path):
    method, condition, act = ENDINGS[name]
    signature = SIGNATURES[method]
    arguments = signature.replace("self, ", "").replace("=32", "")
    path = tmp_path / "net.py"
    path.write_text(CODE.format(method=method, signature=signature, condition=condition, act=act, arguments=arguments))
    with Isolated(path, "Subject", 1.0 if "hangs" in name else 60.0) as driver:
        report = parity_check.check_driver(driver, "iris", True, Settings(layers=(5, 3), steps=4))
    assert not report.passed, str(report)
