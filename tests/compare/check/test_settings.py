"""What a check is asked for: which words make it a check beside a model, and what is refused."""

from typing import Any

import pytest

from compare.check.settings import Settings
from compare.errors import InputError

BEYOND: dict[str, Any] = {
    "output": "sigmoid",
    "loss": "mse",
    "optimizer": "adam",
    "l1": 0.01,
    "l2": 0.01,
    "bias": False,
    "samplewise": True,
}


def test_the_default_is_the_plain_network_as_are_its_own_words_and_another_rate():
    assert Settings().plain
    assert Settings(output="softmax", loss="categorical_crossentropy", optimizer="sgd").plain
    assert Settings(learning_rate=0.3, layers=(4, 3), steps=9).plain


@pytest.mark.parametrize("name", BEYOND)
def test_each_word_of_another_network_makes_it_another(name):
    assert not Settings(**{name: BEYOND[name]}).plain


def test_the_objective_is_what_the_words_say():
    asked = Settings(output="sigmoid", optimizer="sgd(momentum=0.9)", learning_rate=0.2, l1=0.1, l2=0.3, bias=False)
    objective = asked.objective
    rule = objective.update_rule()
    assert (objective.output, objective.loss, objective.l1, objective.l2, objective.bias) == (
        *("sigmoid", None, 0.1, 0.3, False),
    )
    assert (rule.name, rule.learning_rate, rule.arguments) == ("sgd", 0.2, (("momentum", 0.9),))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"l2": -0.1}, "`l2` must be 0 or a positive number. Received: -0.1"),
        ({"l1": float("nan")}, "`l1` must be 0 or a positive number. Received: nan"),
        ({"loss": "hinge"}, "`loss` must be one of"),
        ({"output": "softmax", "loss": "mse"}, "beside loss mean_squared_error. Received: softmax"),
        ({"output": "sigmoid", "loss": "categorical_crossentropy"}, "`output` must be one of softmax beside loss"),
        ({"optimizer": "adma"}, "`optimizer` must be one of"),
        ({"optimizer": "adam(beta_1=1)"}, "`optimizer` must have beta_1 as a number from 0 to below 1. Received: 1"),
        ({"optimizer": "sgd(learning_rate=0.1)", "learning_rate": 0.2}, "`learning_rate` must be the optimizer's own"),
    ],
)
def test_a_bad_word_is_told_in_one_line_when_it_is_given(given, told):
    with pytest.raises(InputError) as error:
        Settings(**given)
    assert told in str(error.value)
    assert "\n" not in str(error.value)
