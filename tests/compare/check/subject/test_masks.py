"""The masks of dropout are found wherever a subject keeps them, and none is made up."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from compare.check.subject import masks
from compare.check.subject.masks import DEEP, dropout_layers
from compare.recipe.architecture import Architecture, Dense, Given

SAMPLES, RATE = 4, 0.2


def architecture(*rates, units=3):
    """Dense layers with dropout of these rates behind each."""
    layers = [each for rate in rates for each in (Dense(units), Given("Dropout", (units,), rate=rate))]
    return Architecture((2,), (*layers, Dense(2, "softmax")))


ONE = architecture(RATE)
MASK = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 1], [1, 0, 0]])
EXPECTED = MASK / (1 - RATE)


def find_masks(thing, *of) -> Any:
    return masks.find_masks(thing, *of)


class Slotted:
    """A network that keeps a mask in a layer of a list of a part."""

    def __init__(self, mask):
        self.W = np.zeros((2, 3))
        self.body = SimpleNamespace(layers=[SimpleNamespace(W=np.ones((3, 3))), SimpleNamespace(mask=mask)])


PLACES = {
    "attribute": SimpleNamespace(mask=MASK),
    "list": SimpleNamespace(cache=[np.zeros((2, 2)), MASK]),
    "tuple in a dict": SimpleNamespace(cache={"D1": (np.arange(12.0).reshape(4, 3), MASK)}),
    "layer of a part": Slotted(MASK),
    "transposed": SimpleNamespace(mask=np.ascontiguousarray(MASK.T)),
    "boolean": SimpleNamespace(mask=MASK.astype(bool)),
    "scaled": SimpleNamespace(mask=MASK / (1 - RATE)),
    "float32": SimpleNamespace(mask=(MASK / (1 - RATE)).astype(np.float32)),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_mask_is_found_and_told_as_what_is_multiplied_by(place):
    (found,) = find_masks(PLACES[place], ONE, SAMPLES)
    assert np.array_equal(found, EXPECTED)


def test_where_all_is_dropped_the_mask_is_found_too():
    assert np.array_equal(find_masks(SimpleNamespace(mask=np.zeros((4, 3))), ONE, SAMPLES), [np.zeros((4, 3))])


def test_two_layers_of_one_shape_are_told_in_order_each_by_its_own_rate():
    other = 1 - MASK
    found = find_masks(SimpleNamespace(masks=[MASK, other]), architecture(RATE, 0.5), SAMPLES)
    assert np.array_equal(found[0], EXPECTED)
    assert np.array_equal(found[1], 2.0 * other)


def test_one_mask_is_not_told_for_two_layers():
    assert find_masks(SimpleNamespace(mask=MASK, again=MASK), architecture(RATE, 0.5), SAMPLES) is None


OTHER = {
    "none": SimpleNamespace(W=np.ones((2, 3))),
    "of another batch": SimpleNamespace(mask=MASK[:3]),
    "three values": SimpleNamespace(mask=np.where(MASK == 0, 0, np.arange(1, 4))),
    "negative": SimpleNamespace(mask=-MASK),
    "no zero": SimpleNamespace(mask=MASK + 1),
    "text": SimpleNamespace(mask=MASK.astype(str)),
    "a list of lists": SimpleNamespace(mask=MASK.tolist()),
}


@pytest.mark.parametrize("what", OTHER)
def test_what_is_no_mask_of_this_batch_is_none(what):
    assert find_masks(OTHER[what], ONE, SAMPLES) is None


def test_what_holds_itself_is_looked_through_once_and_what_lies_too_deep_is_not():
    ring = SimpleNamespace(cache={})
    ring.cache["self"] = [ring, ring.cache]
    assert find_masks(ring, ONE, SAMPLES) is None
    ring.cache["mask"] = MASK
    assert np.array_equal(find_masks(ring, ONE, SAMPLES)[0], EXPECTED)
    within, beyond = (nested(depth) for depth in (DEEP, DEEP + 1))
    assert find_masks(within, ONE, SAMPLES) is not None
    assert find_masks(beyond, ONE, SAMPLES) is None


def nested(depth):
    """A mask below so many objects."""
    held: Any = MASK
    for _ in range(depth):
        held = SimpleNamespace(held=held)
    return held


def test_only_dropout_that_drops_anything_wants_a_mask():
    given = architecture(RATE, 0.0)
    assert [place for place, _ in dropout_layers(given)] == [1]
    assert np.array_equal(find_masks(SimpleNamespace(mask=MASK), given, SAMPLES), [EXPECTED])
    assert find_masks(SimpleNamespace(), architecture(0.0), SAMPLES) == []


def test_a_mask_of_images_has_a_sample_s_shape():
    conv = Architecture((2, 2, 1), (Given("Dropout", (2, 2, 3), rate=0.5),))
    mask = np.random.default_rng(0).integers(0, 2, (SAMPLES, 2, 2, 3))
    assert np.array_equal(find_masks(SimpleNamespace(mask=mask), conv, SAMPLES)[0], 2 * mask)
