import tracemalloc

import numpy as np
import pytest


@pytest.mark.parametrize("batch_size", [4, 23, 1000])
def test_epoch_values_are_means_over_batches_weighted_by_their_size(make, data, batch_size):
    net, stepwise = make(seed=0), make(seed=0)
    order = np.random.default_rng(0).permutation(23)
    net.train(data.X, data.y, 1, batch_size, [order])
    parts = [
        (len(rows), *stepwise.train_on_batch(data.X[rows], data.y[rows]))
        for rows in (order[start : start + batch_size] for start in range(0, 23, batch_size))
    ]
    size, loss, accuracy = np.transpose(parts)
    assert net.loss[0] == pytest.approx(np.average(loss, weights=size), rel=1e-14)
    assert net.accuracy[0] == pytest.approx(np.average(accuracy, weights=size), rel=1e-14)
    np.testing.assert_equal(net.get_weights(), stepwise.get_weights())


def test_training_continued_is_training_in_one_go(make, data):
    whole, halves = make(seed=2), make(seed=2)
    whole.train(data.X, data.y, 6, batch_size=8)
    losses = []
    for _ in range(2):
        halves.train(data.X, data.y, 3, batch_size=8)
        losses.append(halves.loss)
    np.testing.assert_array_equal(whole.loss, np.concatenate(losses))
    np.testing.assert_equal(whole.get_weights(), halves.get_weights())


@pytest.mark.parametrize("batch_size", [None, 8])
def test_memory_does_not_grow_with_epochs_beyond_the_trajectory(make, data, batch_size):
    def beyond_trajectory(epochs):
        net = make(seed=0)
        net.train(data.X, data.y, 3, batch_size)
        tracemalloc.start()
        try:
            net.train(data.X, data.y, epochs, batch_size)
            return tracemalloc.get_traced_memory()[1] - net.loss.nbytes - net.accuracy.nbytes
        finally:
            tracemalloc.stop()

    assert beyond_trajectory(2_000) - beyond_trajectory(100) < 1_000


def test_verbose_prints_every_so_manieth_epoch(make, data, capsys):
    net = make(seed=0)
    net.train(data.X, data.y, 41, verbose=20)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"epoch {epoch}: accuracy {net.accuracy[epoch]}, loss {net.loss[epoch]}" for epoch in (0, 20, 40)]
    net.train(data.X, data.y, 41)
    assert capsys.readouterr().out == ""


def test_verbose_prints_a_stacks_medians(make, data, capsys):
    net = make(seed=0, replicates=3)
    net.train(data.X, data.y, 3, verbose=2)
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"epoch 0: accuracy {np.median(net.accuracy[:, 0])}, loss {np.median(net.loss[:, 0])}"
    assert second.startswith("epoch 2: ")
