"""Messages survive the way between processes; whatever else comes is no message."""

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compare.check.subject import wire
from compare.check.subject.messages import Describe, Described, Loaded, Made, Perform, Performed
from compare.check.subject.tasks import Did, Performance, Task
from compare.check.subject.tracing import Place, Trace
from compare.recipe.architecture import Architecture, Given, Optimizer, Penalty, dense
from compare.recipe.recipe import Recipe

WEIGHTS = [np.arange(6.0).reshape(2, 3), np.array([np.nan, np.inf, -0.0])]
MODEL = Architecture(
    (5, 2), (Given("LSTM", (3,), (("recurrent", (3, 12), True),)), *dense((3, 2)).layers), "mse",
    Optimizer("adam", 0.1, (("amsgrad", True), ("beta_1", 0.5))), Penalty(l2=0.25), "float32",
)  # fmt: skip
TRACE = Trace(
    ["net.py"], ["a = 1\n"], [Place(0, 1, 0, 1, 5, 1, 1, "f", "value", "a", "Constant")],
    np.array([[0, 0, 1]]), np.array([[0, 0]]), [np.array(1)],
)  # fmt: skip


def same(one, other):
    """Whether two messages are equal, to the bits of their arrays."""
    return wire.encode(one) == wire.encode(other)


@pytest.mark.parametrize(
    "message",
    [
        Loaded("no"),
        Described({"kind": "an object", "layer_sizes": (4, 3), "notes": ["odd"], "learning_rate": 0.1}),
        Made(Did(loss=np.float64("nan"), before=WEIGHTS, after=WEIGHTS)),
        Performed(Performance([Did(error="it fails")], ["odd"], "it fails", [1.0], "printed", TRACE)),
    ],
)
def test_an_answer_survives(message):
    found = wire.answer(wire.encode(message))
    assert type(found) is type(message)
    assert same(found, message)


def test_a_request_survives():
    task = Task(Recipe(MODEL, 20, 8), WEIGHTS[0], np.array([0, 1]), [np.arange(2)], [WEIGHTS], True, trace=(0, 2))
    for message in (Describe(Recipe(MODEL, 20, 8)), Perform(task, 1.5)):
        found: Any = wire.request(wire.encode(message))
        assert same(found, message)
    assert found.task.recipe.architecture == MODEL
    assert found.task.weights[0][0].flags.writeable


def test_half_characters_and_texts_of_a_subjects_own_class_are_sent():
    found: Any = wire.answer(wire.encode(Performed(Performance(output="\udcff", refusal="\ud800 [x]"))))
    assert (found.done.output, found.done.refusal) == ("\\udcff", "\\ud800 [x]")


@pytest.mark.parametrize("array", [np.array([object()]), np.array(["text"]), np.array([1], "M8[s]")])
def test_arrays_of_what_are_no_numbers_are_not_sent(array):
    with pytest.raises(ValueError, match="cannot be sent"):
        wire.encode(Made(Did(before=[array])))


def elements(dtype="<f8", shape=(1,), data=bytes(8)):
    return wire._Elements(dtype, list(shape), data)


@pytest.mark.parametrize(
    "did",
    [
        *(
            {"loss": "0.5"},
            {"loss": [0.5]},
            {"error": 3},
            {"error": "x" * 5_001},
            {"before": [elements(dtype="|O8")]},
        ),
        *({"before": elements()}, {"before": [None]}, {"before": [[0.5]]}, {"before": [elements(shape=(2,))]}),
        *(
            {"before": [elements(shape=(-1, -1))]},
            {"before": [elements(shape=(0,))]},
            {"before": [elements()] * 10_001},
        ),
        *({"before": [elements(dtype="<f99")]}, {"before": [elements(shape=(1,) * 40)]}, [], 3, None),
    ],
)
def test_what_is_something_else_than_declared_is_garbled(did):
    told = {"type": "Made", "did": did}
    with pytest.raises(wire.Garbled):
        wire.answer(wire._ENCODER.encode(told))
    assert wire.answer(wire._ENCODER.encode(told | {"did": {}})) == Made(Did())


def test_no_text_is_longer_than_what_can_be_recorded():
    for told in ({"type": "Loaded", "error": "x" * 5_001}, {"type": "Described", "description": {"kind": "x" * 5_001}}):
        with pytest.raises(wire.Garbled):
            wire.answer(wire._ENCODER.encode(told))


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x91" * 10**6, b"\x80", b"\xdd" + b"\xff" * 4, b"no message"])
def test_bytes_that_are_no_message_are_garbled(data):
    for read in (wire.answer, wire.request):
        with pytest.raises(wire.Garbled):
            read(data)


@given(st.binary(max_size=40), st.integers(0, 200))
def test_a_damaged_message_is_garbled_or_another_message(damage, at):
    whole = wire.encode(Made(Did(loss=0.5, before=WEIGHTS)))
    try:
        found = wire.answer(whole[:at] + damage + whole[at + len(damage) :])
    except wire.Garbled:
        return
    assert wire.answer(wire.encode(found)) is not None


def test_what_is_no_message_is_told_apart_from_the_end():
    head = wire.HEAD.pack(wire.MARK, 0, 2**31)
    for written, error in (
        (b"hello, hello, hello, hello", wire.Garbled),
        (b"hel", EOFError),
        (b"", EOFError),
        (head, wire.Garbled),
    ):
        with pytest.raises(error):
            wire.receive(io.BytesIO(written))
