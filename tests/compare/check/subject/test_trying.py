"""Edits are tried on live functions: what mends a step is found, in any style, and everything is put back."""

import inspect

import numpy as np

from compare.check.subject.attempts import Attempt, Expected
from compare.check.subject.performing import perform
from compare.check.subject.tasks import Task
from compare.check.subject.trying import attempt
from compare.recipe.architecture import dense
from compare.recipe.recipe import Recipe


def right(weights, x, y, learning_rate):
    """A softmax regression's step, as it should be."""
    W, b = weights
    P = np.exp(x @ W + b)
    P /= P.sum(1, keepdims=True)
    d = P - np.eye(b.size)[y]
    return [W - learning_rate * x.T @ d / len(y), b - learning_rate * d.mean(0)], -np.log(P[range(len(y)), y]).mean()


class Scalar:
    """In numbers, one by one; the bias's gradient forgets the number of samples."""

    def __init__(self, layer_sizes, learning_rate):
        self.rate, (inputs, units) = learning_rate, layer_sizes
        self.W, self.b = np.zeros((inputs, units)), np.zeros(units)

    def get_weights(self):
        return [self.W, self.b]

    def set_weights(self, weights):
        self.W, self.b = (np.array(w) for w in weights)

    def train_on_batch(self, x, y):
        n, loss = len(x), 0.0
        dW, db = np.zeros_like(self.W), np.zeros_like(self.b)
        for row, label in zip(x, y, strict=True):
            e = [
                np.exp(sum(a * w for a, w in zip(row, column, strict=True)) + b)
                for column, b in zip(self.W.T, self.b, strict=True)
            ]
            loss -= np.log(e[label] / sum(e)) / n
            for k, each in enumerate(e):
                d = each / sum(e) - (k == label)
                for j, a in enumerate(row):
                    dW[j, k] += a * d / n
                db[k] += d  # bug
        self.W -= self.rate * dW
        self.b -= self.rate * db
        return loss


class Two(Scalar):
    """Two faults that nothing has to do with each other."""

    def train_on_batch(self, x, y):
        logits = x @ self.W + self.b
        d = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        loss = -np.log(d[np.arange(len(y)), y]).sum()  # bug: not the mean
        d[np.arange(len(y)), y] -= 1
        self.W -= self.rate * x.T @ d / len(y)
        self.b += self.rate * d.mean(axis=0)  # bug: the wrong way
        return loss


class Keeps(Scalar):
    """A default that was left on, and a rate of its own."""

    def decayed(self, W, by=0.5):  # bug
        return W * (1 - by)

    def train_on_batch(self, x, y):
        (W, b), loss = right([self.decayed(self.W), self.b], x, y, 0.3)  # bug
        self.W, self.b = W, b
        return loss


class Chain(Scalar):
    """A gradient that is too large by a number of its own, through several hands."""

    def error(self, P, y):
        return P - np.eye(len(self.b))[y]

    def train_on_batch(self, x, y):
        P = np.exp(x @ self.W + self.b)
        P /= P.sum(axis=1, keepdims=True)
        spread = np.tile(self.error(P, y), (7, 1))
        mean = spread.mean(axis=0)
        summed = np.tile(x, (7, 1)).T @ spread
        self.W -= self.rate * (summed / len(y))  # bug: 7 times
        self.b -= self.rate * mean
        return -np.log(P[np.arange(len(y)), y]).mean()


class Waits(Scalar):
    """An edit of its condition never ends."""

    def train_on_batch(self, x, y):
        left = 1
        while left > 0:
            left -= 1
        new, loss = right([self.W, self.b], x, y, self.rate)
        self.W, self.b = new
        return 2 * loss  # bug


class Writes(Scalar):
    """It leaves a file behind with each step."""

    log = ""

    def train_on_batch(self, x, y):
        with open(self.log, "a") as file:
            file.write("step")
        return 0.0


def asked(labels="integer", seconds=5.0, n=4, factors=()):
    """What is right in two steps of a softmax regression."""
    recipe = Recipe(dense((3, 2), (), 0.1), 8, n, labels)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(8, 3)), rng.integers(2, size=8)
    weights = [[rng.normal(size=w.shape) for w in recipe.architecture.weights] for _ in range(2)]
    batches = [np.arange(n), np.arange(n, 8)]
    expected = []
    for before, rows in zip(weights, batches, strict=True):
        after, loss = right(before, X[rows], y[rows], 0.1)
        expected.append(Expected(loss, 1e-12, None, after, [np.full(w.shape, 1e-12) for w in after]))
    return Attempt([Task(recipe, X, y, batches, weights)], [expected], [], seconds, list(factors))


def marked(cls):
    """The marked lines of a class."""
    lines, first = inspect.getsourcelines(cls)
    return [first + number for number, line in enumerate(lines) if "# bug" in line]


def test_nothing_mends_what_is_right():
    assert attempt(right, asked()) == []


def test_finds_the_line_where_no_array_is_ever_keras_s():
    best, *_ = attempt(Scalar, asked())
    assert best.whole
    assert [best.first] == marked(Scalar)
    assert best.function == "Scalar.train_on_batch"


def test_what_mends_as_well_is_found_on_each_line_that_a_factor_goes_through():
    assert attempt(Chain, asked()) == []
    found = attempt(Chain, asked(factors=[7.0]))
    assert {marked(Chain)[0] - 1, *marked(Chain)} <= {repair.first for repair in found if repair.whole}
    assert all("/ 7`" in repair.says for repair in found)


def test_finds_faults_one_after_the_other():
    found = attempt(Two, asked())
    first = {turn: next(each for each in found if each.round == turn) for turn in (0, 1)}
    assert sorted(each.first for each in first.values()) == marked(Two)
    assert all(each.whole for each in first.values())


def test_finds_what_a_default_and_a_number_set():
    found = attempt(Keeps, asked())
    assert {each.first for each in found if each.round == 0} >= {marked(Keeps)[0]}
    assert {each.says for each in found} >= {"with `0.0` for `0.5`", "with `(the learning rate)` for `0.3`"}


def test_ends_what_never_would():
    best, *_ = attempt(Waits, asked())
    assert [best.first] == marked(Waits)
    assert best.says == "with `loss` for `2 * loss`"


def test_puts_everything_back():
    task = asked().tasks[0]
    before, code = perform(Two, task), Two.train_on_batch.__code__
    attempt(Two, asked(seconds=0.5))
    assert Two.train_on_batch.__code__ is code
    after = perform(Two, task)
    for one, other in zip(before.steps, after.steps, strict=True):
        assert one.loss == other.loss
        assert all(np.array_equal(a, b) for a, b in zip(one.after or [], other.after or [], strict=True))


def test_writes_nothing_meanwhile(tmp_path, monkeypatch):
    log = tmp_path / "log"
    monkeypatch.setattr(Writes, "log", str(log))
    assert attempt(Writes, asked(seconds=0.3)) == []
    assert not log.exists()


def test_ends_when_the_time_is_over():
    assert attempt(Scalar, asked(seconds=0.0)) == []
