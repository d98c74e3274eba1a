import copy
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax
from sklearn.datasets import load_iris

from scratch_nn import DenseLayer, Network

FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "linear": lambda Z: Z,
    "relu": lambda Z: np.maximum(Z, 0),
    "leaky_relu": lambda Z: np.where(Z > 0, Z, 0.2 * Z),
    "sigmoid": lambda Z: 1 / (1 + np.exp(-Z)),
    "tanh": np.tanh,
}


def plain_loss(weights, X, y, activation):
    """The same mathematics written plainly, samples as rows: the oracle of these tests."""
    A = X
    *hidden, kernel_out, bias_out = weights
    one_by_one = iter(hidden)
    for kernel, bias in zip(one_by_one, one_by_one, strict=True):
        A = FUNCTIONS[activation](A @ kernel + bias)
    return -log_softmax(A @ kernel_out + bias_out, axis=1)[np.arange(len(y)), y].mean()


def assert_same(first, second):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


# The article


def test_weights_are_the_articles_stream_bit_for_bit_layer_by_layer(make):
    net = make((6, 8, 10, 3), seed=99)
    net.build(4)
    article = np.random.RandomState(99)
    weights = dict(zip(net.weights, net.get_weights(), strict=True))
    for weight, array in weights.items():
        if weight.role == "kernel":
            inputs, units = weight.shape
            np.testing.assert_array_equal(array, article.uniform(-1, 1, size=(units, inputs)).T)
    assert [(weight.layer, weight.shape) for weight in weights if weight.role == "kernel"] == list(
        enumerate(pairwise((4, 6, 8, 10, 3)))
    )
    biases = [array.tolist() for weight, array in weights.items() if weight.role == "bias"]
    assert biases == [[0] * units for units in (6, 8, 10, 3)]


def test_the_articles_recipe_without_its_bug(make):
    net = make((6, 8, 10, 3), seed=99)
    X, y = load_iris(return_X_y=True)
    published = [9.99998315e-01, 1.07470169e-06, 6.10266912e-07]
    np.testing.assert_allclose(net.predict_proba(X)[0], published, rtol=1e-8)
    net.train(X, y, 200)
    known = [8.40744716505373, 0.799639109654292, 0.5939579566730921, 0.40885119987212326]
    np.testing.assert_allclose(net.loss[[0, 20, 40, 180]], known, rtol=1e-12)
    np.testing.assert_array_equal(np.round(net.accuracy[[0, 20, 40, 180]] * 150), [50, 98, 79, 134])


# The mathematics


@pytest.mark.parametrize("replicates", [None, 2])
@pytest.mark.parametrize("activation", FUNCTIONS)
def test_gradients_are_the_central_differences_of_the_loss(make, data, activation, replicates):
    net = make(((4, activation), (5, activation), 3), seed=1, replicates=replicates)
    net.build(4)
    rng = np.random.default_rng(1)
    net.set_weights([array + rng.normal(scale=0.1, size=array.shape) for array in net.get_weights()])
    weights = [array if replicates is None else array[1] for array in net.get_weights()]
    gradients = [array if replicates is None else array[1] for array in net.gradients(data.X, data.y)]
    h = 1e-6
    for array, gradient in zip(weights, gradients, strict=True):
        for index in np.ndindex(array.shape):
            kept, ends = array[index], []
            for array[index] in (kept + h, kept - h):
                ends.append(plain_loss(weights, data.X, data.y, activation))
            array[index] = kept
            assert gradient[index] == pytest.approx((ends[0] - ends[1]) / (2 * h), abs=1e-8)


OBJECTIVES = [("categorical_crossentropy", "softmax"), ("binary_crossentropy", "sigmoid")] + [
    ("mean_squared_error", head) for head in FUNCTIONS
]


def values(data, loss):
    """Targets of three outputs."""
    rng = np.random.default_rng(2)
    return {
        "categorical_crossentropy": data.y,
        "binary_crossentropy": rng.integers(0, 2, (23, 3)),
        "mean_squared_error": rng.normal(size=(23, 3)),
    }[loss]


