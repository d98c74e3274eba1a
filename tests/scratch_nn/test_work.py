import tracemalloc

import numpy as np
import pytest

from scratch_nn import work
from scratch_nn.work import BatchWork, replicates_per_block


@pytest.fixture
def stack(make, data):
    """A stack of 3, weights drawn, dtype float32."""
    net = make((5, (4, "tanh"), 3), replicates=3, seed=0, dtype="float32")
    net.train(data.X, data.y, 1)
    return net


def arrays_in(thing):
    """Every array that hangs on an object of this package, at any depth."""
    for value in vars(thing).values():
        if isinstance(value, np.ndarray):
            yield value
        elif isinstance(value, list):
            yield from (array for item in value for array in arrays_in(item))
        elif type(value).__module__.startswith("scratch_nn") and hasattr(value, "__dict__"):
            yield from arrays_in(value)


@pytest.mark.parametrize("shared", [True, False])
def test_every_float_buffer_has_the_networks_dtype(stack, shared):
    found = list(arrays_in(stack.work_for(7, shared)))
    assert len(found) > 20
    assert {array.dtype for array in found if array.dtype.kind == "f"} == {np.dtype("float32")}


def test_a_shared_batch_has_no_replicate_axis(stack):
    assert stack.work_for(7, shared=True).X.shape == (7, 5)
    assert stack.work_for(7, shared=False).X.shape == (3, 7, 5)


def test_load_takes_rows_of_data_and_labels(stack, data):
    X_and_ones = np.column_stack([data.X, np.ones(23)]).astype("float32")
    rows = np.array([[3, 1], [0, 2], [22, 22]])
    batch = stack.work_for(2, shared=False)
    batch.load(X_and_ones, data.y, rows)
    np.testing.assert_array_equal(batch.X, X_and_ones[rows])
    np.testing.assert_array_equal(batch.loss.y, data.y[rows])


def test_buffers_are_made_once_for_each_batch_size(stack):
    assert stack.work_for(7, shared=True) is stack.work_for(7, shared=True)
    assert stack.work_for(7, shared=True) is not stack.work_for(8, shared=True)


@pytest.mark.parametrize("activation", ["linear", "relu", "leaky_relu", "sigmoid", "tanh"])
@pytest.mark.parametrize("replicates", [None, 4])
def test_a_step_in_the_steady_state_allocates_no_array(make, activation, replicates):
    n = 100_000  # a byte per sample stands out from the 64 kB that NumPy casts through
    rng = np.random.default_rng(0)
    X_and_ones, y = rng.normal(size=(n, 5)).astype("float32"), rng.integers(0, 3, n)
    net = make(((6, activation), 3), seed=0, dtype="float32", replicates=replicates)
    net.build(4)
    rows = rng.permutation(n) if replicates is None else np.stack([rng.permutation(n)] * replicates)
    batch = net.work_for(n, shared=replicates is None)
    for _ in range(2):
        batch.load(X_and_ones, y, rows)
        net.step(batch)
    tracemalloc.start()
    try:
        batch.load(X_and_ones, y, rows)
        net.step(batch)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < n


def test_a_block_holds_at_least_one_replicate_and_more_of_smaller_batches():
    shapes = [(4, 6), (6, 3)]
    assert replicates_per_block(shapes, 10**9, 8) == 1
    assert replicates_per_block(shapes, 75, 4) == 2 * replicates_per_block(shapes, 150, 4)
    block = replicates_per_block(shapes, 150, 4)
    assert 4 * 9 * 150 * 4 * block <= work.BLOCK_BYTES < 4 * 9 * 150 * 4 * (block + 1)


def test_the_output_layers_error_is_where_the_loss_leaves_it(stack):
    batch: BatchWork = stack.work_for(7, shared=True)
    assert batch.layers[-1].dZ is batch.loss.P
