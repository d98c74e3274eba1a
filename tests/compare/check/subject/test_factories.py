"""What a factory is given goes by what its parameters are called."""

from dataclasses import replace

import pytest

from compare.check.subject.factories import WrongDepth, arguments_of
from compare.recipe.architecture import Given, dense
from compare.recipe.recipe import Recipe

DEEP = Recipe(dense((4, 6, 5, 3), ("tanh", "tanh"), 0.1), 20, 8)


@pytest.mark.parametrize(
    ("factory", "arguments", "keywords"),
    [
        (lambda input_size, hidden_sizes, output_size, lr: ..., [4, [6, 5], 3, 0.1], {}),
        (lambda n_in, h1, h2, n_out, seed=1: ..., [4, 6, 5, 3], {}),
        (lambda n_inputs, n_outputs, hidden=(7,), eta=1.0: ..., [4, 3], {"hidden": (6, 5), "eta": 0.1}),
        (lambda sizes, activation: ..., [[4, 6, 5, 3], "tanh"], {}),
        (lambda sizes, rate, activation="relu": ..., [[4, 6, 5, 3], 0.1], {}),
        (lambda sizes, alpha=0.2, lr=0.5: ..., [[4, 6, 5, 3]], {"lr": 0.1}),
    ],
)
def test_sizes_are_given_in_one_or_one_by_one(factory, arguments, keywords):
    assert arguments_of(factory, DEEP) == (arguments, keywords)


def test_beside_dropout_a_rate_is_its_own():
    layers = DEEP.architecture.layers
    drops = replace(DEEP.architecture, layers=(*layers[:1], Given("Dropout", (6,), rate=0.3), *layers[1:]))
    recipe = replace(DEEP, architecture=drops, given=True)
    assert arguments_of(lambda rate=0.3: ..., recipe) == ([], {})
    assert arguments_of(lambda rate=0.3: ..., DEEP) == ([], {"rate": 0.1})


def test_for_a_model_of_the_user_s_own_defaults_hold():
    assert arguments_of(lambda vocabulary=9, hidden=6, lr=0.5: ..., replace(DEEP, given=True)) == ([], {"lr": 0.1})


@pytest.mark.parametrize(
    ("factory", "words"),
    [
        (lambda n_in, n_hidden, n_out: ..., "networks with 1 hidden layer, and 2 are asked for"),
        (lambda n_in, h1, h2, h3, n_out: ..., "networks with 3 hidden layers, and 2 are asked for"),
    ],
)
def test_another_number_of_hidden_layers_is_no_guess(factory, words):
    with pytest.raises(WrongDepth, match=words):
        arguments_of(factory, DEEP)