@pytest.mark.parametrize("penalty", [{}, {"l1": 0.03, "l2": 0.02}], ids=["", "l1 and l2"])
@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("replicates", [None, 2])
@pytest.mark.parametrize(("loss", "head"), OBJECTIVES)
def test_every_objectives_gradient_is_the_slope_of_its_loss(make, data, loss, head, replicates, use_bias, penalty):
    layers = ((4, "tanh", use_bias), (3, head, use_bias))
    net = make(layers, seed=1, replicates=replicates, loss=loss, **penalty)
    net.build(4)
    y, h, weights = values(data, loss), 1e-6, net.get_weights()
    for array, gradient in zip(weights, net.gradients(data.X, y), strict=True):
        at = tuple(np.unravel_index(np.abs(gradient).argmax(), array.shape))
        kept, ends = array[at], []
        for array[at] in (kept + h, kept - h):
            net.set_weights(weights)
            ends.append(np.sum(net.loss_and_gradient(net._loaded(data.X, y))[0]))
        array[at] = kept
        assert gradient[at] == pytest.approx((ends[0] - ends[1]) / (2 * h), abs=1e-8)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("loss", "head"), OBJECTIVES)
def test_a_stack_is_bit_equal_with_every_objective(make, data, loss, head, dtype):
    layers, arguments = ((5, "relu", False), (3, head)), {"loss": loss, "dtype": dtype, "l1": 0.01, "l2": 0.01}
    y = values(data, loss)
    stack = make(layers, seed=[0, 1, 2], replicates=3, **arguments)
    stack.train(data.X, y, 3, batch_size=8)
    for replicate in range(3):
        net = make(layers, seed=replicate, **arguments)
        net.train(data.X, y, 3, batch_size=8)
        for ours, alone in ((stack.loss, net.loss), (stack.accuracy, net.accuracy), (stack.theta, net.theta)):
            np.testing.assert_array_equal(ours[replicate], alone)
            assert alone.dtype == dtype


def test_one_output_takes_labels_either_way_and_predicts_them(make, data):
    y, runs = (data.y == 1).astype(int), []
    for labels in (y, y[:, np.newaxis], y.astype(bool)):
        net = make((5, 1), seed=0, loss="binary_crossentropy", learning_rate=0.5)
        net.train(data.X, labels, 200)
        runs.append(net.loss)
    assert_same(runs[1:], runs[:1] * 2)
    assert net.layers[-1].activation is None
    assert net.parameters.layers[-1].activation == "sigmoid"
    np.testing.assert_array_equal(net.predict(data.X), net.predict_proba(data.X)[:, 0] > 0.5)
    assert np.mean(net.predict(data.X) == y) > 0.9


def test_classes_are_one_hot_encoded_for_a_squared_error(make, data):
    labelled, encoded = (make(seed=0, loss="mean_squared_error") for _ in range(2))
    labelled.train(data.X, data.y, 2)
    encoded.train(data.X, np.eye(3)[data.y], 2)
    np.testing.assert_array_equal(labelled.loss, encoded.loss)
    np.testing.assert_array_equal(labelled.predict(data.X), labelled.predict_proba(data.X).argmax(axis=1))


def test_a_step_reports_the_loss_before_it_and_moves_against_the_gradient(make, data):
    net = make(seed=0, learning_rate=0.3)
    net.build(4)
    before, gradients = net.get_weights(), net.gradients(data.X, data.y)
    loss, accuracy = net.train_on_batch(data.X, data.y)
    assert loss == pytest.approx(plain_loss(before, data.X, data.y, "relu"), rel=1e-13)
    net_before = make(seed=0)
    assert accuracy == np.mean(net_before.predict(data.X) == data.y)
    for old, gradient, new in zip(before, gradients, net.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old - 0.3 * gradient)


def test_gradients_alone_change_nothing(make, data):
    net = make(seed=0)
    net.build(4)
    before = net.get_weights()
    net.gradients(data.X, data.y)
    assert_same(before, net.get_weights())


