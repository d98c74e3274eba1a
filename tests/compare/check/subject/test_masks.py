"""What may be a mask of dropout is found wherever a subject keeps it, and is read from its place afterwards."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from compare.check.subject.masks import DEEP, dropout_layers, masks_at, maybe_masks
from compare.recipe.architecture import Architecture, Dense, Given

SAMPLES, RATE = 4, 0.2


def architecture(*rates, units=3):
    """Dense layers with dropout of these rates behind each."""
    layers = [each for rate in rates for each in (Dense(units), Given("Dropout", (units,), rate=rate))]
    return Architecture((2,), (*layers, Dense(2, "softmax")))


ONE = architecture(RATE)
MASK = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 1], [1, 0, 0]])
EXPECTED = MASK / (1 - RATE)


def read(*given) -> Any:
    return masks_at(*given)


class Slotted:
    """A network that keeps a mask in a layer of a list of a part."""

    def __init__(self, mask):
        self.W = np.zeros((2, 3))
        self.body = SimpleNamespace(layers=[SimpleNamespace(W=np.ones((3, 3))), SimpleNamespace(mask=mask)])


PLACES = {
    ".mask": SimpleNamespace(mask=MASK),
    ".cache[1]": SimpleNamespace(cache=[np.zeros((2, 2)), MASK]),
    ".cache['D1'][1]": SimpleNamespace(cache={"D1": (np.arange(12.0).reshape(4, 3), MASK)}),
    ".body.layers[1].mask": Slotted(MASK),
    ".turned.T": SimpleNamespace(turned=np.ascontiguousarray(MASK.T)),
    ".boolean": SimpleNamespace(boolean=MASK.astype(bool)),
    ".scaled": SimpleNamespace(scaled=MASK / (1 - RATE)),
    ".float32": SimpleNamespace(float32=(MASK / (1 - RATE)).astype(np.float32)),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_mask_is_found_and_told_as_what_is_multiplied_by(place):
    assert list(maybe_masks(PLACES[place], ONE, SAMPLES)) == [place]
    (found,) = read(PLACES[place], (place,), ONE, SAMPLES)
    assert np.array_equal(found, EXPECTED)


@pytest.mark.parametrize("kept", [0, 1])
def test_where_all_or_nothing_is_dropped_the_mask_is_found_too(kept):
    (found,) = read(SimpleNamespace(mask=np.full((4, 3), kept)), (".mask",), ONE, SAMPLES)
    assert np.array_equal(found, np.full((4, 3), kept / (1 - RATE)))


def test_each_layer_has_the_mask_of_its_place_and_its_own_rate():
    thing, two = SimpleNamespace(masks=[1 - MASK, MASK]), architecture(RATE, 0.5)
    first, second = read(thing, (".masks[1]", ".masks[0]"), two, SAMPLES)
    assert np.array_equal(first, EXPECTED)
    assert np.array_equal(second, 2.0 * (1 - MASK))


def test_a_mask_that_is_no_longer_there_is_none():
    two = architecture(RATE, 0.5)
    assert masks_at(SimpleNamespace(mask=MASK), (".mask", ".other"), two, SAMPLES) is None
    assert masks_at(SimpleNamespace(mask=MASK), (), ONE, SAMPLES) is None
    assert masks_at(SimpleNamespace(mask=MASK[:, :2]), (".mask",), ONE, SAMPLES) is None


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
    assert not maybe_masks(OTHER[what], ONE, SAMPLES)


def test_what_holds_itself_is_looked_through_once_and_what_lies_too_deep_is_not():
    ring = SimpleNamespace(cache={})
    ring.cache["self"] = [ring, ring.cache]
    assert not maybe_masks(ring, ONE, SAMPLES)
    ring.cache["mask"] = MASK
    assert list(maybe_masks(ring, ONE, SAMPLES)) == [".cache['mask']"]
    within, beyond = (nested(depth) for depth in (DEEP, DEEP + 1))
    assert maybe_masks(within, ONE, SAMPLES)
    assert not maybe_masks(beyond, ONE, SAMPLES)


def nested(depth):
    """A mask below so many objects."""
    held: Any = MASK
    for _ in range(depth):
        held = SimpleNamespace(held=held)
    return held


def test_only_dropout_that_drops_anything_wants_a_mask():
    given = architecture(RATE, 0.0)
    assert [place for place, _ in dropout_layers(given)] == [1]
    (found,) = read(SimpleNamespace(mask=MASK), (".mask",), given, SAMPLES)
    assert np.array_equal(found, EXPECTED)
    assert not maybe_masks(SimpleNamespace(mask=MASK), architecture(0.0), SAMPLES)


def test_a_mask_of_images_has_a_sample_s_shape():
    conv = Architecture((2, 2, 1), (Given("Dropout", (2, 2, 3), rate=0.5),))
    mask = np.random.default_rng(0).integers(0, 2, (SAMPLES, 2, 2, 3))
    (found,) = read(SimpleNamespace(mask=mask), (".mask",), conv, SAMPLES)
    assert np.array_equal(found, 2 * mask)
