"""What Keras does: each fact that the harness rests on, asserted on the Keras that is installed.

An upgrade that changes one is caught here, by name.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ref import assemble, build_model, fit
from keras_ref.precision import precision
from scratch_nn import DenseLayer, Network

CLIPPED = -np.log(1e-7)  # what a loss becomes once its probability is clipped: 16.1


class Recorder(keras.layers.Layer):
    """Passes its input on and remembers it, batch by batch, when run eagerly."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def call(self, inputs):
        if tf.executing_eagerly() and hasattr(inputs, "numpy"):  # not while the model is being built
            self.seen.append(inputs.numpy().ravel().astype(int).tolist())
        return inputs


def recorded_batches(data, **settings):
    """The batches that three epochs of `fit` visit, without the one that builds the model."""
    recorder = Recorder()
    model = keras.Sequential([keras.layers.Input((1,)), recorder, keras.layers.Dense(1, use_bias=False)])
    model.compile("sgd", loss="mse", run_eagerly=True)
    recorder.seen.clear()
    model.fit(*data, epochs=3, verbose=0, **settings)
    return recorder.seen


def samples(n):
    return np.arange(n, dtype="float32")[:, None], np.zeros((n, 1), "float32")


def test_fit_reports_means_over_batches_weighted_by_size_and_taken_before_each_update(iris):
    model = build_model(4, (5, 3), 0.1, "float64", seed=3)
    twin = build_model(4, (5, 3), 0.1, "float64", seed=3)
    order = np.random.default_rng(0).permutation(150)
    history = fit(model, iris.X, iris.y, 1, 32, order[None])
    sums = np.zeros(2)
    with precision("float64"):
        for start in range(0, 150, 32):
            rows = order[start : start + 32]
            measured = twin.test_on_batch(iris.X[rows], np.eye(3)[iris.y[rows]])
            twin.train_on_batch(iris.X[rows], np.eye(3)[iris.y[rows]])
            sums += np.array(measured) * len(rows)
        afterwards = model.evaluate(iris.X, np.eye(3)[iris.y], verbose=0)[0]
    assert [history.loss[0], history.accuracy[0]] == pytest.approx(sums / 150, abs=1e-12)
    assert abs(afterwards - history.loss[0]) > 1e-3, "evaluate afterwards measures something else"


def saturated(dtype):
    """A model whose logits are its input, and data that it gets wrong by 40: the loss is 40 without clipping."""
    model = build_model(2, (2,), 0.01, dtype)
    model.set_weights([np.eye(2), np.zeros(2)])
    return model, np.array([[40.0, 0.0]]), np.array([1])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_in_training_the_loss_comes_from_the_logits_without_clipping(dtype):
    model, X, y = saturated(dtype)
    before = model.get_weights()[1]
    assert fit(model, X, y, 1, None).loss[0] == pytest.approx(40)
    assert np.abs(model.get_weights()[1] - before).max() == pytest.approx(0.01), "and its gradient is not zero"


def test_a_loss_recomputed_from_predict_is_clipped():
    model, X, _ = saturated("float32")
    again = keras.losses.categorical_crossentropy(np.array([[0.0, 1.0]], "float32"), model.predict(X, verbose=0))
    assert float(again[0]) == pytest.approx(CLIPPED, rel=1e-3)


def test_the_float_type_alone_leaves_layers_in_float32_and_clips():
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    try:
        model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(2, activation="softmax")])
        model.compile("sgd", loss="categorical_crossentropy")
        model.set_weights([np.eye(2), np.zeros(2)])
        loss = model.train_on_batch(np.array([[40.0, 0.0]]), np.array([[0.0, 1.0]]))
    finally:
        keras.config.set_floatx(before)
    assert model.layers[0].kernel.dtype == "float32"
    assert float(loss) == pytest.approx(CLIPPED, rel=1e-3)


def test_the_policy_alone_leaves_the_learning_rate_in_float32():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    try:
        rate = keras.optimizers.SGD(0.1).learning_rate
    finally:
        keras.config.set_dtype_policy(before)
    assert float(rate) != 0.1
    assert abs(float(rate) - 0.1) < 2e-9


def test_predict_rounds_float64_data_unless_the_float_type_is_set(iris):
    model = build_model(4, (5, 3), dtype="float64", seed=1)
    with precision("float64"):
        exact = model.predict(iris.X, verbose=0)
    assert 0 < np.abs(model.predict(iris.X, verbose=0) - exact).max() < 1e-6


def test_seeded_shuffling_repeats_its_permutation_and_unseeded_does_not():
    keras.utils.set_random_seed(5)
    batches = recorded_batches(samples(16), batch_size=16)
    assert batches[0] == batches[1] == batches[2] != sorted(batches[0])
    tf.random.set_seed(None)  # as in a fresh process
    batches = recorded_batches(samples(16), batch_size=16)
    assert len({tuple(batch) for batch in batches}) == 3


def test_a_sequence_that_reorders_at_the_end_of_an_epoch_is_one_epoch_ahead():
    class Ordered(keras.utils.PyDataset):
        epoch = 0

        def __len__(self):
            return 2

        def __getitem__(self, index):
            x = np.full((1, 1), self.epoch, "float32")
            return x, x

        def on_epoch_end(self):
            self.epoch += 1

    assert recorded_batches((Ordered(),), shuffle=False)[0] != [0], "Keras calls on_epoch_end before the first epoch"


def test_fit_takes_batches_of_32_and_keeps_the_last_partial_one():
    batches = recorded_batches(samples(70))
    assert [len(batch) for batch in batches[:3]] == [32, 32, 6]
    assert batches[0] != sorted(batches[0]), "and shuffles"


