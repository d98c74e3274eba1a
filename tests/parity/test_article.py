"""The article's table comes back, its bug is found, and without it the network trains as Keras does."""

import numpy as np
import pytest

from compare.experiments.article import PUBLISHED, Article, run_article
from compare.faults.planted import StaleActivations
from scratch_nn import DenseLayer, Network


@pytest.fixture(scope="module")
def article(iris) -> Article:
    return run_article(iris)


def test_the_published_rows_come_back(article):
    assert np.abs(article.table["article_loss"] - PUBLISHED["loss"]).max() <= 1e-12
    assert np.array_equal(article.table["article_accuracy"], PUBLISHED["accuracy"])


def test_without_the_bug_the_rows_do_not_come_back_but_keras_does(article):
    assert np.abs(article.table["without_the_bug_loss"] - PUBLISHED["loss"]).max() > 0.1
    assert np.abs(article.table["without_the_bug_loss"] - article.table["keras_loss"]).max() <= 1e-13
    assert np.array_equal(article.table["without_the_bug_accuracy"], article.table["keras_accuracy"])


def test_the_articles_network_is_not_in_parity_from_the_second_step_on(article):
    verdicts = article.parity.set_index("what")["passed"]
    assert not verdicts["the article's network, loss against Keras"]
    assert article.first_wrong_step == 1
    assert article.passed


def test_the_depth_claim_is_reported_as_measured(article):
    at_180 = article.trajectories[article.trajectories["epoch"] == 180].set_index("network")["accuracy"]
    assert at_180["article"] == pytest.approx(0.82)
    assert at_180["article 6-8-3"] == pytest.approx(0.94)


def test_the_published_probabilities_of_sample_0_come_back(iris):
    network = Network(seed=99)
    for units in (6, 8, 10, 3):
        network.add(DenseLayer(units))
    first = network.predict_proba(iris.X)[0]
    assert first == pytest.approx([9.99998315e-01, 1.07470169e-06, 6.10266912e-07], rel=1e-8)


def test_stale_activations_do_not_fit_a_ragged_batch(iris):
    network = StaleActivations(seed=99)
    network.add(DenseLayer(3))
    with pytest.raises(ValueError, match="stale activations"):
        network.train(iris.X, iris.y, 1, batch_size=32)