def test_predictions_are_the_probabilities_and_their_argmax(make, data):
    net = make(seed=0)
    P = net.predict_proba(data.X)
    kernel, bias, kernel_out, bias_out = net.get_weights()
    logits = np.maximum(data.X @ kernel + bias, 0) @ kernel_out + bias_out
    np.testing.assert_allclose(P, np.exp(log_softmax(logits, axis=1)), rtol=1e-13)
    np.testing.assert_array_equal(net.predict(data.X), P.argmax(axis=1))
    P[:] = 0  # what is returned is the caller's own
    np.testing.assert_allclose(net.predict_proba(data.X).sum(axis=1), 1, rtol=1e-14)


@settings(max_examples=25)
@given(scale=st.sampled_from([1e-30, 1.0, 1e18, 1e37]), dtype=st.sampled_from(["float32", "float64"]))
def test_no_finite_data_make_training_warn_or_an_epoch_go_missing(scale, dtype):
    net = Network(seed=0, dtype=dtype, learning_rate=10)
    for units in (4, 3):
        net.add(DenseLayer(units))
    X, y = np.random.default_rng(0).normal(size=(9, 4)) * scale, np.arange(9) % 3
    net.train(X, y, 5)
    net.train_on_batch(X, y)
    net.gradients(X, y)
    net.predict(X)
    assert len(net.loss) == len(net.accuracy) == 5
    assert ((net.accuracy >= 0) & (net.accuracy <= 1)).all()


# Randomness


def test_without_a_seed_two_networks_differ_in_weights_and_orders(make, data):
    first, second = make(), make()
    first.build(4)
    second.build(4)
    assert not np.array_equal(first.get_weights()[0], second.get_weights()[0])
    second.set_weights(first.get_weights())
    for net in (first, second):
        net.train(data.X, data.y, 3, batch_size=8)
    assert not np.array_equal(first.loss, second.loss)


def test_the_same_seed_gives_the_same_run_and_the_global_state_is_untouched(make, data):
    before = np.random.get_state(legacy=False)  # noqa: NPY002 - the point of the test
    runs = []
    for _ in range(2):
        net = make(seed=5)
        net.train(data.X, data.y, 3, batch_size=8)
        runs.append(net.loss)
    make().train(data.X, data.y, 3, batch_size=8)
    after = np.random.get_state(legacy=False)  # noqa: NPY002
    np.testing.assert_array_equal(runs[0], runs[1])
    np.testing.assert_equal(before, after)


# State


@pytest.mark.parametrize("replicates", [None, 3])
def test_weights_come_back_as_they_were_set_and_are_copies(make, data, replicates):
    source, target = make(seed=1, replicates=replicates), make(seed=2, replicates=replicates)
    source.build(4)
    weights = source.get_weights()
    leading = () if replicates is None else (3,)
    assert [array.shape for array in weights] == [(*leading, *shape) for shape in ((4, 5), (5,), (5, 3), (3,))]
    target.set_weights(weights)  # before any data: the weights say how many inputs there are
    for array in weights:
        array += 1
    assert_same(target.get_weights(), source.get_weights())
    source.train(data.X, data.y, 3)
    target.train(data.X, data.y, 3)
    np.testing.assert_array_equal(source.loss, target.loss)


def test_weights_without_a_replicate_axis_go_to_every_replicate(make):
    alone, stack = make(seed=1), make(replicates=2)
    alone.build(4)
    stack.set_weights(alone.get_weights())
    for array, expected in zip(stack.get_weights(), alone.get_weights(), strict=True):
        assert_same(array, [expected, expected])


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_a_copy_trains_by_itself_and_alike(make, data, duplicate):
    net = make(seed=0)
    net.train(data.X, data.y, 2, batch_size=8)
    twin = duplicate(net)
    before = twin.get_weights()
    net.train(data.X, data.y, 2, batch_size=8)
    assert_same(before, twin.get_weights())
    twin.train(data.X, data.y, 2, batch_size=8)
    assert not np.array_equal(before[0], twin.get_weights()[0])
    np.testing.assert_array_equal(net.loss, twin.loss)


def test_data_are_not_changed(make, data):
    X, y = data.X.copy(), data.y.copy()
    make(seed=0).train(X, y, 3, batch_size=4)
    assert_same((X, y), data)


# Precision


