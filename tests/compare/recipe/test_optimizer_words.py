"""Optimizers are told in Keras's words, and nothing that is told is evaluated."""

import re
from contextlib import suppress

import keras
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compare.errors import InputError
from compare.recipe.architecture import Optimizer
from compare.recipe.optimizer_words import DEFAULTS, optimizer


@pytest.mark.parametrize(
    ("words", "learning_rate", "expected"),
    [
        ("sgd", None, Optimizer()),
        ("adam", None, Optimizer("adam", 0.001)),
        (" Adam( ) ", 0.5, Optimizer("adam", 0.5)),
        ("adam(learning_rate=0.002)", None, Optimizer("adam", 0.002)),
        ("adam(learning_rate=0.002)", 0.002, Optimizer("adam", 0.002)),
        ("sgd(nesterov=True, momentum=0.9)", 0.1, Optimizer("sgd", 0.1, (("momentum", 0.9), ("nesterov", True)))),
        ("sgd(momentum=0, nesterov=False, clipnorm=1)", None, Optimizer("sgd", 0.01, (("clipnorm", 1.0),))),
        ("adamw(weight_decay=0.004)", None, Optimizer("adamw", 0.001)),
        ("RMSprop(rho=0.5,)", None, Optimizer("rmsprop", 0.001, (("rho", 0.5),))),
    ],
)
def test_words_are_an_optimizer_with_what_is_not_kerass_default(words, learning_rate, expected):
    assert optimizer(words, learning_rate) == expected


@pytest.mark.parametrize(
    "words",
    [
        "",
        "sdg",
        "adam(0.001)",
        "adam(beta_1=[0.9])",
        "adam(beta_1=-0.9)",
        "adam(beta_1=0.9, beta_1=0.8)",
        "adam(**{'beta_1': 0.9})",
        "keras.optimizers.Adam()",
        "adam()()",
        "adam(learning_rate=print())",
        "__import__('os').system('true')",
        "adam\nsgd",
        "(" * 9999,
    ],
)
def test_anything_else_is_refused_with_the_known_ones(words):
    message = f"`optimizer` must be one of {', '.join(DEFAULTS)}, alone or with its arguments"
    with pytest.raises(InputError, match=re.escape(message)):
        optimizer(words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("adam(momentum=0.9)", "`optimizer` must have arguments of adam: learning_rate, beta_1"),
        ("sgd(momentum=1)", "`optimizer` must have momentum as a number from 0 to below 1. Received: 1"),
        ("sgd(momentum=True)", "`optimizer` must have momentum as a number from 0 to below 1. Received: True"),
        ("sgd(nesterov=1)", "`optimizer` must have nesterov as True or False. Received: 1"),
        ("adam(learning_rate=0)", "`optimizer` must have learning_rate as a positive number. Received: 0"),
        ("adam(epsilon='small')", "`optimizer` must have epsilon as a number, 0 or more. Received: 'small'"),
        ("adam(epsilon=1e999)", "`optimizer` must have epsilon as a number, 0 or more. Received: inf"),
        (f"adam(epsilon=1{'0' * 400})", "`optimizer` must have epsilon as a number, 0 or more"),
    ],
)
def test_an_argument_that_does_not_fit_is_told(words, message):
    with pytest.raises(InputError, match=re.escape(message)):
        optimizer(words)


def test_two_learning_rates_that_differ_are_told():
    with pytest.raises(InputError, match=r"^`learning_rate` must be the optimizer's own, or left out. Received: 0.1"):
        optimizer("adam(learning_rate=0.2)", 0.1)


@given(st.text(max_size=30) | st.sampled_from(sorted(DEFAULTS)).flatmap(lambda name: st.just(name + "(x=1)")))
def test_any_words_are_understood_or_refused_in_one_line(words):
    told = ""
    with suppress(InputError):
        told = optimizer(words).name
    if told not in DEFAULTS:
        with pytest.raises(InputError, match=r"\A`optimizer` must [^\n]*\Z"):
            optimizer(words)


@pytest.mark.parametrize("name", DEFAULTS)
def test_the_defaults_are_kerass(name):
    config = keras.optimizers.get(name).get_config()
    rate = config.pop("learning_rate")
    assert rate == pytest.approx(DEFAULTS[name]["learning_rate"], rel=1e-7)
    assert {argument: config.get(argument) for argument in DEFAULTS[name] if argument != "learning_rate"} == {
        argument: value for argument, value in DEFAULTS[name].items() if argument != "learning_rate"
    }
