"""From an architecture to a Keras model and back: what a model is, it says."""

import re
from dataclasses import replace

import keras
import numpy as np
import pytest

from compare.errors import InputError
from compare.recipe.architecture import Dense, Given, Optimizer, Penalty, dense
from compare.sides.models import described, reused_model
from compare.sides.sides import initial_weights, scratch_network
from keras_ref import fit_compiled
from keras_ref.precision import precision

PLAIN = dense((4, 5, 3), learning_rate=0.02)
SIGMOID = replace(PLAIN, layers=(Dense(5, "tanh"), Dense(1, "sigmoid")), loss="binary_crossentropy")
OTHERS = [
    PLAIN,
    replace(PLAIN, dtype="float32"),
    SIGMOID,
    replace(PLAIN, layers=(Dense(5, "tanh"), Dense(2, "linear")), loss="mean_squared_error"),
    replace(PLAIN, optimizer=Optimizer("sgd", 0.02, (("momentum", 0.5), ("nesterov", True)))),
    replace(PLAIN, optimizer=Optimizer("adam", 0.002, (("beta_1", 0.75),))),
    replace(PLAIN, penalty=Penalty(l1=0.5, l2=0.25)),
    replace(PLAIN, layers=(Dense(5, use_bias=False), Dense(3, "softmax"))),
]


@pytest.mark.parametrize("architecture", OTHERS, ids=lambda each: each.beyond_plain() or each.dtype)
def test_a_model_is_what_its_architecture_says(architecture):
    model = reused_model(architecture)
    assert described(model) == architecture
    assert [tuple(W.shape) for W in model.get_weights()] == [weight.shape for weight in architecture.weights]
    assert {W.dtype for W in model.get_weights()} == {np.dtype(architecture.dtype)}


@pytest.mark.parametrize("architecture", OTHERS, ids=lambda each: each.beyond_plain() or each.dtype)
def test_both_sides_have_the_same_weights_and_predict_alike(architecture):
    network, model = scratch_network(architecture), reused_model(architecture)
    for drawn_by in ("scratch", "keras"):
        weights = initial_weights(architecture, 3, drawn_by)
        network.set_weights(weights)
        model.set_weights(weights)
        X = np.random.default_rng(0).normal(size=(7, 4)).astype(architecture.dtype)
        within = 1e-6 if architecture.dtype == "float32" else 1e-15
        with precision(architecture.dtype):
            np.testing.assert_allclose(network.predict_proba(X), model.predict(X, verbose=0), rtol=0, atol=within)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"loss": "hinge"}, "no such loss. Received: hinge; known: categorical_crossentropy, binary_crossentropy"),
        ({"loss": "mean_squared_error"}, "no such output activation. Received: softmax; known: linear, relu"),
        ({"layers": (Dense(5, "gelu"), Dense(3, "softmax"))}, "no such activation. Received: gelu; known: linear"),
        ({"layers": (Given("Dropout", (4,)), Dense(3, "softmax"))}, "no such layer. Received: Dropout; known: Dense"),
        ({"optimizer": Optimizer("nadam")}, "no such optimizer. Received: nadam; known: sgd, rmsprop, adagrad, adam"),
        (
            {"optimizer": Optimizer("rmsprop", 0.1, (("centered", True),))},
            "no such argument of rmsprop. Received: centered; known: rho, epsilon",
        ),
    ],
)
def test_the_scratch_side_says_what_it_does_not_have(changes, message):
    with pytest.raises(InputError, match=re.escape(message)):
        scratch_network(replace(PLAIN, **changes))


def test_a_model_that_is_used_again_has_a_new_optimizer():
    architecture = replace(PLAIN, optimizer=Optimizer("adagrad", 0.02))
    model, slots = reused_model(architecture), []
    for _ in range(2):
        reused_model(architecture)
        slots.append([variable.numpy() for variable in model.optimizer.variables])
        model.set_weights(initial_weights(architecture, 0, "scratch"))
        fit_compiled(model, np.ones((6, 4)), np.arange(6) % 3, 2)
    assert any((a != b.numpy()).any() for a, b in zip(slots[0], model.optimizer.variables, strict=True))
    np.testing.assert_equal(slots[1], slots[0])


def test_one_model_serves_every_learning_rate():
    assert reused_model(PLAIN) is reused_model(PLAIN.at(0.5))
    assert float(reused_model(PLAIN.at(0.5)).optimizer.learning_rate) == 0.5


def test_a_users_own_model_is_described_layer_by_layer():
    model = keras.Sequential(
        [
            keras.layers.Input((7, 4)),
            keras.layers.LSTM(5),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.RMSprop(0.5, rho=0.75), "categorical_crossentropy")
    found = described(model)
    lstm, norm, dropout, head = found.layers
    assert isinstance(lstm, Given)
    assert [(role, shape) for role, shape, _ in lstm.tensors] == [
        ("kernel", (4, 20)),
        ("recurrent", (5, 20)),
        ("bias", (20,)),
    ]
    assert [trainable for *_, trainable in norm.weights((5,))] == [True, True, False, False]
    assert dropout == Given("Dropout", (5,), rate=0.5)
    assert head == Dense(3, "softmax")
    assert found.optimizer == Optimizer("rmsprop", 0.5, (("rho", 0.75),))
    assert [weight.shape for weight in found.weights] == [tuple(W.shape) for W in model.get_weights()]
    with pytest.raises(InputError, match="only dense layers can be built"):
        reused_model(found)