@pytest.mark.parametrize("replicates", [None, 2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_whatever_goes_in_the_networks_dtype_comes_out(make, data, dtype, replicates):
    net = make(seed=0, dtype=dtype, replicates=replicates, learning_rate=0.1)
    net.train(data.X, data.y, 2, batch_size=5)
    returned = [net.loss, net.accuracy, net.predict_proba(data.X), net.theta, net.gradient]
    returned += [*net.train_on_batch(data.X, data.y), *net.get_weights(), *net.gradients(data.X, data.y)]
    assert {array.dtype for array in returned} == {np.dtype(dtype)}


# The package and its words


def test_repr_tells_layers_dtype_and_replicates(make):
    assert repr(make((6, 3))) == "Network(6-3, float64)"
    assert repr(make((6, 3), replicates=4, dtype="float32")) == "Network(6-3, float32, replicates=4)"


def test_importing_leaves_everything_but_numpy_out():
    code = (
        "import sys, scratch_nn; "
        "print([name for name in ('tensorflow', 'keras', 'pandas', 'sklearn', 'matplotlib', 'scipy', "
        "'compare', 'keras_ref') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


# Bad input: one clear line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"learning_rate": 0},
            "`learning_rate` must be a positive number, or one for each replicate. Received: learning_rate=0",
        ),
        ({"learning_rate": -1.0}, "`learning_rate` must be a positive number"),
        ({"learning_rate": float("nan")}, "`learning_rate` must be a positive number"),
        ({"learning_rate": float("inf")}, "`learning_rate` must be a positive number"),
        ({"learning_rate": "fast"}, "`learning_rate` must be a positive number"),
        (
            {"learning_rate": [0.1, 0.2]},
            "`learning_rate` must be a positive number, or one for each replicate",
        ),
        ({"learning_rate": [0.1, 0.2], "replicates": 3}, "or one for each replicate"),
        (
            {"initializer": "zeros"},
            "`initializer` must be one of uniform, glorot_uniform. Received: initializer='zeros'",
        ),
        ({"loss": "hinge"}, "`loss` must be one of categorical_crossentropy, binary_crossentropy, mean_squared_error."),
        ({"l2": -0.1}, "`l2` must be 0 or a positive number. Received: l2=-0.1"),
        ({"l1": float("nan")}, "`l1` must be 0 or a positive number. Received: l1=nan"),
        ({"l1": "much"}, "`l1` must be 0 or a positive number. Received: l1='much'"),
        ({"dtype": "float16"}, "`dtype` must be float32 or float64. Received: dtype='float16'"),
        ({"dtype": "spam"}, "`dtype` must be float32 or float64. Received: dtype='spam'"),
        ({"replicates": 0}, "`replicates` must be a positive integer. Received: replicates=0"),
        ({"replicates": 2.0}, "`replicates` must be a positive integer. Received: replicates=2.0"),
        ({"seed": -1}, "`seed` must be"),
        ({"seed": "article"}, "`seed` must be"),
        (
            {"seed": [1, 2], "replicates": 3},
            "`seed` must be one seed or one per replicate (3). Received: 2 seeds",
        ),
    ],
)
def test_a_bad_setting_is_told_when_the_network_is_made(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        Network(**arguments)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": np.zeros(5)}, "`X` must have shape (n, features), n > 0. Received: shape=(5,)"),
        ({"X": np.zeros((0, 4))}, "`X` must have shape (n, features), n > 0. Received: shape=(0, 4)"),
        ({"X": np.zeros((23, 7))}, "`X` must have 4 features, as the weights do. Received: shape=(23, 7)"),
        ({"X": [["a"] * 4] * 23}, "`X` must be numbers"),
        ({"y": np.zeros(22, int)}, "`y` must be integers of shape (23,). Received: shape=(22,), dtype=int64"),
        ({"y": np.zeros((23, 3), int)}, "`y` must be integers of shape (23,). Received: shape=(23, 3)"),
        ({"y": np.zeros(23)}, "`y` must be integers of shape (23,). Received: shape=(23,), dtype=float64"),
        ({"y": ["setosa"] * 23}, "`y` must be integers of shape (23,). Received: shape=(23,), dtype=<U6"),
        ({"y": np.full(23, 3)}, "`y` must be from 0 to 2. Received: 3 to 3"),
        ({"y": np.full(23, -1)}, "`y` must be from 0 to 2. Received: -1 to -1"),
        ({"epochs": 0}, "`epochs` must be a positive integer. Received: epochs=0"),
        ({"epochs": 2.5}, "`epochs` must be a positive integer. Received: epochs=2.5"),
        ({"batch_size": 0}, "`batch_size` must be a positive integer. Received: batch_size=0"),
        ({"batch_size": True}, "`batch_size` must be a positive integer. Received: batch_size=True"),
        ({"verbose": -20}, "`verbose` must be"),
        (
            {"batch_orders": np.zeros((3, 23), int)},
            "`batch_orders` must be integers of shape (2, n), or with a leading replicate axis. Received: "
            "shape=(3, 23), dtype=int64",
        ),
        ({"batch_orders": np.zeros((2, 23))}, "`batch_orders` must be integers"),
        ({"batch_orders": np.zeros((4, 2, 23), int)}, "`batch_orders` must be integers"),
        ({"batch_orders": np.zeros((2, 0), int)}, "`batch_orders` must hold row numbers from 0 to 22"),
        ({"batch_orders": np.full((2, 23), 23)}, "`batch_orders` must hold row numbers from 0 to 22"),
        ({"batch_orders": np.full((2, 23), -1)}, "`batch_orders` must hold row numbers from 0 to 22"),
    ],
)
def test_bad_data_are_told_before_anything_is_trained(make, data, change, message):
    net = make(seed=0)
    net.build(4)
    before = net.get_weights()
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        net.train(**{"X": data.X, "y": data.y, "epochs": 2, **change})
    assert "\n" not in str(error.value)
    assert_same(before, net.get_weights())


