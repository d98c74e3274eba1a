"""The model that words describe, in the sizes that a subject has."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from compare import check_parity
from compare.check.planning import plan, worded
from compare.check.settings import Settings
from compare.check.subject.drivers import InProcess
from compare.data.dataset import load
from compare.errors import InputError
from compare.sides.models import described
from examples.correct import Network as Plain


@dataclass
class Says:
    """A driver of a subject that says this of itself."""

    said: dict[str, Any] = field(default_factory=dict)
    asked: Any = None

    def describe(self, recipe):
        self.asked = recipe
        return self.said


def planned(data="iris", said=None, **settings):
    """The architecture of the model that is built."""
    driver: Any = Says(said or {})
    loaded = load(data, standardise=True, values=True)
    model, _ = worded(driver, loaded, Settings(**settings))
    return described(model())


def test_steps_that_do_not_end_are_refused_unless_they_are_wanted_at_any_cost():
    with pytest.raises(InputError, match=r"or say --at-any-cost \(at_any_cost=True\)"):
        check_parity(Plain, steps=10**12)
    driver: Any = Says()
    recipe, _ = plan(driver, load("iris", standardise=True), Settings(steps=10**12, at_any_cost=True))
    assert recipe.architecture.inputs == (4,)


@pytest.mark.parametrize("planner", [plan, worded])
def test_layers_that_a_subject_says_must_fit_in_the_machine_too(planner):
    driver: Any = Says({"layer_sizes": (4, 10**9, 3)})
    data = load("iris", standardise=True)
    with pytest.raises(InputError, match="what is asked for must fit in"):
        planner(driver, data, Settings())


def test_without_words_of_its_own_a_model_has_the_usual_sizes_and_what_goes_with_the_targets():
    classes, values = planned(loss="mse"), planned("diabetes")
    assert classes.sizes == (4, 6, 10, 8, 3)
    assert values.sizes == (10, 6, 10, 8, 1)
    assert values.loss == "mean_squared_error"
    assert values.layers[-1].activation == "linear"
    assert planned("breast_cancer", output="sigmoid").sizes == (30, 6, 10, 8, 1)


def test_words_are_the_model_s():
    found = planned(output="sigmoid", optimizer="rmsprop(rho=0.8)", l2=0.25, bias=False, layers=(5, 3), dtype="float32")
    assert (found.loss, found.dtype, found.sizes) == ("binary_crossentropy", "float32", (4, 5, 3))
    assert (found.optimizer.name, found.optimizer.arguments) == ("rmsprop", (("rho", 0.8),))
    assert found.penalty.l2 == 0.25
    assert [weight.role for weight in found.weights] == ["kernel", "kernel"]


def test_sizes_rate_and_activations_are_what_the_subject_says():
    said = {"layer_sizes": (4, 7, 3), "learning_rate": 0.2, "activations": ("tanh",)}
    found = planned(said=said, optimizer="adam")
    assert (found.sizes, found.activations, found.learning_rate) == ((4, 7, 3), ("tanh",), 0.2)
    assert found.optimizer.name == "adam"
    assert found.layers[-1].activation == "softmax"


def two_layers(layer_sizes, learning_rate):
    inputs, hidden, outputs = layer_sizes
    return Plain((inputs, hidden, outputs), learning_rate)


class OneLayer(Plain):
    def __init__(self, layer_sizes, learning_rate):
        super().__init__((layer_sizes[0], layer_sizes[-1]), learning_rate)
        self.W[0] = np.zeros(layer_sizes)


@pytest.mark.parametrize(("subject", "sizes"), [(two_layers, (4, 6, 3)), (OneLayer, (4, 3))])
def test_a_network_of_another_depth_is_checked_at_that_where_no_layers_are_asked_for(subject, sizes):
    data = load("iris", standardise=True)
    recipe, told = plan(InProcess(subject), data, Settings())
    model, as_told = worded(InProcess(subject), data, Settings(optimizer="adam"))
    assert recipe.architecture.sizes == described(model()).sizes == sizes
    written = "-".join(map(str, sizes))
    assert (
        told
        == as_told
        == [f"it has {len(sizes) - 1} layer{'s' * (len(sizes) > 2)}, whatever sizes it is given: checked as {written}"]
    )
    asked, told = plan(InProcess(subject), data, Settings(layers=(6, 10, 8, 3)))
    assert (asked.architecture.sizes, told) == ((4, 6, 10, 8, 3), [])


def test_a_network_that_fails_at_every_depth_is_asked_for_the_usual_one():
    def broken(layer_sizes, learning_rate):
        raise ValueError("too many values to unpack (expected 7)")

    recipe, told = plan(InProcess(broken), load("iris", standardise=True), Settings())
    assert (recipe.architecture.sizes, told) == ((4, 6, 10, 8, 3), [])


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"layers": (5, 3), "activations": ("sigmoid",)}, ((4, 5, 3), ("sigmoid",), 0.2)),
        ({"learning_rate": 0.3}, ((4, 7, 3), ("tanh",), 0.3)),
        ({"optimizer": "adam(learning_rate=0.4)"}, ((4, 7, 3), ("tanh",), 0.4)),
    ],
)
def test_what_is_asked_for_comes_before_what_the_subject_says(settings, expected):
    said = {"layer_sizes": (4, 7, 3), "learning_rate": 0.2, "activations": ("tanh",)}
    found = planned(said=said, **{"optimizer": "adam"} | settings)
    assert (found.sizes, found.activations, found.learning_rate) == expected


def test_sizes_of_a_subject_for_other_data_are_not_taken():
    assert planned(said={"layer_sizes": (30, 7, 2)}, loss="mse").sizes == (4, 6, 10, 8, 3)


def test_a_subject_is_asked_about_the_very_network_that_is_asked_for():
    driver: Any = Says()
    worded(driver, load("wine"), Settings(layers=(5, 3), optimizer="adam", batch_size=16))
    architecture = driver.asked.architecture
    assert (architecture.sizes, architecture.optimizer.name) == ((13, 5, 3), "adam")
    assert (driver.asked.n_samples, driver.asked.batch_size) == (178, 16)


@pytest.mark.parametrize(
    ("data", "settings", "told"),
    [
        ("iris", {"layers": (5, 4), "optimizer": "adam"}, "`layers` must end in the number of classes of iris, 3"),
        ("iris", {"layers": (5, 1), "loss": "mse"}, "Received: 5 1; make the last one 3"),
        ("diabetes", {"output": "softmax"}, "`loss` must be mean_squared_error for diabetes, whose target is values"),
        ("diabetes", {"layers": (5, 2)}, "`layers` must end in what mean_squared_error needs for diabetes, 1."),
        ("iris", {"activations": ("tanh",), "optimizer": "adam"}, "`activations` must name 3 hidden layers"),
    ],
)
def test_words_that_do_not_fit_the_data_are_told_in_one_line(data, settings, told):
    with pytest.raises(InputError) as error:
        planned(data, **settings)
    assert told in str(error.value)


def test_a_network_of_another_number_of_outputs_than_the_data_want_is_told():
    with pytest.raises(InputError, match="`layers` must end in"):
        planned(said={"layer_sizes": (4, 7, 5)}, optimizer="adam")


def test_a_subject_is_held_to_the_words():
    class Pulled(Plain):
        """With an L2 penalty of 0.25 in each kernel."""

        def train_on_batch(self, x, y):
            kept = [W.copy() for W in self.W]
            loss = super().train_on_batch(x, y)
            self.W = [W - self.learning_rate * 0.5 * old for W, old in zip(self.W, kept, strict=True)]
            return loss + 0.25 * sum((W**2).sum() for W in kept)

    options: dict[str, Any] = {"layers": (5, 3), "steps": 3}
    assert check_parity(Pulled, l2=0.25, **options).verdict == "parity"
    assert not check_parity(Pulled, l2=0.125, **options).passed
