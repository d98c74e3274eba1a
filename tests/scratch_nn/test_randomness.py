import numpy as np
import pytest

from scratch_nn.initializers import uniform
from scratch_nn.randomness import Streams


def test_an_integer_seed_is_the_articles_stream_layer_by_layer():
    streams, article = Streams(99, None), np.random.RandomState(99)
    for units, inputs in ((6, 4), (8, 6), (3, 8)):
        drawn = streams.draw(uniform, units, inputs)
        np.testing.assert_array_equal(drawn, [article.uniform(-1, 1, size=(units, inputs))])


def test_without_a_seed_every_network_draws_afresh():
    first, second = Streams(None, None), Streams(None, None)
    assert not np.array_equal(first.draw(uniform, 3, 3), second.draw(uniform, 3, 3))
    assert not np.array_equal(first.permutations(50), second.permutations(50))


def test_replicates_of_one_seed_differ_and_come_back():
    once, again = (Streams(7, 3) for _ in range(2))
    kernels, orders = once.draw(uniform, 2, 5), once.permutations(20)
    assert kernels.shape == (3, 2, 5)
    assert len(np.unique(kernels)) == kernels.size
    assert len(np.unique(orders, axis=0)) == 3
    np.testing.assert_array_equal(kernels, again.draw(uniform, 2, 5))
    np.testing.assert_array_equal(orders, again.permutations(20))


@pytest.mark.parametrize("seeds", [[0, 1, 2], np.array([0, 1, 2]), np.random.SeedSequence(5).spawn(3)])
def test_a_stack_given_seeds_has_each_networks_own_streams(seeds):
    stack = Streams(seeds, 3)
    kernels, orders = stack.draw(uniform, 2, 2), stack.permutations(9)
    for replicate, seed in enumerate(seeds):
        alone = Streams(seed, None)
        np.testing.assert_array_equal(alone.draw(uniform, 2, 2)[0], kernels[replicate])
        np.testing.assert_array_equal(alone.permutations(9), orders[replicate])


@pytest.mark.parametrize("replicates", [None, 2])
def test_a_seed_sequence_gives_the_same_streams_every_time_it_is_given(replicates):
    seed = np.random.SeedSequence(1)
    first, second = Streams(seed, replicates), Streams(seed, replicates)
    np.testing.assert_array_equal(first.draw(uniform, 2, 2), second.draw(uniform, 2, 2))
    np.testing.assert_array_equal(first.permutations(9), second.permutations(9))
    assert seed.n_children_spawned == 0


def test_orders_do_not_depend_on_the_weights_drawn_before():
    """So that weights set from outside leave the orders as they are."""
    drawn, undrawn = Streams(1, None), Streams(1, None)
    drawn.draw(uniform, 4, 4)
    np.testing.assert_array_equal(drawn.permutations(30), undrawn.permutations(30))


def test_an_order_visits_every_sample_once_and_the_next_differs():
    streams = Streams(0, None)
    first, second = streams.permutations(40), streams.permutations(40)
    assert sorted(first) == sorted(second) == list(range(40))
    assert not np.array_equal(first, second)


def test_a_part_continues_the_same_streams():
    whole, again = Streams(3, 4), Streams(3, 4)
    np.testing.assert_array_equal(whole.part(slice(1, 3)).permutations(8), again.permutations(8)[1:3])


@pytest.mark.parametrize(("seed", "replicates", "came"), [([1, 2], 3, 2), ([1, 2], None, 2)])
def test_the_wrong_number_of_seeds_is_told(seed, replicates, came):
    with pytest.raises(
        ValueError, match=rf"^`seed` must be one seed or one per replicate \({replicates}\). Received: {came}"
    ):
        Streams(seed, replicates)


def test_the_global_state_is_neither_read_nor_written():
    before = np.random.get_state(legacy=False)  # noqa: NPY002 - the point of the test
    first = Streams(None, 2).permutations(30)
    np.random.set_state(before)  # noqa: NPY002
    second = Streams(None, 2).permutations(30)
    after = np.random.get_state(legacy=False)  # noqa: NPY002
    assert not np.array_equal(first, second)
    np.testing.assert_equal(before, after)
