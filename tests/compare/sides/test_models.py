"""From an architecture to a Keras model and back: what a model is, it says."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from compare.errors import InputError
from compare.recipe.architecture import Architecture, Dense, Given, Optimizer, Penalty, dense
from compare.sides.models import described, reused_model
from compare.sides.sides import scratch_network

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


@pytest.mark.parametrize("architecture", OTHERS[2:], ids=Architecture.beyond_plain)
def test_the_scratch_side_says_what_it_does_not_have(architecture):
    with pytest.raises(InputError, match="and plain SGD"):
        scratch_network(architecture)


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
    assert dropout == Given("Dropout", (5,))
    assert head == Dense(3, "softmax")
    assert found.optimizer == Optimizer("rmsprop", 0.5, (("rho", 0.75),))
    assert [weight.shape for weight in found.weights] == [tuple(W.shape) for W in model.get_weights()]
    with pytest.raises(InputError, match="only dense layers can be built"):
        reused_model(found)
