"""Streams depend on seed and purpose alone; orders are permutations; nudges are one unit in the last place."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from compare.recipe.orders import batch_orders, in_order, permuted_inside_batches
from compare.recipe.streams import integer_seeds, one_ulp_apart, stream


def test_a_stream_depends_on_seed_and_purpose_alone():
    def draw(*purpose):
        return np.random.default_rng(stream(*purpose)).random()

    assert draw(0, "a", "b") == draw(0, "a", "b")
    assert len({draw(0, "a", "b"), draw(1, "a", "b"), draw(0, "b", "a"), draw(0, "a")}) == 4


@given(st.integers(1, 5), st.integers(1, 40))
def test_orders_are_permutations(epochs, n):
    orders = batch_orders(np.random.SeedSequence(1), epochs, n)
    assert np.array_equal(np.sort(orders, axis=1), in_order(epochs, n))


@given(st.integers(1, 40), st.integers(1, 12))
def test_batches_keep_their_samples(n, batch_size):
    orders = batch_orders(np.random.SeedSequence(1), 2, n)
    variants = permuted_inside_batches(orders, batch_size, 3, np.random.SeedSequence(2))
    assert variants.shape == (3, 2, n)
    for start in range(0, n, batch_size):
        batch = slice(start, start + batch_size)
        assert np.array_equal(np.sort(variants[..., batch], axis=-1), np.sort(np.tile(orders[:, batch], (3, 1, 1)), -1))


def test_variants_differ():
    orders = in_order(1, 50)
    variants = permuted_inside_batches(orders, 50, 3, np.random.SeedSequence(2))
    assert len({tuple(variant[0]) for variant in variants} | {tuple(orders[0])}) == 4


def test_nudged_weights_are_neighbours():
    weights = [np.array([[1.0, -2.0], [3.0, 4.0]], np.float32), np.zeros(2, np.float32)]
    kernels, biases = one_ulp_apart(weights, 50, np.random.SeedSequence(0))
    assert kernels.dtype == biases.dtype == np.float32
    steps = np.abs(kernels - weights[0]) / np.spacing(np.abs(weights[0]))
    assert set(np.unique(steps)) <= {0, 0.5, 1}
    assert steps.any()
    assert np.abs(biases).max() < 1e-40


def test_integer_seeds_differ():
    seeds = integer_seeds(np.random.SeedSequence(0), 200)
    assert len(set(seeds)) == 200
    assert all(0 <= seed < 2**31 for seed in seeds)
