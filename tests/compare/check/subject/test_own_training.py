"""What a `train` or `fit` takes is told from its parameters' names; what is not understood is not called."""

import numpy as np
import pytest

from compare.check.subject.drivers import InProcess
from compare.check.subject.own_training import understood
from compare.check.subject.tasks import Task
from compare.recipe.architecture import dense
from compare.recipe.recipe import Recipe
from examples.correct import Network as Plain

RECIPE = Recipe(dense((4, 5, 3), learning_rate=0.125), 6, 6)


def task(**options):
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=weight.shape) for weight in RECIPE.architecture.weights]
    options = {"epochs": 2, "batch_size": 4} | options
    return Task(RECIPE, rng.normal(size=(6, 4)), np.arange(6) % 3, [], [weights], **options)


def calls(method):
    """The subject with this method, and the keywords that it was called with."""
    seen: list[dict[str, object]] = []

    class Subject(Plain):
        fit = method(seen)

    return Subject, seen


@pytest.mark.parametrize(
    ("method", "words"),
    [
        (lambda x, y, epochs, callbacks: 0, "needs callbacks"),
        (lambda x, y, x_val, y_val, epochs=3: 0, "needs x_val and y_val"),
        (lambda x, y: 0, "takes no number of epochs"),
        (lambda loader, epochs: 0, "takes no samples and labels"),
        (lambda x, epochs, seed=0: 0, "takes no samples and labels"),
        (lambda *args, **options: 0, "takes no samples and labels"),
    ],
)
def test_what_is_not_understood_is_said(method, words):
    assert understood("fit", method).trouble == words


def test_a_signature_is_told_without_what_only_prints():
    assert (
        understood("fit", lambda X, y, epochs, *rest, verbose=1, **more: 0).signature
        == "fit(X, y, epochs, *rest, **more)"
    )


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (lambda seen: lambda self, X, y, n_iter: seen.append({"n_iter": n_iter}), {"n_iter": 2}),
        (
            lambda seen: lambda self, X, y=None, epochs=9, minibatch_size=8, shuffle=True, lr=1.0: seen.append(
                {"epochs": epochs, "size": minibatch_size, "shuffle": shuffle, "lr": lr}
            ),
            {"epochs": 2, "size": 4, "shuffle": False, "lr": 0.125},
        ),
        (
            lambda seen: lambda self, epochs, data, labels: seen.append({"x": data.shape, "epochs": epochs}),
            {"x": (6, 4), "epochs": 2},
        ),
    ],
)  # fmt: skip
def test_options_get_what_their_names_mean(method, expected):
    subject, seen = calls(method)
    done = InProcess(subject).perform(task())
    assert done.refusal is None
    assert seen == [expected]


def test_the_method_that_is_understood_is_taken():
    class Both(Plain):
        def train(self, x, y):
            raise ValueError("a step, not a training")

        def fit(self, x, y, epochs):
            return [0.5] * epochs

    assert InProcess(Both).perform(task()).history == [0.5, 0.5]
    assert InProcess(Both).describe(RECIPE)["method"] == {"signature": "fit(x, y, epochs)", "trouble": None}


class History:
    history = {"loss": [3, 2]}  # noqa: RUF012 (as Keras keeps it)


@pytest.mark.parametrize(
    "told", [[3, 2], (3.0, 2.0), {"loss": [3, 2]}, ([3, 2], [0.5, 0.6]), History(), np.array([[3.0], [2.0]])]
)
def test_histories_are_found_where_real_code_has_them(told):
    class Returns(Plain):
        def fit(self, x, y, epochs):
            return told

    class Keeps(Plain):
        def fit(self, x, y, epochs):
            self.losses = told

    for subject in (Returns, Keeps):
        assert InProcess(subject).perform(task()).history == [3, 2]
