"""One description says every network that is checked, and those that come next."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compare.recipe.architecture import Architecture, Dense, Given, Optimizer, Penalty, dense, slope_of


@given(st.lists(st.integers(1, 9), min_size=2, max_size=6), st.lists(st.booleans(), min_size=5, max_size=5))
def test_every_weight_knows_its_place_its_shape_and_its_role(sizes, biases):
    layers = tuple(Dense(units, use_bias=bias) for units, bias in zip(sizes[1:], biases, strict=False))
    architecture = Architecture((sizes[0],), layers)
    assert architecture.sizes == tuple(sizes)
    for place, weight in enumerate(architecture.weights):
        assert architecture.places[weight.layer, weight.role] == place
        inputs, units = sizes[weight.layer], sizes[weight.layer + 1]
        assert weight.shape == {"kernel": (inputs, units), "bias": (units,)}[weight.role]
    with_bias = [weight.layer for weight in architecture.weights if weight.role == "bias"]
    assert with_bias == [layer for layer, each in enumerate(layers) if each.use_bias]
    kernels = [weight.layer for weight in architecture.weights if weight.role == "kernel"]
    assert kernels == list(range(len(layers)))


def test_the_plain_network_is_the_projects_own():
    architecture = dense((4, 6, 10, 8, 3), learning_rate=0.1)
    assert str(architecture) == "4-6-10-8-3"
    assert architecture.activations == ("relu",) * 3
    assert architecture.learning_rate == 0.1
    assert architecture.outputs == 3
    assert architecture.beyond_plain() == ""
    assert not architecture.has_square_kernel
    assert dense((4, 4, 3)).has_square_kernel


PLAIN = dense((4, 5, 3))
HEAD = Dense(1, "sigmoid")


@pytest.mark.parametrize(
    ("architecture", "words"),
    [
        (replace(PLAIN, layers=(*PLAIN.layers[:1], HEAD), loss="binary_crossentropy"), "sigmoid output"),
        (replace(PLAIN, loss="binary_crossentropy"), "binary_crossentropy"),
        (replace(PLAIN, optimizer=Optimizer("adam", 0.001)), "adam"),
        (replace(PLAIN, optimizer=Optimizer("sgd", 0.01, (("momentum", 0.9),))), "momentum=0.9"),
        (replace(PLAIN, penalty=Penalty(l2=0.001)), "l2 penalty"),
        (replace(PLAIN, layers=(Dense(5, use_bias=False), PLAIN.layers[1])), "layers without biases"),
        (replace(PLAIN, layers=(Given("Dropout", (4,)), PLAIN.layers[1])), "Dropout"),
    ],
)
def test_what_goes_beyond_the_plain_network_is_said(architecture, words):
    assert words in architecture.beyond_plain()
    assert hash(architecture) == hash(replace(architecture)), "a plain value, which may be a key"


def test_a_layer_of_a_users_own_model_may_hold_any_tensors():
    gates = Given("LSTM", (5,), (("kernel", (4, 20), True), ("recurrent", (5, 20), True), ("bias", (20,), True)))
    norm = Given("BatchNormalization", (5,), (("scale", (5,), True), ("state", (5,), False)))
    architecture = Architecture((7, 4), (gates, norm, Dense(3, "softmax")))
    assert [weight.role for weight in architecture.weights] == [
        "kernel",
        "recurrent",
        "bias",
        "scale",
        "state",
        "kernel",
        "bias",
    ]
    assert architecture.weights[architecture.places[2, "kernel"]].shape == (5, 3)
    assert [weight.trainable for weight in architecture.weights] == [True, True, True, True, False, True, True]
    assert architecture.activations == ("", "")


@pytest.mark.parametrize(
    ("name", "slope"),
    [("leaky_relu", 0.2), ("leaky_relu(0.01)", 0.01), ("leaky_relu(x)", None), ("relu", None), ("", None)],
)
def test_a_leaky_relu_may_say_its_slope(name, slope):
    assert slope_of(name) == slope
