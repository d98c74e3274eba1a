"""An answer is one to its request only with the steps, and arrays of the forms, that were asked for."""

from dataclasses import replace

import numpy as np
import pytest

from compare.check.subject.messages import Describe, Described, Load, Loaded, Made, Perform, Performed, answers
from compare.check.subject.tasks import Did, Performance, Predicted, Task
from compare.check.subject.tracing import Place, Trace
from compare.recipe.architecture import dense
from compare.recipe.recipe import Recipe

RECIPE = Recipe(dense((4, 3)), 20, 8)
WEIGHTS = [np.zeros((4, 3)), np.zeros(3)]
TASK = Task(RECIPE, np.zeros((20, 4)), np.zeros(20, np.int64), [np.arange(8)] * 2, [WEIGHTS])
EPOCHS = replace(TASK, batches=[], epochs=4)
PROBABILITIES = Predicted("predict", np.zeros((8, 3)), repeats=True, keeps=True)
CLASSES = replace(PROBABILITIES, values=np.zeros(8, np.int64))
DID = Did(loss=np.nan, before=WEIGHTS, after=WEIGHTS)
PLACE = Place(0, 1, 0, 1, 5, 1, 1, "f", "value", "a", "Constant")
TRACE = Trace(["net.py"], ["a = 1\n"], [PLACE], np.array([[0, 0, 1]]), np.array([[0, 0]]), [np.array(1)])


@pytest.mark.parametrize(
    ("task", "answer", "told"),
    [
        (TASK, Made(DID), 0),
        (TASK, Made(Did(error="it fails")), 1),
        (TASK, Made(replace(DID, probabilities=np.zeros((8, 3)), gradients=WEIGHTS)), 1),
        (TASK, Made(replace(DID, predicted=[PROBABILITIES, CLASSES])), 1),
        (TASK, Performed(Performance()), 2),
        (TASK, Performed(Performance(refusal="it stops")), 0),
        (replace(TASK, trace=(0,)), Performed(Performance(trace=TRACE)), 2),
        (EPOCHS, Performed(Performance([DID], history=[0.5] * 4)), 0),
        (EPOCHS, Performed(Performance(refusal="it stops")), 0),
    ],
)
def test_what_was_asked_for_is_an_answer(task, answer, told):
    assert answers(Perform(task, 1.0), answer, told)


@pytest.mark.parametrize(
    ("task", "answer", "told"),
    [
        (TASK, Made(DID), 2),
        (TASK, Made(Did()), 0),
        (TASK, Made(replace(DID, after=None)), 0),
        (TASK, Made(replace(DID, after=WEIGHTS[:1])), 0),
        (TASK, Made(replace(DID, after=[*WEIGHTS, WEIGHTS[1]])), 0),
        (TASK, Made(replace(DID, after=[WEIGHTS[0].T, WEIGHTS[1]])), 0),
        (TASK, Made(replace(DID, before=[w.astype(np.complex128) for w in WEIGHTS])), 0),
        (TASK, Made(replace(DID, probabilities=np.zeros((20, 3)))), 0),
        (TASK, Made(replace(DID, masks=[np.zeros((8, 3))])), 0),
        (TASK, Made(replace(DID, predicted=[replace(PROBABILITIES, values=np.zeros((20, 3)))])), 0),
        (TASK, Made(replace(DID, predicted=[replace(CLASSES, values=np.zeros(8))])), 0),
        (TASK, Performed(Performance()), 1),
        (TASK, Performed(Performance([DID])), 2),
        (TASK, Loaded(), 2),
        (EPOCHS, Made(DID), 0),
        (EPOCHS, Performed(Performance()), 0),
        (EPOCHS, Performed(Performance([DID], history=[0.5] * 3)), 0),
        (TASK, Performed(Performance(trace=replace(TRACE, sites=[PLACE._replace(file=1)]))), 2),
        (TASK, Performed(Performance(trace=replace(TRACE, sites=[PLACE._replace(last=2)]))), 2),
        (TASK, Performed(Performance(trace=replace(TRACE, sources=[]))), 2),
        (TASK, Performed(Performance(trace=replace(TRACE, values=[]))), 2),
        (TASK, Performed(Performance(trace=replace(TRACE, reads=np.array([[0, 1]])))), 2),
        (TASK, Performed(Performance(trace=replace(TRACE, events=np.array([[0, -1, 0]])))), 2),
        (TASK, Performed(Performance(trace=replace(TRACE, events=np.zeros((1, 3))))), 2),
        (TASK, Performed(Performance(trace=replace(TRACE, events=np.zeros(3, np.int64)))), 2),
    ],
)
def test_anything_else_is_none(task, answer, told):
    assert not answers(Perform(task, 1.0), answer, told)


def test_each_request_has_an_answer_of_its_own():
    load, describe = Load(b"net.py", "Network", False), Describe(RECIPE)
    assert answers(load, Loaded(), 0)
    assert answers(describe, Described({}), 0)
    assert not answers(load, Described({}), 0)
    assert not answers(describe, Loaded(), 0)
    assert not answers(describe, Made(DID), 0)
