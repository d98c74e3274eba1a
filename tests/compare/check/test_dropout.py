"""Where masks are kept is found out beside what looks like one: a slope of ReLU, another layer's mask, a copy."""

from typing import Any

import keras
import numpy as np
import pytest

from compare import check_parity
from compare.check.dropout import _unlikely, _ways
from compare.check.report.verdict import PARITY, WRONG
from compare.recipe.architecture import Given
from keras_ref.model import assemble
from tests.compare.check.model_networks import RATE

RNG = np.random.default_rng(0)
X, LABELS = RNG.normal(size=(23, 4)), RNG.integers(0, 3, 23)
MODULE_RNG = np.random.default_rng(5)  # goes on from one subject to the next


def model():
    def layers():
        return [
            keras.layers.Dense(6, "relu"),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(6, "relu"),
            keras.layers.Dropout(0.25),
            keras.layers.Dense(3, "softmax"),
        ]

    return assemble((4,), layers, "categorical_crossentropy", lambda: keras.optimizers.SGD(RATE), "float64")


class TwoMasks:
    """Slopes and masks, kept beside each other: the slopes first, and the second layer's mask before the first's."""

    scale = 1.0

    def __init__(self):
        self.params = [np.zeros(shape) for shape in ((4, 6), 6, (6, 6), 6, (6, 3), 3)]
        self.slopes: dict[int, Any] = {}
        self.mask_2 = self.mask_1 = np.empty(0)

    def get_weights(self):
        return [W.copy() for W in self.params]

    def set_weights(self, weights):
        self.params = [W.copy() for W in weights]

    def predict(self, x):
        W1, b1, W2, b2, W3, b3 = self.params
        Z = np.maximum(np.maximum(x @ W1 + b1, 0) @ W2 + b2, 0) @ W3 + b3
        E = np.exp(Z - Z.max(axis=1, keepdims=True))
        return E / E.sum(axis=1, keepdims=True)

    def train_on_batch(self, x, y):
        W1, b1, W2, b2, W3, b3 = self.params
        Z1 = x @ W1 + b1
        self.slopes[1] = Z1 > 0
        self.mask_1 = MODULE_RNG.random(Z1.shape) < 0.5
        D1 = Z1 * self.slopes[1] * self.mask_1 / 0.5
        Z2 = D1 @ W2 + b2
        self.slopes[2] = Z2 > 0
        self.mask_2 = MODULE_RNG.random(Z2.shape) < 0.75
        D2 = Z2 * self.slopes[2] * self.mask_2 / 0.75
        Z3 = D2 @ W3 + b3
        E = np.exp(Z3 - Z3.max(axis=1, keepdims=True))
        P = E / E.sum(axis=1, keepdims=True)
        dZ3 = (P - np.eye(3)[y]) / len(x)
        dZ2 = dZ3 @ W3.T * self.mask_2 / 0.75 * self.slopes[2]
        dZ1 = dZ2 @ W2.T * self.mask_1 / 0.5 * self.scale * self.slopes[1]
        changes = (x.T @ dZ1, dZ1.sum(0), D1.T @ dZ2, dZ2.sum(0), D2.T @ dZ3, dZ3.sum(0))
        self.params = [W - RATE * change for W, change in zip(self.params, changes, strict=True)]
        return float(-np.log(P[range(len(x)), y]).mean())


class Unscaled(TwoMasks):
    scale = 0.5


@pytest.mark.parametrize(("subject", "verdict"), [(TwoMasks, PARITY), (Unscaled, WRONG)])
def test_masks_are_told_from_slopes_and_a_generator_of_the_module_does_not_matter(subject, verdict):
    report = check_parity(subject, (X, LABELS), reference=model, steps=4, batch_size=8)
    assert report.verdict == verdict
    if verdict == WRONG:
        assert "self.mask_1 / 0.5 * self.scale" in report.guilty[0].source


HALF, QUARTER = (Given("Dropout", (50,), rate=rate) for rate in (0.5, 0.25))


def held(**kept):
    """What is held in two steps, in batches of four: a share of ones, drawn anew unless it is said twice."""
    rng = np.random.default_rng(1)
    both: list[dict[str, Any]] = [{}, {}]
    for name, share in kept.items():
        first, again = ((rng.random((4, 50)) < abs(share)).astype(float) for _ in range(2))
        for step, mask in zip(both, (first, first if share < 0 else again), strict=True):
            step[name] = mask
    return both


def test_what_is_drawn_anew_as_often_as_the_layer_drops_comes_first():
    kept = held(slope=-0.5, later=0.75, mask=0.5)
    assert next(_ways([HALF], kept, 4)) == ("mask",)
    assert next(_ways([HALF, QUARTER], kept, 4)) == ("mask", "later")
    assert list(_ways([HALF], kept, 4))[1:] == [("later",), ("slope",)]
    assert _unlikely([step["mask"] * 2 for step in kept], 0.5) < _unlikely([step["mask"] for step in kept], 0.5)


def test_one_mask_that_is_kept_twice_is_not_two_layers_masks():
    kept = held(mask=0.5)
    for step in kept:
        step["again"] = 2 * step["mask"]
    assert list(_ways([HALF, HALF], kept, 4)) == []
    assert list(_ways([HALF], held(), 4)) == []
