"""An experiment's settings are checked when it is made."""

import pytest

from compare.data.dataset import load
from compare.errors import InputError
from compare.experiments.experiment import Experiment, quick
from compare.recipe.protocol import PROTOCOLS


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"epochs": 0}, "`epochs` must be a positive integer. Received: 0"),
        ({"batch_size": -1}, "`batch_size` must be a positive integer. Received: -1"),
        ({"pairs": 0}, "`pairs` must be a positive integer. Received: 0"),
        ({"replicates": 0}, "`replicates` must be a positive integer. Received: 0"),
        ({"layers": (6, 0, 3)}, "`layers` must be positive integers. Received: 0"),
        ({"learning_rate": 0.0}, "`learning_rate` must be a positive number. Received: 0.0"),
        ({"learning_rate": float("nan")}, "`learning_rate` must be a positive number. Received: nan"),
        ({"learning_rate": 0.1, "optimizer": "adam(learning_rate=0.2)"}, "`learning_rate` must be the optimizer's own"),
        ({"optimizer": "sdg"}, "`optimizer` must be one of sgd, rmsprop"),
        ({"loss": "hinge"}, "`loss` must be one of categorical_crossentropy, binary_crossentropy, mean_squared_error"),
        (
            {"output": "gelu"},
            "`output` must be one of leaky_relu, linear, relu, sigmoid, softmax, tanh. Received: gelu",
        ),
        (
            {"loss": "mse", "output": "softmax"},
            "`output` must be one of leaky_relu, linear, relu, sigmoid, tanh beside",
        ),
        ({"l2": -0.1}, "`l2` must be 0 or a positive number. Received: -0.1"),
        ({"seed": -1}, "`seed` must be from 0 to 2147483647. Received: -1"),
        ({"dtype": "float16"}, "`dtype` must be one of float32, float64, both. Received: float16"),
        ({"protocol": "other"}, "`protocol` must be one of article, keras. Received: other"),
        ({"only": ("all",)}, "`only` must be one of article, matched, unseeded. Received: all"),
        ({"batch_size": 8, "protocol": "article"}, "`batch_size` does not go with the article protocol"),
        (
            {"only": ("article",), "data": "wine"},
            "`only` article is about iris as it comes, and the article's own network. Received: data wine",
        ),
    ],
)
def test_a_setting_out_of_range_is_refused_in_one_line(setting, message):
    with pytest.raises(InputError) as error:
        Experiment(**setting)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_the_defaults_are_both_protocols_both_dtypes_all_parts():
    experiment = Experiment()
    assert experiment.protocols == tuple(PROTOCOLS.values())
    assert experiment.dtypes == ("float32", "float64")
    assert experiment.parts == ("article", "matched", "unseeded")


def test_epochs_reach_every_protocol_and_the_batch_size_that_of_keras_alone():
    article, keras = Experiment(epochs=7, batch_size=8).protocols
    assert (article.epochs, article.batch_size) == (7, None)
    assert (keras.epochs, keras.batch_size) == (7, 8)


@pytest.mark.parametrize("other", [{"data": "wine"}, {"standardise": True}])
def test_the_articles_part_is_about_iris_as_it_comes(other):
    assert Experiment(**other).parts == ("matched", "unseeded")


def test_layers_end_in_the_number_of_classes():
    iris, digits = load("iris"), load("digits")
    assert Experiment().architecture(iris).sizes == (4, 6, 10, 8, 3)
    assert Experiment().architecture(digits).sizes == (64, 6, 10, 8, 10)
    with pytest.raises(InputError, match=r"must end in the number of classes of iris, 3. Received: 6 4; make"):
        Experiment(layers=(6, 4)).architecture(iris)


@pytest.mark.parametrize(
    ("data", "settings", "sizes", "said"),
    [
        ("breast_cancer", {"output": "sigmoid"}, (30, 6, 10, 8, 1), "sigmoid output, binary_crossentropy"),
        ("breast_cancer", {"loss": "bce", "layers": (5, 2)}, (30, 5, 2), "sigmoid output, binary_crossentropy"),
        ("iris", {"loss": "mse"}, (4, 6, 10, 8, 3), "linear output, mean_squared_error"),
        ("diabetes", {}, (10, 6, 10, 8, 1), "linear output, mean_squared_error"),
        (
            "diabetes",
            {"output": "sigmoid", "loss": "mse", "layers": (3, 1)},
            (10, 3, 1),
            "sigmoid output, mean_squared_error",
        ),
        (
            "iris",
            {"optimizer": "adam(beta_1=0.8)", "l2": 0.1, "bias": False, "learning_rate": 0.5},
            (4, 6, 10, 8, 3),
            "layers without biases, adam, beta_1=0.8, l2 penalty",
        ),
    ],
)
def test_the_objective_is_told_in_kerass_words(data, settings, sizes, said):
    architecture = Experiment(**settings).architecture(load(data, values=True))
    assert architecture.sizes == sizes
    assert architecture.beyond_plain() == said
    assert architecture.learning_rate == settings.get("learning_rate", 0.01)


@pytest.mark.parametrize(
    ("data", "settings", "message"),
    [
        ("diabetes", {"loss": "bce"}, "`loss` must be mean_squared_error for diabetes, whose target is values."),
        ("diabetes", {"layers": (3, 2)}, "`layers` must end in what mean_squared_error needs for diabetes, 1. Rec"),
        ("iris", {"loss": "bce", "layers": (3, 1)}, "`layers` must end in the number of classes of iris, 3. Rec"),
        ("breast_cancer", {"loss": "bce", "layers": (3,)}, "`layers` must end in what binary_crossentropy needs for"),
    ],
)
def test_a_loss_that_does_not_go_with_the_data_is_told(data, settings, message):
    experiment = Experiment(**settings)
    with pytest.raises(InputError) as error:
        experiment.architecture(load(data, values=True))
    assert str(error.value).startswith(message)


def test_the_articles_part_is_about_its_own_network():
    assert Experiment(learning_rate=0.1).parts == ("article", "matched", "unseeded")
    assert Experiment(optimizer="adam").parts == ("matched", "unseeded")


def test_quick_never_makes_a_run_larger():
    small = quick(Experiment(epochs=3, pairs=1, replicates=5))
    assert (small.epochs, small.pairs, small.replicates) == (3, 1, 5)
    assert quick(Experiment()).epochs == 10
