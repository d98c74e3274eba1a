import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compare.check.lines.known import Form, Identity, Known, known, primary, spelt


def library(**values):
    found = Known(1e-9)
    for name, value in values.items():
        found.add(name, 1, 0, value)
    return found.finish()


def identify(found, value):
    return found.identify(Form.of(np.asarray(value, float)))


A = np.random.default_rng(0).normal(size=(5, 4))


@given(st.permutations([0, 1, 2]), st.floats(0.01, 100), st.booleans(), st.integers(0, 1000))
def test_axes_shape_and_factor_do_not_hide_a_gradient(axes, factor, negative, seed):
    value = np.random.default_rng(seed).normal(size=(3, 4, 5))
    factor = -factor if negative else factor
    found = identify(library(dW1=value), factor * value.transpose(axes))
    assert found.name == "dW1"
    assert found.factor == pytest.approx(factor)
    assert identify(library(dW1=value), value.reshape(12, 5)).how == "reshaped"


@pytest.mark.parametrize(("value", "right"), [(1e-300, 1e300), (1e300, 1e-300), (1e-310, 1.0), (1e-310, 1e-310)])
def test_numbers_of_any_size_are_looked_at(value, right):
    each = np.arange(1.0, 13).reshape(3, 4)
    found = identify(library(dW1=right * each), value * each)
    assert found is None or found.factor == pytest.approx(value / right)


def test_only_gradients_carry_a_factor():
    assert identify(library(A1=A), 2 * A) is None
    assert identify(library(dA1=A), 2 * A) == Identity("dA1", 1, 2.0)
    assert identify(library(dA1=A), -A).factor == -1
    assert identify(library(dA1=A), A / 32).factor == 1 / 32
    assert identify(library(A1=A), A.T) == Identity("A1", 1, 1.0, "transposed")


def test_what_is_off_by_more_than_rounding_is_nobody():
    off = A.copy()
    off[0, 0] *= 1 + 1e-6
    assert identify(library(A1=A), off) is None
    assert identify(library(A1=A), A * (1 + 1e-12)).name == "A1"
    assert identify(library(A1=A), np.full_like(A, np.nan)) is None
    assert identify(library(A1=A), np.zeros_like(A)) is None


def test_plain_values_are_recognised_by_themselves_alone():
    mask = (A > 0).astype(float)
    assert identify(library(dA1=mask), mask).factor == 1
    assert identify(library(dA1=mask), 2 * mask) is None
    assert identify(library(dA1=mask), mask.reshape(4, 5)) is None


def test_a_quantity_of_the_step_comes_before_what_follows_and_that_before_an_earlier_step():
    quantities = {"X": A, "Y": np.eye(3)[[0, 1, 2, 0, 1]], "Z1": A[:, :3], "W1": A[:4, :3], "b1": A[0, :3]}
    quantities["A1"] = quantities["Z1"]
    now = known({1: quantities | {"X": A + 1}, 2: quantities}, 2, 0.1, 1e-9, {"A1": ("X",)})
    assert identify(now, A) == Identity("X", 2)
    assert identify(now, A + 1) == Identity("X", 1)
    assert identify(now, A @ A[:4, :3]).name == "X W1"
    assert identify(now, np.vstack([A[:4, :3], A[0, :3]])).name == "W1 and b1"


def test_names_are_spelt_out():
    assert spelt("dZ12") == "dZ of layer 12"
    assert spelt("new W1") == "new W of layer 1"
    assert spelt("loss") == "loss"
    assert Identity("dW2", 1, -1.0, "transposed").words == "- dW of layer 2 (transposed)"
    assert spelt("Z1 (forget gate) at time 2") == "Z of layer 1 (forget gate) at time 2"


def test_all_that_keras_computes_is_primary():
    assert all(map(primary, ["Z1", "dW2", "new b1", "A1 (reset gate) at time 2", "dC1 at time 10", "loss", "X"]))
    assert not any(map(primary, ["part of dW of layer 1 at time 2", "patches of X", "1 - A1", "dW1 and db1"]))
