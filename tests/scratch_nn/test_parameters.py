import numpy as np
import pytest

from scratch_nn.layers import DenseLayer
from scratch_nn.parameters import Parameters

SHAPES = [(4, 5), (5,), (5, 3), (3,)]


def parameters(replicates=None):
    return Parameters([DenseLayer(5), DenseLayer(3)], 4, replicates, np.dtype("float32"))


def test_weights_say_their_layer_name_role_and_shape_in_keras_order():
    assert [(w.layer, w.name, w.role, w.shape) for w in parameters().weights] == [
        (0, "kernel", "kernel", (4, 5)),
        (0, "bias", "bias", (5,)),
        (1, "kernel", "kernel", (5, 3)),
        (1, "bias", "bias", (3,)),
    ]


@pytest.mark.parametrize(("replicates", "leading"), [(None, ()), (2, (2,))])
def test_views_share_all_of_the_flat_vector(replicates, leading):
    own = parameters(replicates)
    assert own.theta.shape == own.gradient.shape == (*leading, 43)
    assert not own.theta.any()
    views = own.views(own.theta)
    assert [view.shape for view in views] == [(*leading, *shape) for shape in SHAPES]
    for view in views:
        view += 1
    assert (own.theta == 1).all()


def test_copies_are_the_callers_own():
    own = parameters()
    for array in own.copies(own.theta):
        array += 1
    assert not own.theta.any()


def test_what_is_set_is_what_is_viewed():
    own = parameters()
    weights = [np.random.default_rng(0).normal(size=shape).astype("float32") for shape in SHAPES]
    own.set(weights)
    for view, array in zip(own.views(own.theta), weights, strict=True):
        np.testing.assert_array_equal(view, array)


def test_a_part_is_the_same_parameters_with_a_gradient_of_its_own():
    own = parameters(3)
    part = own.part(slice(1, 3))
    part.theta += 1
    own.gradient.fill(7)
    part.gradient.fill(8)
    assert own.theta[:, 0].tolist() == [0, 1, 1]
    assert (own.gradient == 7).all()
    assert [view.shape for view in part.views(part.theta)] == [(2, *shape) for shape in SHAPES]
