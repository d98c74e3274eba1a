"""All contestants must do the same work, or their times say nothing."""

from importlib.util import find_spec

import numpy as np
import pytest

from benchmarks import contestants
from benchmarks.contestants import Task


def task(batch=30, replicates=None):
    rng = np.random.default_rng(0)
    return Task(rng.normal(size=(30, 4)).astype("float32"), rng.integers(0, 3, 30), (6, 5, 3), batch, replicates)


def plain(task, epochs=3):
    """The scratch network's losses."""
    return contestants.scratch(task)(epochs)


@pytest.mark.parametrize("batch", [30, 8])
def test_compiled_keras_trains_as_the_scratch_network(batch):
    np.testing.assert_allclose(contestants.keras_compiled(task(batch))(3), plain(task(batch)), rtol=1e-5)


def test_keras_fit_trains_as_the_scratch_network():
    np.testing.assert_allclose(contestants.keras_fit(task())(3), plain(task()), rtol=1e-5)


# The peers come with the extra "bench", which `make bench` installs; where they are, they are tested.
if find_spec("torch"):

    def test_pytorch_trains_as_the_scratch_network():
        np.testing.assert_allclose(contestants.pytorch(task())(3), plain(task()), rtol=1e-5)

    def test_pytorch_takes_the_same_batches():
        steps = contestants.pytorch(task(batch=8))(1)
        assert np.average(steps, weights=[8, 8, 8, 6]) == pytest.approx(plain(task(batch=8), 1)[0], rel=1e-5)


if find_spec("jax"):

    @pytest.mark.parametrize("replicates", [None, 4])
    def test_jax_trains_as_the_scratch_network(replicates):
        np.testing.assert_allclose(
            contestants.jax_scan(task(replicates=replicates))(3), plain(task(replicates=replicates)), rtol=1e-5
        )


def test_scikit_learn_makes_as_many_epochs_and_learns():
    losses = contestants.scikit_learn(task())(300)
    assert len(losses) == 300
    assert losses[-1] < losses[0]


def test_the_matrix_products_are_those_of_every_step(monkeypatch):
    counted = []
    monkeypatch.setattr(np, "matmul", lambda *arrays, out: counted.append(out.shape))
    contestants.matrix_products(task(batch=10))(2)
    # 3 products forward, 3 for the kernels, 2 for the errors below; 3 batches, 2 epochs.
    assert len(counted) == (3 + 3 + 2) * 3 * 2
