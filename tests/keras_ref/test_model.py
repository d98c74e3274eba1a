import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_ref import build_model, draw_weights

DTYPES = ["float32", "float64"]
INITIALIZERS = ["glorot_uniform", "uniform"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_part_of_the_model_has_the_dtype(dtype):
    model = build_model(4, (5, 3), learning_rate=0.1, dtype=dtype)
    assert {weight.dtype for weight in model.weights} == {dtype}
    assert {layer.compute_dtype for layer in model.layers} == {dtype}
    rate = model.optimizer.learning_rate
    assert rate.dtype == dtype
    # 0.1 is no float32: were the rate kept in float32, a float64 model would train with 0.1 + 1.5e-9.
    assert rate.numpy() == np.dtype(dtype).type(0.1)
    assert keras.config.floatx() == "float32"


def test_layers_are_what_was_asked_for():
    model = build_model(4, (6, 5, 3), activations=("tanh", "sigmoid"))
    assert [layer.activation.__name__ for layer in model.layers] == ["tanh", "sigmoid", "softmax"]
    assert [array.shape for array in model.get_weights()] == [(4, 6), (6,), (6, 5), (5,), (5, 3), (3,)]
    default = build_model(4, (6, 5, 3))
    assert [layer.activation.__name__ for layer in default.layers] == ["relu", "relu", "softmax"]


def test_the_optimizer_is_plain_sgd():
    optimizer = build_model(4, (3,)).optimizer
    assert isinstance(optimizer, keras.optimizers.SGD)
    assert (optimizer.momentum, optimizer.nesterov, optimizer.weight_decay, optimizer.clipnorm) == (
        0,
        False,
        None,
        None,
    )


@pytest.mark.parametrize("initializer", INITIALIZERS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_drawn_weights_are_the_models(initializer, dtype):
    arguments = {"initializer": initializer, "dtype": dtype, "seed": 7}
    drawn = draw_weights(4, (5, 6, 3), **arguments)
    for array, own in zip(drawn, build_model(4, (5, 6, 3), **arguments).get_weights(), strict=True):
        assert array.dtype == own.dtype == dtype
        np.testing.assert_array_equal(array, own)


@pytest.mark.parametrize("initializer", ["uniform", "glorot_uniform"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_several_seeds_give_what_each_gives(initializer, dtype):
    seeds = [0, 7, 2**31 - 1]
    together = draw_weights(4, (5, 6, 3), seeds, initializer, dtype)
    for replicate, seed in enumerate(seeds):
        for stacked, alone in zip(together, draw_weights(4, (5, 6, 3), seed, initializer, dtype), strict=True):
            assert stacked.dtype == alone.dtype
            np.testing.assert_array_equal(stacked[replicate], alone)


@pytest.mark.parametrize(("initializer", "limit"), [("uniform", 1), ("glorot_uniform", np.sqrt(6 / 300))])
def test_weights_fill_their_range_and_biases_are_zero(initializer, limit):
    kernel, bias = draw_weights(100, (200,), 0, initializer)
    assert 0.99 * limit < np.abs(kernel).max() <= limit
    np.testing.assert_array_equal(bias, np.zeros(200))


def test_a_seed_gives_each_layer_its_own_draw_and_no_seed_a_fresh_one():
    first = draw_weights(4, (4, 4), 3)
    assert not np.array_equal(first[0], first[2])
    assert not np.array_equal(first[0], draw_weights(4, (4, 4), 2)[0])
    fresh = [build_model(4, (4, 3)).get_weights()[0] for _ in range(2)]
    assert not np.array_equal(*fresh)


def test_activations_must_fit_the_hidden_layers():
    with pytest.raises(ValueError, match=r"^`activations` must name 1 hidden layers. Received: \['relu', 'tanh'\]$"):
        build_model(4, (5, 3), activations=("relu", "tanh"))


@pytest.mark.parametrize("function", [build_model, draw_weights])
def test_an_unknown_initializer_is_told(function):
    with pytest.raises(ValueError, match=r"^`initializer` must be one of uniform, glorot_uniform\. Received"):
        function(4, (3,), seed=0, initializer="zeros")


def test_the_reference_knows_neither_the_scratch_network_nor_the_harness():
    code = "import sys, keras_ref; print([name for name in ('scratch_nn', 'compare') if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.stdout == "[]\n"
