"""Tensors that a network keeps otherwise than Keras: read and set as they were said to lie, and what is amiss told."""

import re

import numpy as np
import pytest

from compare.adapters import adapt, joined, tensor
from compare.check.subject.handle import Handle
from compare.check.subject.kinds import Refusal, make
from compare.errors import InputError
from compare.recipe.architecture import Architecture, Dense, Given
from compare.recipe.recipe import Recipe

CONV = Given("Conv2D", (12,), (("kernel", (3, 2, 1, 4), True), ("bias", (4,), True)))
RECIPE = Recipe(Architecture((4, 3, 1), (CONV, Dense(5, "softmax"))), 20, 8, given=True)
RNG = np.random.default_rng(0)
WEIGHTS = [RNG.normal(size=shape) for shape in ((3, 2, 1, 4), (4,), (12, 5), (5,))]


class Net:
    """Keeps a convolution's kernel as (filters, channels, height, width), and a dense layer in one array."""

    def __init__(self):
        self.layers = [{"K": np.ones((4, 1, 3, 2)), "c": np.ones((1, 4))}]
        self.dense = np.ones((5, 13))
        self.alias = self.layers[0]["K"]

    def train_on_batch(self, x, y):
        return 0.0


KERNEL, DENSE = tensor("layers.0.K", axes=(2, 3, 1, 0)), tensor("dense", axes=(1, 0), part=np.s_[:, :12])
LISTED = [KERNEL, "layers.0.c", DENSE, tensor("dense", part=np.s_[:, 12])]


def handle(said, network=Net):
    return Handle(make(adapt(network, said), RECIPE), RECIPE)


def test_what_is_set_lies_as_it_was_said_and_comes_back():
    one = handle(LISTED)
    one.set_weights(WEIGHTS)
    for found, given in zip(one.get_weights(), WEIGHTS, strict=True):
        np.testing.assert_array_equal(found, given)
    net = one.thing.network
    np.testing.assert_array_equal(net.alias[3, 0], WEIGHTS[0][:, :, 0, 3])  # written in place
    np.testing.assert_array_equal(net.layers[0]["c"], [WEIGHTS[1]])  # a row stays one
    np.testing.assert_array_equal(net.dense, np.hstack([WEIGHTS[2].T, WEIGHTS[3][:, None]]))


def test_parts_are_joined_along_keras_s_axis_and_a_matrix_may_stand_for_a_kernel():
    class Parts(Net):
        def __init__(self):
            self.K = np.ones((4, 6))
            self.c = [0, 0, 0, 0]
            self.W = {"a": np.ones((5, 6)), "b": np.ones((5, 6))}
            self.b = None

    flat = tensor("K", axes=(2, 3, 1, 0), shape=(4, -1))
    one = handle([flat, "c", joined([tensor(f"W.{k}", axes=(1, 0)) for k in "ab"], axis=0), "b"], Parts)
    one.set_weights(WEIGHTS)
    for found, given in zip(one.get_weights(), WEIGHTS, strict=True):
        np.testing.assert_array_equal(found, given)
    net = one.thing.network
    np.testing.assert_array_equal(net.K[1], WEIGHTS[0][:, :, 0, 1].ravel())
    np.testing.assert_array_equal(net.W["b"], WEIGHTS[2][6:].T)
    assert net.c == list(WEIGHTS[1])


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (LISTED[:3], "the adapter lists 3 tensors, and Keras has 4: kernel (3, 2, 1, 4), bias (4,), kernel (12, 5)"),
        ([tensor("conv.K"), *LISTED[1:]], '`tensor("conv.K")` does not fit the network: AttributeError'),
        (
            [tensor("layers.0.K"), *LISTED[1:]],
            '`tensor("layers.0.K")` has shape (4, 1, 3, 2), and Keras\'s tensor (3, 2, 1, 4): '
            'say `tensor("layers.0.K", axes=(2, 3, 1, 0))`',
        ),
        (
            [KERNEL, tensor("layers.0.c", shape=(-1, 1)), *LISTED[2:]],
            'has shape (1, 4), and Keras\'s tensor (4,): say `tensor("layers.0.c")`',
        ),
        ([KERNEL, "layers.0.c", "dense", LISTED[3]], "(5, 13), and Keras's tensor (12, 5): no order of its axes"),
        (
            [joined(["layers.0.K"] * 5), *LISTED[1:]],
            "cannot be cut from Keras's tensor (3, 2, 1, 4): its axis -1 is not 5 equal parts",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_the_line_that_mends_it(said, words):
    with pytest.raises(Refusal, match=re.escape(words)):
        handle(said).set_weights(WEIGHTS)


class Unsaid(Net):
    """Returns its own arrays in an order of its own."""

    def __init__(self):
        self.K, self.W = RNG.normal(size=(4, 1, 3, 2)), RNG.normal(size=(5, 12))
        self.biases = {"c": RNG.normal(size=4), "b": RNG.normal(size=5)}

    def get_weights(self):
        return [self.K, self.W, *self.biases.values()]

    def set_weights(self, weights):
        self.K, self.W, *rest = weights
        self.biases = dict(zip("cb", rest, strict=True))


def test_without_an_adapter_the_line_that_would_mend_it_is_told():
    said = [tensor("K", axes=(2, 3, 1, 0)), tensor("biases.c"), tensor("W", axes=(1, 0)), tensor("biases.b")]
    with pytest.raises(Refusal, match=re.escape(f"`adapt(Unsaid, [{', '.join(map(str, said))}])`")):
        Handle(Unsaid(), RECIPE).set_weights(WEIGHTS)
    one = handle(said, Unsaid)
    one.set_weights(WEIGHTS)
    np.testing.assert_array_equal(one.get_weights()[2], WEIGHTS[2])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: tensor(""), "`path` must be names with dots between"),
        (lambda: tensor("W", axes=(1, 1)), '`axes` of "W" must be each of its axes once'),
        (lambda: tensor("W", shape=(-1, -1)), '`shape` of "W" must be lengths with at most one -1'),
        (lambda: joined("Wf"), "`joined` must be given a list of parts"),
        (lambda: joined([3]), "each part must be tensor"),  # type: ignore[list-item]
        (lambda: adapt(Net, ["W", 3]), r"a list of tensor\(\.\.\.\) and joined\(\.\.\.\) in Keras's order"),  # type: ignore[list-item]
        (lambda: adapt(Net, ["W"], kernel="units_inputs"), "`kernel` goes with each, numbered and lists"),
    ],
)
def test_what_says_nothing_is_bad_input(make, words):
    with pytest.raises(InputError, match=words):
        make()


@pytest.mark.parametrize(
    ("said", "written"),
    [
        (tensor("W", (1, 0), (-1, 1)), 'tensor("W", axes=(1, 0), shape=(-1, 1))'),
        (DENSE, 'tensor("dense", axes=(1, 0), part=np.s_[:, :12])'),
        (joined(["Wi", "Wf"]), 'joined([tensor("Wi"), tensor("Wf")], axis=-1)'),
    ],
)
def test_tensors_are_shown_as_they_are_written(said, written):
    assert str(said) == written
