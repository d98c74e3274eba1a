"""Every fault planted in a network: detected, and named."""

from dataclasses import replace

import numpy as np
import pytest

from compare.faults import FAULTS
from compare.faults.fault import Cause
from compare.faults.planted import FaultyNetwork
from compare.mathematics.rules import CORRECT
from compare.recipe.architecture import dense
from compare.recipe.recipe import Recipe
from tests.compare.check.faulty import activations_for, diagnose_factory, diagnose_planted

STEP_FAULTS = [name for name, fault in FAULTS.items() if not fault.training]


@pytest.fixture(scope="module")
def references():
    return {}


@pytest.mark.parametrize("name", STEP_FAULTS)
def test_every_fault_is_detected_and_named(name, references):
    runs, diagnosis = diagnose_planted([name], activations_for([name]), references)
    assert any(run.first_wrong is not None for run in runs)
    assert (name,) in [explanation.names for explanation in diagnosis.explanations]


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        ("learning rate off by a factor", (0.1,)),
        ("weight decay", (3e-4,)),
        ("momentum left on", (0.5,)),
        ("gradient clipping", (0.7, "value")),
        ("leaky slope", (0.123,)),
    ],
)
def test_families_report_the_fitted_value(name, parameter, references):
    _, diagnosis = diagnose_planted([Cause(FAULTS[name], parameter)], ("relu",) * 3, references)
    (cause,) = diagnosis.explanations[0].causes
    assert cause.name == name
    assert cause.parameter[0] == pytest.approx(parameter[0], rel=1e-9)
    assert cause.parameter[1:] == parameter[1:]


@pytest.mark.parametrize(
    "pair",
    [
        ("stale activations", "loss summed, not averaged"),
        ("gradient not averaged", "weight decay"),
        ("activation derivative missing", "softmax without the max shift"),
    ],
)
def test_two_faults_in_company_are_both_named(pair, references):
    _, diagnosis = diagnose_planted(list(pair), ("relu",) * 3, references)
    assert set(pair) in [set(explanation.names) for explanation in diagnosis.explanations]


def test_a_correct_network_has_nothing_to_explain(references):
    runs, diagnosis = diagnose_planted([], ("relu",) * 3, references)
    assert all(run.first_wrong is None for run in runs)
    assert diagnosis.explanations == ()


class CubeRoots(FaultyNetwork):
    """A bug that nobody has catalogued."""

    def __init__(self, layer_sizes, activations):
        super().__init__([], Recipe(dense(layer_sizes, activations), 150, 32))
        self.rules = replace(CORRECT, kernel=lambda step, layer, A: np.cbrt(CORRECT.kernel(step, layer, A)))


def test_what_no_fault_explains_stays_unknown(references):
    runs, diagnosis = diagnose_factory(CubeRoots, ("relu",) * 3, references, steps=2)
    assert any(run.first_wrong is not None for run in runs)
    assert diagnosis.explanations == ()
