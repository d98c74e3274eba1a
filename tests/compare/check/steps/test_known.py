"""What is known of Keras serves the next subject, and no situation but the one that it was computed for."""

from dataclasses import replace

import numpy as np
import pytest

from compare.check.steps import known
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


def drive(subject, situation, kept, tolerance=1.0):
    reference = build_reference(RECIPE, tolerance=tolerance)
    (run,) = drive_all(reference, [situation], InProcess(subject).perform_all, lambda: None, known=kept)
    return run


def test_the_next_subject_is_judged_by_what_is_known_as_if_it_were_computed_anew(computed):
    kept = Known()
    right, wrong = (drive(subject, SITUATION, kept) for subject in (Network, TooFast))
    assert len(computed) == 1
    assert (right.first_wrong, wrong.first_wrong) == (None, 0)
    anew = drive(TooFast, SITUATION, None)
    assert len(computed) == 2
    assert [step.ratios for step in wrong.steps] == [step.ratios for step in anew.steps]


def test_another_situation_or_tolerance_is_computed(computed):
    kept = Known()
    drive(Network, SITUATION, kept)
    assert drive(Network, OTHER, kept).first_wrong is None
    loose = drive(TooFast, SITUATION, kept, tolerance=1e15)
    assert loose.first_wrong is None
    assert len(computed) == 3


def test_quantities_are_computed_once_for_each_step():
    kept, asked = Known(), []
    step, other = (one.step for one in drive(Network, SITUATION, kept).steps)

    def quantities(of):
        def compute():
            asked.append(id(of))
            return {"X": of.X}

        return kept.quantities(of, compute)

    found = quantities(step)
    assert quantities(step) is found
    assert quantities(other) is not found
    assert asked == [id(step), id(other)]


def test_what_came_first_is_forgotten(computed, monkeypatch):
    monkeypatch.setattr(known, "MOST", 1)
    kept = Known()
    for situation in (SITUATION, OTHER, OTHER, SITUATION):
        drive(Network, situation, kept)
    assert len(computed) == 3
