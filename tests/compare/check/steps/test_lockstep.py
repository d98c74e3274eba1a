"""What a situation yields: steps judged from equal weights, and why it was not driven to its end, if it was not."""

from dataclasses import replace

import numpy as np
import pytest

from compare.check.steps.lockstep import drive_all, without_loss
from compare.check.steps.reference import build_reference
from compare.check.steps.situations import Situation, draw_weights
from compare.check.subject.drivers import InProcess
from compare.recipe.architecture import dense
from compare.recipe.recipe import Recipe
from examples.correct import Network as Plain

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 4)), np.arange(20) % 3
RECIPE = Recipe(dense((4, 5, 3), learning_rate=0.1), 20, 8)
LOCKSTEP = Situation("lockstep", X, Y, [np.arange(20)] * 7, draw_weights(RECIPE.architecture, RNG, X))
FREE = replace(LOCKSTEP, name="free-running", free=True)


def run(subject, situation):
    (found,) = drive_all(build_reference(RECIPE), [situation], InProcess(subject).perform_all, lambda: None)
    return found


class Counts(Plain):
    made = 0

    def train_on_batch(self, x, y):
        self.made += 1
        return self.act(super().train_on_batch(x, y))

    def act(self, loss):
        return loss


class BecomesNaN(Counts):
    def act(self, loss):
        if self.made == 3:
            self.W[1][:] = np.nan
        return loss


class Raises(Counts):
    def act(self, loss):
        if self.made > 1:
            raise KeyboardInterrupt
        return loss


class Silent(Counts):
    def act(self, loss):
        return loss if self.made == 1 else None


@pytest.mark.parametrize("situation", [LOCKSTEP, FREE])
def test_a_right_subject_is_driven_to_the_end(situation):
    found = run(Plain, situation)
    assert found.ended is None
    assert found.beyond is None
    assert len(found.steps) == found.planned == 7
    assert found.first_wrong is None


def test_a_free_running_subject_that_becomes_nan_is_wrong_in_that_step_and_ended():
    found = run(BecomesNaN, FREE)
    assert found.first_wrong == 2
    assert len(found.steps) == 3
    assert found.ended == "its weights are not finite after 3 of 7 steps, and Keras's are"


def test_errors_end_a_situation():
    found = run(Raises, FREE)
    assert len(found.steps) == 2
    assert (found.ended or "").startswith("it raises KeyboardInterrupt")
    found = run(Raises, LOCKSTEP)
    assert len(found.steps) == 6
    assert (found.ended or "").endswith("in 5 steps in a row")


def test_a_factory_that_fails_leaves_no_step_and_a_reason():
    found = run(lambda layer_sizes, learning_rate: 1 / 0, LOCKSTEP)
    assert found.steps == []
    assert found.planned == 7
    assert "ZeroDivisionError" in (found.ended or "")


@pytest.mark.parametrize("situation", [LOCKSTEP, FREE])
def test_where_keras_itself_overflows_nothing_is_the_subject_s_fault(situation):
    class Raises(Plain):
        def train_on_batch(self, x, y):
            loss = super().train_on_batch(x, y)
            if not all(np.abs(W).max() < 1e250 for W in self.W):
                raise FloatingPointError("too large")
            return loss

    huge = replace(situation, X=X * 1e140)
    found = run(Raises, huge)
    assert found.ended is None
    assert found.planned < 7
    assert found.beyond == f"Keras's own numbers overflow after {found.planned} of 7 steps"


def test_kernels_that_do_not_come_back_as_they_were_set_are_an_error():
    class SetsOnce(Plain):
        done = 0

        def set_weights(self, weights):
            self.done += 1
            if self.done < 3:
                super().set_weights(weights)

    found = run(SetsOnce, LOCKSTEP)
    assert found.first_wrong == 2
    assert found.steps[2].did.error == "`set_weights`: weights[0] does not come back as it was set"


def test_situations_without_a_loss_are_told_where_others_have_one():
    runs = [run(Silent, LOCKSTEP), run(Plain, FREE)]
    assert without_loss(runs) == ["lockstep"]
    assert without_loss([run(Plain, FREE)]) == []


def test_a_subject_is_told_how_large_the_situation_s_data_are():
    told = []

    def make(layer_sizes, learning_rate, n_samples, batch_size):
        told.append((n_samples, batch_size))
        return Plain(layer_sizes, learning_rate)

    run(make, replace(LOCKSTEP, batches=[np.arange(6), np.arange(4)]))
    assert told == [(20, 6)]


def test_afterwards_the_reference_has_its_own_learning_rate_again():
    reference = build_reference(RECIPE)
    other = replace(LOCKSTEP, name="another rate", learning_rate=0.3)
    drive_all(reference, [FREE, other], InProcess(Plain).perform_all, lambda: None)
    assert float(reference.model.optimizer.learning_rate) == np.float64(0.1)


def test_situations_are_judged_by_their_own_learning_rate_though_the_next_is_posed_before():
    def ahead(tasks):
        tasks = list(tasks)
        return (InProcess(Plain).perform(task) for task in tasks)

    other = replace(FREE, name="another rate", learning_rate=0.3)
    runs = drive_all(build_reference(RECIPE), [FREE, other, LOCKSTEP], ahead, lambda: None)
    assert [run.first_wrong for run in runs] == [None] * 3
