import tracemalloc

import numpy as np
import pytest

from scratch_nn.model import Model


@pytest.fixture
def stack(make):
    """A stack of 3, weights drawn, dtype float32."""
    net = make((5, (4, "tanh"), 3), replicates=3, seed=0, dtype="float32")
    net.build(4)
    return net


@pytest.fixture
def X_and_ones(data):
    return np.column_stack([data.X, np.ones(23)]).astype("float32")


def test_load_takes_rows_of_data_and_labels(stack, data, X_and_ones):
    rows = np.array([[3, 1], [0, 2], [22, 22]])
    batch = stack.batch_of(2, shared=False)
    batch.load(X_and_ones, data.y, rows)
    np.testing.assert_array_equal(batch.X, X_and_ones[rows])
    np.testing.assert_array_equal(batch.loss.y, data.y[rows])


def test_a_shared_batch_is_one_batch_for_every_replicate(stack, data, X_and_ones):
    rows = np.array([3, 1, 4])
    shared, own = stack.batch_of(3, shared=True), stack.batch_of(3, shared=False)
    shared.load(X_and_ones, data.y, rows)
    own.load(X_and_ones, data.y, np.stack([rows] * 3))
    assert (shared.X.shape, own.X.shape) == ((3, 5), (3, 3, 5))
    measured = []
    for batch in (shared, own):
        loss, correct = stack.loss_and_gradient(batch)
        measured.append((loss, correct, stack.gradient.copy()))
    np.testing.assert_equal(measured[0], measured[1])


def test_a_step_is_forward_loss_backward_update(stack, data, X_and_ones):
    twin = Model(stack.optimizer)
    twin.bind(stack.parameters.part(slice(None)))
    before = stack.theta.copy()
    batch = stack.batch_of(23, shared=True)
    batch.load(X_and_ones, data.y)
    stepped, after = stack.step(batch), stack.theta.copy()
    twin.theta[:] = before
    by_hand = twin.batch_of(23, shared=True)
    by_hand.load(X_and_ones, data.y)
    twin.forward(by_hand)
    measured = by_hand.loss.value(), by_hand.loss.correct()
    by_hand.loss.gradient()
    twin.backward(by_hand)
    twin.update()
    np.testing.assert_equal(stepped, measured)
    np.testing.assert_array_equal(after, twin.theta)
    assert (after != before).any()


def test_a_part_steps_as_it_does_within_the_stack(stack, data, X_and_ones):
    part, before = stack.part(slice(1, 3)), stack.theta.copy()
    measured, after = [], []
    for model in (part, stack):
        stack.theta[:] = before
        batch = model.batch_of(23, shared=True)
        batch.load(X_and_ones, data.y)
        measured.append(model.step(batch))
        after.append(stack.theta.copy())
    np.testing.assert_equal(measured[0], tuple(values[1:] for values in measured[1]))
    np.testing.assert_array_equal(after[0][1:], after[1][1:])
    np.testing.assert_array_equal(after[0][0], before[0])


@pytest.mark.parametrize("activation", ["linear", "relu", "leaky_relu", "sigmoid", "tanh"])
@pytest.mark.parametrize("replicates", [None, 4])
def test_a_step_in_the_steady_state_allocates_no_array(make, activation, replicates):
    n = 100_000  # a byte per sample stands out from the 64 kB that NumPy casts through
    rng = np.random.default_rng(0)
    X_and_ones, y = rng.normal(size=(n, 5)).astype("float32"), rng.integers(0, 3, n)
    net = make(((6, activation), 3), seed=0, dtype="float32", replicates=replicates)
    net.build(4)
    rows = rng.permutation(n) if replicates is None else np.stack([rng.permutation(n)] * replicates)
    batch = net.batch_of(n, shared=replicates is None)
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
