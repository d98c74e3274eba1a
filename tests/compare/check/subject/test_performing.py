"""In this process too, whatever a subject does is a finding; only the user's own interrupt is not the subject's."""

import os
import signal

import numpy as np
import pytest

from compare.check.steps.situations import draw_weights
from compare.check.subject.drivers import InProcess
from compare.check.subject.exceptions import Interrupted, describe
from compare.check.subject.performing import ERRORS
from compare.check.subject.tasks import Task
from compare.recipe.architecture import dense
from compare.recipe.recipe import Recipe
from examples.correct import Network as Plain

RECIPE = Recipe(dense((4, 5, 3), learning_rate=0.1), 20, 8)


def task(steps=3, free=True):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 4)), np.arange(20) % 3
    weights = draw_weights(RECIPE.architecture, rng, X)
    return Task(RECIPE, X, y, [np.arange(20)] * steps, [weights] * (1 if free else steps), free=free)


def refusal(subject, steps=3, free=True):
    """Why it stopped, in words."""
    return InProcess(subject).perform(task(steps, free)).refusal or ""


class Unprintable(Exception):
    def __str__(self):
        raise BaseException


class Rude(BaseException):
    pass


def raises(error):
    """Raises in its second step."""

    class Raises(Plain):
        made = 0

        def train_on_batch(self, x, y):
            self.made += 1
            if self.made == 2:
                raise error
            return super().train_on_batch(x, y)

    return Raises


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("one\ntwo"), "it raises ValueError: one two (test_performing.py, line "),
        (Unprintable(), "it raises Unprintable, which cannot be printed (test_performing.py, line "),
        (KeyboardInterrupt(), "it raises KeyboardInterrupt (test_performing.py, line "),
        (GeneratorExit(), "it raises GeneratorExit (test_performing.py, line "),
        (MemoryError(), "it raises MemoryError (test_performing.py, line "),
        (Rude(), "it raises Rude (test_performing.py, line "),
        (SystemExit(0), "it calls exit"),
        (pytest.skip.Exception("later"), "it raises Skipped: later (test_performing.py, line "),
    ],
)
def test_whatever_is_raised_ends_the_situation_with_a_line(error, words):
    done = InProcess(raises(error)).perform(task())
    assert [did.error is None for did in done.steps] == [True, False]
    assert done.refusal == done.steps[1].error
    assert refusal(raises(error)).startswith(words)
    assert "\n" not in refusal(raises(error))


@pytest.mark.parametrize("error", [Unprintable(), KeyboardInterrupt(), Rude(), type("x" * 9000, (Exception,), {})()])
def test_so_is_what_is_raised_where_a_subject_is_made(error):
    def make(layer_sizes, learning_rate):
        raise error

    assert InProcess(make).perform(task()).refusal == describe(error)
    assert len(describe(error)) <= 2000
    assert describe(error) in InProcess(make).describe(RECIPE)["error"]


class Recursive(Plain):
    def train_on_batch(self, x, y):
        return self.train_on_batch(x, y)


class Closes(Plain):
    """Closes what it prints to."""

    def train_on_batch(self, x, y):
        import sys

        sys.stdout.close()
        return super().train_on_batch(x, y)


def test_recursion_ends_and_closed_output_does_no_harm():
    assert "it raises RecursionError" in refusal(Recursive)
    done = InProcess(Closes).perform(task())
    assert len(done.steps) == 3
    assert done.refusal is None


def test_errors_in_a_row_end_a_situation_and_are_its_refusal():
    done = InProcess(Recursive).perform(task(ERRORS + 2, free=False))
    assert len(done.steps) == ERRORS
    assert done.refusal == f"{done.steps[-1].error}, in {ERRORS} steps in a row"


class Drifts(Plain):
    """Gives other weights each time it is asked."""

    asked = 0

    def get_weights(self):
        self.asked += 1
        return [w + 1e-3 * (self.asked == 3) for w in super().get_weights()]


def test_weights_that_change_between_steps_are_an_error():
    assert "its weights change between two steps" in refusal(Drifts)
    assert len(InProcess(Drifts).perform(task()).steps) == 2


def test_weights_may_be_not_a_number_from_one_step_to_the_next():
    class Spoils(Plain):
        def train_on_batch(self, x, y):
            loss = super().train_on_batch(x, y)
            self.W[0][0, 0] = np.nan
            return loss

    assert not refusal(Spoils)


class Interrupts(Plain):
    """Is interrupted from outside, and may swallow it."""

    swallows = False

    def train_on_batch(self, x, y):
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except BaseException:
            if not self.swallows:
                raise
        return super().train_on_batch(x, y)


class Swallows(Interrupts):
    swallows = True


@pytest.fixture
def usual_interrupts():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("usual_interrupts")
@pytest.mark.parametrize("subject", [Interrupts, Swallows])
def test_the_user_s_own_interrupt_is_let_through(subject):
    with pytest.raises(Interrupted):
        InProcess(subject).perform(task())
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


class Forks(Plain):
    """A copy of the whole check must not go on beside it."""

    def train_on_batch(self, x, y):
        if os.fork() == 0:
            raise ValueError("in the copy")
        os.wait()
        return super().train_on_batch(x, y)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of fork beside threads
def test_a_forked_copy_of_the_check_ends():
    done = InProcess(Forks).perform(task())
    assert done.refusal is None
    assert len(done.steps) == 3