def test_a_dense_layer_starts_from_glorot_uniform_and_zero_biases():
    layer = keras.layers.Dense(50)
    layer.build((None, 30))
    limit = np.sqrt(6 / 80)
    kernel = layer.kernel.numpy()
    assert isinstance(layer.kernel_initializer, keras.initializers.GlorotUniform)
    assert 0.95 * limit < np.abs(kernel).max() <= limit
    assert not layer.bias.numpy().any()


def test_an_initializer_without_a_seed_repeats_itself():
    draw = keras.initializers.GlorotUniform()
    assert np.array_equal(draw((2, 3)), draw((2, 3))), "so a fresh replicate needs a seed of its own"


def test_the_derivative_of_relu_at_zero_is_zero():
    x = tf.Variable([-1.0, 0.0, 1.0])
    with tf.GradientTape() as tape:
        y = keras.activations.relu(x)
    assert tape.gradient(y, x).numpy().tolist() == [0, 0, 1]


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
def test_the_update_rules(momentum, nesterov):
    rate, w, m = 0.1, 2.0, 0.0
    variable = keras.Variable([w])
    optimizer = keras.optimizers.SGD(rate, momentum=momentum, nesterov=nesterov)
    for gradient in (0.5, -0.25, 1.0):
        optimizer.apply([tf.constant([gradient])], [variable])
        m = momentum * m - rate * gradient
        w += momentum * m - rate * gradient if nesterov else m
        assert float(variable[0]) == pytest.approx(w, abs=1e-6)


def test_some_constants_are_float32s_even_in_float64():
    with precision("float64"):
        variable = keras.Variable([1.0], dtype="float64")
        optimizer = keras.optimizers.SGD(0.5, momentum=0.1)
        for _ in range(2):
            optimizer.apply([tf.constant([1.0], "float64")], [variable])
        penalty = keras.regularizers.L2(0.1)(tf.constant([1.0], "float64"))
        accumulator = keras.optimizers.Adagrad(initial_accumulator_value=0.1)
        accumulator.build([variable])
    rounded = float(np.float32(0.1))
    assert float(variable[0]) == pytest.approx(1 - 0.5 - (rounded * 0.5 + 0.5), abs=1e-15)
    assert float(penalty) == float(accumulator.variables[-1][0]) == rounded
    assert abs(rounded - 0.1) > 1e-9


def small(outputs, activation, loss, regularizer=None):
    """A model of one layer and a kernel of ones, and one batch."""
    model = assemble(
        (2,),
        lambda: [keras.layers.Dense(outputs, activation, kernel_regularizer=regularizer)],
        loss,
        lambda: keras.optimizers.SGD(0.0),
        "float64",
    )
    model.set_weights([np.ones((2, outputs)), np.zeros(outputs)])
    return model, np.array([[1.0, 2.0], [-1.0, 0.5]])


def measured(model, X, Y):
    with precision("float64"):
        return model.train_on_batch(X, Y)


def test_losses_of_several_outputs_are_means_over_outputs_too():
    Y = np.array([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    model, X = small(3, "linear", "mean_squared_error")
    Z = X.sum(axis=1, keepdims=True)
    assert measured(model, X, Y)[0] == pytest.approx(np.mean((Z - Y) ** 2), rel=1e-14)
    model, X = small(3, "sigmoid", "binary_crossentropy")
    assert measured(model, X, Y)[0] == pytest.approx(np.mean(np.logaddexp(0, Z) - Z * Y), rel=1e-14)


def test_the_reported_loss_includes_penalties_neither_halved_nor_averaged():
    Y = np.zeros((2, 3))
    plain, X = small(3, "linear", "mean_squared_error")
    penalised, _ = small(3, "linear", "mean_squared_error", keras.regularizers.L1L2(0.5, 0.25))
    assert measured(penalised, X, Y)[0] - measured(plain, X, Y)[0] == pytest.approx(6 * 0.5 + 6 * 0.25)


def test_accuracy_is_about_one_half_of_one_output_and_about_the_largest_of_several():
    model, X = small(1, "sigmoid", "binary_crossentropy")
    assert [measured(model, X, np.array(Y))[1] for Y in ([[1], [0]], [[1], [1]], [[0.9], [0]])] == [1, 0.5, 0.5]
    model, X = small(3, "sigmoid", "binary_crossentropy")  # of equal outputs the first is the largest
    assert measured(model, X, np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0]]))[1] == 0.5


def test_train_on_batch_returns_this_batchs_own_loss(iris):
    model = build_model(4, (5, 3), dtype="float64", seed=2)
    network = Network()
    network.add(DenseLayer(5))
    network.add(DenseLayer(3))
    network.set_weights(model.get_weights())
    with precision("float64"):
        for rows in (slice(0, 32), slice(100, 150)):
            theirs = model.train_on_batch(iris.X[rows], np.eye(3)[iris.y[rows]])
            ours = network.train_on_batch(iris.X[rows], iris.y[rows])
            assert theirs == pytest.approx(ours, abs=1e-13)


def test_integer_labels_and_lists_are_refused(iris):
    model = build_model(4, (5, 3))
    with pytest.raises(ValueError, match="rank"):
        model.train_on_batch(iris.X.astype("float32"), iris.y)
    with pytest.raises(ValueError, match=r"[Uu]nrecognized|list"):
        model.fit(iris.X.tolist(), np.eye(3)[iris.y].tolist(), verbose=0)
