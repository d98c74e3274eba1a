import re

import keras
import numpy as np
import pytest

from keras_ref import (
    assemble,
    begin_anew,
    build_model,
    checks,
    draw_weights,
    fit,
    fit_compiled,
    fit_replicates,
    graphs,
)
from keras_ref.precision import precision
from keras_ref.training import steps_compiled

DTYPES = ["float32", "float64"]


def shuffled(epochs, n=23, seed=0):
    rng = np.random.default_rng(seed)
    return np.array([rng.permutation(n) for _ in range(epochs)])


def trained(train, data, seed=0, dtype="float32", epochs=4, batch_size=8, orders=None):
    """Loss, accuracy and weights of a new model."""
    model = build_model(4, (6, 5, 3), 0.1, dtype, "uniform", seed=seed)
    history = train(model, data.X, data.y, epochs, batch_size, shuffled(epochs) if orders is None else orders)
    return [history.loss, history.accuracy, *model.get_weights()]


def differing(first, second):
    """How many tensors differ in at least one bit."""
    return sum(not np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("batch_size", [None, 8, 1000], ids=["full", "ragged", "beyond"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_compiled_run_is_fit_bit_for_bit_and_replicates_share_one_graph(data, dtype, batch_size):
    plain, compiled = (build_model(4, (6, 5, 3), 0.1, dtype) for _ in range(2))
    graphs = []
    for seed in range(3):
        runs = []
        for train, model in ((fit, plain), (fit_compiled, compiled)):
            model.set_weights(draw_weights(4, (6, 5, 3), seed, "uniform", dtype))
            history = train(model, data.X, data.y, 4, batch_size, shuffled(4, seed=seed))
            runs.append([*history, *model.get_weights()])
        assert differing(*runs) == 0
        assert {array.dtype for run in runs for array in run} == {np.dtype(dtype)}
        assert len(np.unique(runs[0][0])) == 4  # it did train
        (graph,) = compiled._keras_parity_graphs.values()
        graphs.append(graph)
    assert graphs[0] is graphs[-1]


@pytest.mark.parametrize("kind", ["any shape", "one shape", "one order"])
@pytest.mark.parametrize("batch_size", [None, 8, 2], ids=["full", "unrolled", "looped"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_replicates_in_one_call_are_each_fit_bit_for_bit(data, monkeypatch, dtype, batch_size, kind):
    fixed, monotonous = kind != "any shape", kind == "one order"
    monkeypatch.setattr(graphs, "FEW", 0 if fixed else 1000)
    starts = [draw_weights(4, (6, 5, 3), seed, "uniform", dtype) for seed in range(3)]
    orders = np.stack([shuffled(4, seed=seed) for seed in range(3)])
    if monotonous:
        orders = np.repeat(orders[:, :1], 4, axis=1)
    together, alone = (build_model(4, (6, 5, 3), 0.1, dtype) for _ in range(2))
    stacked = [np.stack(tensor) for tensor in zip(*starts, strict=True)]
    loss, accuracy = fit_replicates(together, data.X, data.y, stacked, 4, batch_size, orders)
    assert len(np.unique(loss)) == loss.size
    for replicate, start in enumerate(starts):
        alone.set_weights(start)
        history = fit(alone, data.X, data.y, 4, batch_size, orders[replicate])
        assert differing(history, [loss[replicate], accuracy[replicate]]) == 0
    assert differing(alone.get_weights(), together.get_weights()) == 0, "the last one's weights are left"
    assert [(shape is not None, order) for _, shape, order in together._keras_parity_graphs] == [(fixed, monotonous)]


def test_a_graph_for_one_shape_is_made_once_it_pays_and_gives_the_same_numbers(data, monkeypatch):
    monkeypatch.setattr(graphs, "TRACING", 20)
    model, start = build_model(4, (6, 5, 3), 0.1), draw_weights(4, (6, 5, 3), 0, "uniform", "float32")
    runs = []
    for _ in range(4):  # of 9 steps each
        model.set_weights(start)
        history = fit_compiled(model, data.X, data.y, 3, 8, shuffled(3))
        runs.append([*history, *model.get_weights(), len(model._keras_parity_graphs)])
    assert [run.pop() for run in runs] == [1, 1, 2, 2]
    assert all(differing(run, runs[0]) == 0 for run in runs)
    fit_compiled(model, data.X, data.y, 3, 4, shuffled(3))
    assert len(model._keras_parity_graphs) == 2, "few steps of another shape take the graph of all"


def test_replicates_of_wrong_shapes_are_told_in_one_line(data):
    model, orders = build_model(4, (3,)), shuffled(2)[np.newaxis]
    for weights, message in (
        ([np.zeros((1, 4, 3)), np.zeros((2, 3))], "`weights` must have shapes (replicates, ...)"),
        ([np.zeros((4, 3)), np.zeros(3)], "`weights` must have shapes (replicates, ...)"),
        ([np.zeros((2, 4, 3)), np.zeros((2, 3))], "`batch_orders` must be integers of shape (2, 2, n)"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            fit_replicates(model, data.X, data.y, weights, 2, 8, orders)


@pytest.mark.parametrize("train", [fit, fit_compiled])
def test_another_order_is_seen(data, train):
    """The comparison above can fail, and both runs do follow the order that they are given."""
    orders = shuffled(4)
    changed = orders.copy()
    changed[3] = changed[3, ::-1]
    runs = [trained(train, data, orders=rows) for rows in (orders, changed)]
    np.testing.assert_array_equal(runs[0][0][:3], runs[1][0][:3])
    assert runs[0][0][3] != runs[1][0][3]
    assert differing(runs[0][2:], runs[1][2:]) == 6


def test_orders_may_leave_samples_out(data):
    orders = shuffled(4)[:, :16]
    assert differing(*(trained(train, data, orders=orders) for train in (fit, fit_compiled))) == 0


def test_training_continued_is_training_in_one_go(data):
    whole = trained(fit_compiled, data, epochs=4)
    model = build_model(4, (6, 5, 3), 0.1, initializer="uniform", seed=0)
    parts = [fit_compiled(model, data.X, data.y, 2, 8, orders) for orders in np.split(shuffled(4), 2)]
    np.testing.assert_array_equal(whole[0], np.concatenate([part.loss for part in parts]))
    assert differing(whole[2:], model.get_weights()) == 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_compiled_steps_are_train_on_batch(data, dtype):
    model, plain = (build_model(4, (6, 3), 0.1, dtype, seed=1) for _ in range(2))
    batches = [np.arange(8), np.arange(5, 23), np.array([4])]
    steps = steps_compiled(model, data.X, data.y, batches)
    assert steps.loss.dtype == steps.accuracy.dtype == dtype
    Y = np.eye(3, dtype=dtype)[data.y]
    for step, rows in enumerate(batches):
        with precision(dtype):
            loss, accuracy = plain.train_on_batch(data.X[rows].astype(dtype), Y[rows])
        assert (steps.loss[step], steps.accuracy[step]) == (loss, accuracy)
        for stacked, weight in zip(steps.weights, plain.get_weights(), strict=True):
            np.testing.assert_array_equal(stacked[step], weight)


def test_compiled_steps_are_the_steps_of_a_run(data):
    orders = shuffled(2)
    run = trained(fit_compiled, data, epochs=2, orders=orders)
    model = build_model(4, (6, 5, 3), 0.1, initializer="uniform", seed=0)
    batches = [order[start : start + 8] for order in orders for start in (0, 8, 16)]
    steps = steps_compiled(model, data.X, data.y, batches)
    weighted = np.average(steps.loss.reshape(2, 3), axis=1, weights=[8, 8, 7])
    np.testing.assert_allclose(run[0], weighted, rtol=1e-6)
    assert differing(run[2:], [stacked[-1] for stacked in steps.weights]) == 0


def test_float64_is_float64_to_the_last_digit(data):
    """A plain computation of the first loss: float32 anywhere, or clipped probabilities, would show."""
    model = build_model(4, (6, 3), 0.1, "float64", "uniform", seed=1)
    (kernel, bias, top, top_bias) = model.get_weights()
    logits = np.maximum(data.X @ kernel + bias, 0) @ top + top_bias
    loss = np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(23), data.y])
    for train in (fit, fit_compiled):
        model.set_weights([kernel, bias, top, top_bias])
        history = train(model, data.X, data.y, 1, None, [np.arange(23)])
        assert history.loss[0] == pytest.approx(loss, rel=1e-14)


@pytest.mark.parametrize("train", [fit, fit_compiled])
def test_without_orders_batches_are_shuffled_every_epoch_and_every_run(data, train):
    runs = []
    for _ in range(2):
        model = build_model(4, (5, 3), 0.1, seed=0)
        runs.append(train(model, data.X, data.y, 3, 8).loss)
    assert (runs[0] != runs[1]).all()


@pytest.mark.parametrize("train", [fit, fit_compiled])
def test_the_users_precision_is_back_afterwards_also_after_an_error(data, train):
    model = build_model(4, (3,), dtype="float64")
    train(model, data.X, data.y, 1, 8, shuffled(1))
    assert keras.config.floatx() == "float32"
    with pytest.raises(ValueError, match=r"^`batch_orders` must hold row numbers"):
        train(model, data.X, data.y, 1, 8, shuffled(1) + 1)
    assert (keras.config.floatx(), keras.config.dtype_policy().name) == ("float32", "float32")


@pytest.mark.parametrize("train", [fit, fit_compiled])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": np.zeros((23, 7))}, "`X` must have shape (n, 4), n > 0. Received: shape=(23, 7)"),
        ({"X": np.zeros((0, 4)), "y": np.zeros(0, int)}, "`X` must have shape (n, 4), n > 0. Received: shape=(0, 4)"),
        (
            {"y": np.zeros(23)},
            "`y` must be integers of shape (23,), or numbers of shape (23, 3). Received: shape=(23,), dtype=float64",
        ),
        (
            {"y": np.zeros((23, 2), int)},
            "`y` must be integers of shape (23,), or numbers of shape (23, 3). Received: shape=(23, 2), dtype=int64",
        ),
        (
            {"y": np.zeros(22, int)},
            "`y` must be integers of shape (23,), or numbers of shape (23, 3). Received: shape=(22,), dtype=int64",
        ),
        ({"y": np.full(23, 3)}, "`y` must be from 0 to 2. Received: 3 to 3"),
        ({"y": np.full(23, -1)}, "`y` must be from 0 to 2. Received: -1 to -1"),
        ({"batch_size": 0}, "`batch_size` must be a positive integer. Received: batch_size=0"),
        ({"epochs": 0}, "`epochs` must be a positive integer. Received: epochs=0"),
        ({"epochs": 0, "batch_orders": None}, "`epochs` must be a positive integer. Received: epochs=0"),
        ({"epochs": 3}, "`batch_orders` must be integers of shape (3, n). Received: shape=(2, 23), dtype=int64"),
        ({"batch_orders": np.zeros((2, 23))}, "`batch_orders` must be integers of shape (2, n)"),
        ({"batch_orders": np.full((2, 23), 23)}, "`batch_orders` must hold row numbers from 0 to 22"),
        ({"batch_orders": np.zeros((2, 0), int)}, "`batch_orders` must hold row numbers from 0 to 22"),
    ],
)
def test_bad_input_is_told_in_one_line_before_anything_is_trained(data, train, change, message):
    model = build_model(4, (3,), seed=0)
    before = model.get_weights()
    arguments = {"X": data.X, "y": data.y, "epochs": 2, "batch_size": 8, "batch_orders": shuffled(2), **change}
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        train(model, **arguments)
    assert "\n" not in str(error.value)
    assert differing(before, model.get_weights()) == 0


def test_lists_are_taken_as_arrays(data):
    runs = []
    for X, y in (data, (data.X.tolist(), data.y.tolist())):
        model = build_model(4, (3,), seed=0)
        runs.append(fit_compiled(model, X, y, 2, 8, shuffled(2).tolist()))
    assert differing(*runs) == 0


OPTIMIZERS = {
    "momentum": lambda: keras.optimizers.SGD(0.1, momentum=0.9),
    "adagrad": lambda: keras.optimizers.Adagrad(0.1),
    "adam": lambda: keras.optimizers.Adam(0.1),
    "nadam": lambda: keras.optimizers.Nadam(0.1),
}


def regression(optimizer, dtype="float64"):
    """A model of two outputs whose optimizer keeps something from step to step, and its data."""
    layers = [("tanh", 5), ("linear", 2)]
    model = assemble(
        (4,), lambda: [keras.layers.Dense(units, activation) for activation, units in layers], "mse", optimizer, dtype
    )
    rng = np.random.default_rng(0)
    return model, rng.normal(size=(23, 4)), rng.normal(size=(23, 2))


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_each_replicate_has_a_new_optimizer_and_continued_training_goes_on_with_its_own(optimizer):
    model, X, y = regression(optimizer)
    orders = shuffled(4)
    starts = [draw_weights(4, (5, 2), seed, dtype="float64") for seed in range(3)]
    stacked = [np.stack(tensor) for tensor in zip(*starts, strict=True)]
    fit(model, X, y, 2, 8)  # what it keeps now must not matter
    loss, _ = fit_replicates(model, X, y, stacked, 4, 8, np.stack([orders] * 3))
    for train in (fit, fit_compiled):
        for replicate, start in enumerate(starts):
            model.set_weights(start)
            begin_anew(model)
            parts = [train(model, X, y, 2, 8, each) for each in np.split(orders, 2)]
            np.testing.assert_array_equal(np.concatenate([part.loss for part in parts]), loss[replicate])


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_each_step_from_weights_of_its_own_has_a_new_optimizer_and_the_others_go_on(optimizer):
    model, X, y = regression(optimizer)
    rows = np.arange(8)
    start = draw_weights(4, (5, 2), 0, dtype="float64")
    steps = steps_compiled(model, X, y, [rows] * 4, [np.stack([tensor] * 2) for tensor in start])
    assert steps.loss[0] == steps.loss[1] != steps.loss[2]
    for tensor in steps.weights:
        np.testing.assert_array_equal(tensor[0], tensor[1])
    model.set_weights(start)
    begin_anew(model)
    alone = steps_compiled(model, X, y, [rows] * 3)
    np.testing.assert_array_equal(alone.loss, steps.loss[1:])


def test_targets_are_what_the_outputs_take():
    labels = np.array([0, 1, 1])
    X = np.zeros((3, 4))
    for y in (labels, labels[:, np.newaxis], labels.astype(bool), labels.astype(float)):
        assert checks.data(X, y, 4, 1, "float32")[1].tolist() == [[0], [1], [1]]
    several = checks.data(X, labels, 4, 2, "float32")[1]
    np.testing.assert_array_equal(several, np.eye(2)[labels])
    np.testing.assert_array_equal(checks.data(X, several, 4, 2, "float32")[1], several)
    with pytest.raises(ValueError, match=r"^`y` must be integers of shape \(3,\), or numbers of shape \(3, 2\). Rec"):
        checks.data(X, labels.astype(float), 4, 2, "float32")