@pytest.mark.parametrize(
    ("layers", "received"),
    [((), "[]"), (((3, "relu"),), "'relu'"), (((3, "softmax"), 3), "'softmax'")],
)
def test_layers_must_end_in_the_only_softmax(make, layers, received):
    with pytest.raises(ValueError, match=r"^`layers` must end in the only softmax. Received: ") as error:
        make(layers).build(4)
    assert received in str(error.value)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.zeros((23, 2)), "`y` must be numbers of shape (23, 1) or (23,). Received: shape=(23, 2), dtype=float64"),
        (["a"] * 23, "`y` must be numbers of shape (23, 1) or (23,). Received: shape=(23,), dtype=<U1"),
        (np.full(23, np.inf), "`y` must be finite numbers. Received: inf"),
    ],
)
def test_targets_that_do_not_fit_are_told(make, data, y, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make((5, 1), loss="mean_squared_error").train(data.X, y, 1)


@pytest.mark.parametrize(
    ("loss", "head", "message"),
    [
        ("binary_crossentropy", "softmax", "`layers` must end in an output of sigmoid. Received: "),
        ("mean_squared_error", "softmax", "`layers` must end in an output of linear, relu, leaky_relu, sigmoid, tanh."),
    ],
)
def test_a_head_that_does_not_go_with_the_loss_is_told(make, loss, head, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make((5, (3, head)), loss=loss).build(4)


def test_bad_weights_are_told_and_nothing_is_set(make):
    net = make(seed=0)
    net.build(4)
    before = net.get_weights()
    with pytest.raises(ValueError, match=r"^`weights` must hold 4 arrays. Received: 3$"):
        net.set_weights(before[:3])
    transposed = [before[0], before[1], before[2].T, before[3]]
    with pytest.raises(ValueError, match=r"^`weights\[2\]` must have shape \(5, 3\). Received: \(3, 5\)$"):
        net.set_weights([array + 1 for array in transposed])
    with pytest.raises(ValueError, match=r"^`weights\[0\]` must have shape"):
        make().set_weights([np.zeros(3)] * 4)
    assert_same(before, net.get_weights())


def test_there_are_no_weights_before_there_are_inputs(make):
    with pytest.raises(ValueError, match=r"^`get_weights` needs weights: call `build\(inputs\)`, train, or set"):
        make().get_weights()


def test_a_layer_cannot_join_after_the_weights(make):
    net = make()
    net.build(4)
    with pytest.raises(ValueError, match=r"^`add` must come before the weights exist"):
        net.add(DenseLayer(3))
