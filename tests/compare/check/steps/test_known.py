"""What is known of Keras serves the next subject, and no situation but the one that it was computed for."""

from dataclasses import replace

import numpy as np
import pytest

from compare.check.steps import known, reference
from compare.check.steps.known import Known
from compare.check.steps.lockstep import drive_all
from compare.check.steps.reference import Reference, build_reference
from compare.check.steps.situations import Situation, draw_weights
from compare.check.subject.drivers import InProcess
from compare.recipe.architecture import dense
from compare.recipe.recipe import Recipe
from examples.correct import Network

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 2)), np.arange(6) % 3
RECIPE = Recipe(dense((2, 3), (), 0.1), 6, 6)
SITUATION = Situation("lockstep", X, Y, [np.arange(6)] * 2, draw_weights(RECIPE.architecture, RNG, X))
OTHER = replace(SITUATION, X=X + 1)


class TooFast(Network):
    def __init__(self, layer_sizes, learning_rate):
        super().__init__(layer_sizes, 2 * learning_rate)


@pytest.fixture
def computed(monkeypatch):
    """How many situations Keras was asked about."""
    asked, truths = [], Reference.truths

    def counted(*arguments):
        asked.append(arguments)
        return truths(*arguments)

    monkeypatch.setattr(Reference, "truths", counted)
    return asked


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    monkeypatch.setattr(reference, "KNOWN", Known())


def drive(subject, situation, tolerance=1.0):
    beside = build_reference(RECIPE, tolerance=tolerance)
    (run,) = drive_all(beside, [situation], InProcess(subject).perform_all, lambda: None)
    return run


def test_the_next_subject_is_judged_by_what_is_known_as_if_it_were_computed_anew(computed, monkeypatch):
    right, wrong = (drive(subject, SITUATION) for subject in (Network, TooFast))
    assert len(computed) == 1
    assert (right.first_wrong, wrong.first_wrong) == (None, 0)
    monkeypatch.setattr(reference, "KNOWN", Known())
    anew = drive(TooFast, SITUATION)
    assert len(computed) == 2
    assert [step.ratios for step in wrong.steps] == [step.ratios for step in anew.steps]


def test_another_situation_or_tolerance_is_computed(computed):
    drive(Network, SITUATION)
    assert drive(Network, OTHER).first_wrong is None
    loose = drive(TooFast, SITUATION, tolerance=1e15)
    assert loose.first_wrong is None
    assert len(computed) == 3


def test_quantities_are_computed_once_for_each_step(monkeypatch):
    asked = []
    step, other = (one.step for one in drive(Network, SITUATION).steps)

    def quantities(_, of, instead):
        asked.append(id(of))
        return {"X": of.X}

    monkeypatch.setattr(Reference, "quantities", quantities)
    beside = build_reference(RECIPE)
    found = beside.known_quantities(step)
    assert beside.known_quantities(step) is found
    assert beside.known_quantities(other) is not found
    assert asked == [id(step), id(other)]


def test_what_came_first_is_forgotten_where_there_is_no_room(computed, monkeypatch):
    drive(Network, SITUATION)
    monkeypatch.setattr(known, "BYTES", 1.5 * sum(size for _, size in reference.KNOWN._situations._found.values()))
    monkeypatch.setattr(reference, "KNOWN", Known())
    for situation in (SITUATION, OTHER, OTHER, SITUATION):
        drive(Network, situation)
    assert len(computed) == 1 + 3
    monkeypatch.setattr(known, "BYTES", 1)
    monkeypatch.setattr(reference, "KNOWN", Known())
    for _ in range(2):
        assert drive(Network, SITUATION).first_wrong is None
    assert len(computed) == 4 + 2, "what is too large is not kept"
