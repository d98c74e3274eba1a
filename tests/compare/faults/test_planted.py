import numpy as np
import pytest

from compare.check.steps.situations import draw_weights
from compare.faults import FAULTS, combine
from compare.faults.fault import Cause
from compare.faults.planted import FaultyNetwork, StaleActivations
from compare.mathematics.rules import CORRECT, retake_step, take_step
from compare.recipe.architecture import dense
from compare.recipe.recipe import Recipe
from scratch_nn import DenseLayer, Network

RECIPE = Recipe(dense((4, 6, 8, 8, 3)), 150, 32)


def stack(kind, **options):
    network = kind(0.01, **options)
    for units in (6, 8, 8, 3):
        network.add(DenseLayer(units))
    network.build(4)
    return network


def test_without_faults_the_planted_network_is_the_scratch_network(iris):
    planted, scratch = FaultyNetwork([], RECIPE), stack(Network, seed=0)
    planted.set_weights(scratch.get_weights())
    for rows in (np.arange(32), np.arange(128, 150)):
        loss, accuracy = planted.train_on_batch(iris.X[rows], iris.y[rows])
        expected = scratch.train_on_batch(iris.X[rows], iris.y[rows])
        assert loss == pytest.approx(expected[0], rel=1e-14)
        assert accuracy == expected[1]
    for ours, theirs in zip(planted.get_weights(), scratch.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-14)


def test_the_articles_network_has_the_catalogues_stale_activations(iris):
    planted, article = FaultyNetwork(["stale activations"], RECIPE), stack(StaleActivations, seed=0)
    planted.set_weights(article.get_weights())
    for _ in range(5):
        planted.train_on_batch(iris.X, iris.y)
        article.train_on_batch(iris.X, iris.y)
    for ours, theirs in zip(planted.get_weights(), article.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-13)


def test_training_is_that_of_the_scratch_network(iris):
    planted, scratch = FaultyNetwork([], RECIPE), stack(Network, seed=0)
    planted.set_weights(scratch.get_weights())
    orders = np.stack([np.random.default_rng(0).permutation(150) for _ in range(3)])
    for network in (planted, scratch):
        network.train(iris.X, iris.y, 3, 32, orders)
    np.testing.assert_allclose(planted.loss, scratch.loss, rtol=1e-13)
    np.testing.assert_allclose(planted.accuracy, scratch.accuracy)


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_is_told_in_words(name):
    cause = FaultyNetwork([name], RECIPE).causes[0]
    assert "{" not in cause.words + cause.fix
    assert cause.fix[0].islower()


def test_no_faults_are_the_correct_rules():
    assert combine([]) is CORRECT


@pytest.mark.parametrize("name", FAULTS)
def test_a_step_taken_again_beside_another_is_the_step_taken_anew(iris, name):
    recipe = Recipe(dense((4, 6, 6, 3), ("tanh", "relu")), 150, 32)
    weights = draw_weights(recipe.architecture, np.random.default_rng(0), iris.X)
    base = Cause(FAULTS[name], FAULTS[name].example)
    for further in [(), *((Cause(fault, fault.example),) for fault in FAULTS.values())]:
        causes = (base, *further)
        each = [combine(given) for given in ((), causes[:1], causes)]
        memories: list[dict[str, object]] = [{} for _ in each]
        again: dict[str, object] = {}
        for rows in (np.arange(3), np.arange(3, 5)):
            try:
                right, less, anew = (
                    take_step(rules, recipe, weights, iris.X[rows], iris.y[rows], memory)
                    for rules, memory in zip(each, memories, strict=True)
                )
            except (ValueError, IndexError):  # as the faulty code would
                break
            like, theirs = (less, each[1]) if further else (right, CORRECT)
            step = retake_step(each[2], like, theirs, again)
            np.testing.assert_array_equal(step.loss, anew.loss)
            for one, other in zip(step.after, anew.after, strict=True):
                np.testing.assert_array_equal(one, other)
