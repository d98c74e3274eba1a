"""The line of adapter that a message names: where the parameters seem to lie, and what seems to make a step."""

import itertools
from types import SimpleNamespace as Thing

import numpy as np
import pytest

from compare.check.subject.guesses import methods_of, name_of, orientation, places_of, step_of
from compare.check.subject.places import each, slots

SIZES = (4, 6, 5, 3)
W = [np.ones(pair) for pair in itertools.pairwise(SIZES)]
TURNED = [w.T for w in W]
B = [np.zeros(units) for units in SIZES[1:]]
ROWS = [b.reshape(1, -1) for b in B]
COLUMNS = [b.reshape(-1, 1) for b in B]


def layers(kernels, biases, **more):
    return [Thing(weights=w, bias=b, dW=w * 0, output=None, **more) for w, b in zip(kernels, biases, strict=True)]


def numbers(kernels, biases, first=1, kernel="W", bias="b"):
    pairs = enumerate(zip(kernels, biases, strict=True), first)
    return {key: value for i, (w, b) in pairs for key, value in ((f"{kernel}{i}", w), (f"{bias}{i}", b))}


@pytest.mark.parametrize(
    ("network", "written", "turned"),
    [
        (Thing(W=W, b=B), 'lists("W", "b")', False),
        (Thing(weights=TURNED, biases=COLUMNS, nabla_w=TURNED), 'lists("weights", "biases")', True),
        (Thing(dW=W, db=B, coefs_=W, intercepts_=ROWS), 'lists("coefs_", "intercepts_")', False),
        (Thing(W=dict(enumerate(W, 1)), b=dict(enumerate(B, 1))), 'lists("W", "b")', False),
        (Thing(parameters=numbers(W, ROWS)), 'numbered("parameters")', False),
        (Thing(cache={"A1": W[0]}, p=numbers(TURNED, COLUMNS)), 'numbered("p")', True),
        (Thing(p=numbers(W, B, 0, "weight_", "bias_")), 'numbered("p", "weight_", "bias_", first=0)', False),
        (Thing(**numbers(W, B, kernel="w")), 'numbered(None, "w", "b")', False),
        (Thing(layers=[Thing(), *layers(W, ROWS)]), 'each("layers", "weights", "bias")', False),
        (Thing(net=[dict(zip("Wb", pair, strict=True)) for pair in zip(TURNED, B, strict=True)]), 'each("net")', True),
        (Thing(layers=tuple(zip(W, B, strict=True))), 'each("layers", 0, 1)', False),
        (Thing(kernels=W), 'lists("kernels", None)', False),
        (Thing(layers=[{"W": w} for w in W]), 'each("layers", "W", None)', False),
    ],
)
def test_parameters_are_found_where_people_keep_them(network, written, turned):
    guess = places_of(network)
    assert guess is not None
    assert (guess.written, guess.turned) == (written, turned)
    assert guess.options() == written + ', kernel="units_inputs"' * turned


@pytest.mark.parametrize("network", [Thing(), Thing(W=[W[0], W[2]], b=B), Thing(x=B[0]), Thing(dW=W, db=B), None])
def test_what_does_not_follow_is_not_guessed(network):
    assert places_of(network) is None


def test_a_guess_is_a_way_of_finding_them():
    found = slots(each("layers", "weights", "bias")(Thing(layers=layers(W, B))))
    assert [kernel.held is w for (kernel, _), w in zip(found, W, strict=True)] == [True] * 3


@pytest.mark.parametrize(
    ("shapes", "turned"),
    [
        ([(4, 6), (6, 3)], False),
        ([(6, 4), (3, 6)], True),
        ([(4, 4), (3, 4)], True),
        ([(3, 3), (3, 3)], None),
        ([(4, 3)], None),
        ([(4, 6), (5, 3)], None),
        ([(4, 6), (6,)], None),
    ],
)
def test_kernels_that_follow_on_each_other_show_which_way_round_they_are(shapes, turned):
    assert orientation(shapes) is turned


class Fits:
    def fit(self, X_train, Y_train, lr, epochs=10, *, verbose=False): ...


class Backs:
    def forward(self, x): ...

    def backward(self, y_true, x): ...

    def update(self, rate): ...


class Nothing:
    size = 3


@pytest.mark.parametrize(
    ("network", "call", "methods"),
    [
        (Fits(), "net.fit(x, y, lr=..., epochs=1)", "`fit`"),
        (Backs(), "net.backward(y, x)", "`update`, `backward`, `forward`"),
        (Nothing(), "net.METHOD(x, y)", "no methods"),
        (Thing(one_step=lambda x, y: 0), "net.one_step(x, y)", "`one_step`"),
    ],
)
def test_a_step_is_named_with_what_it_takes(network, call, methods):
    assert step_of(network) == call
    assert methods_of(network) == methods


@pytest.mark.parametrize(("network", "name"), [(Fits, "Fits"), (Fits(), "Fits"), (lambda: 0, "...")])
def test_a_network_is_named_as_in_code(network, name):
    assert name_of(network) == name
