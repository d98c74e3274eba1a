"""Every fault planted in a network: detected, and named."""

from dataclasses import replace

import numpy as np
import pytest

from compare.check.causes.extremes import in_extremes
from compare.faults import FAULTS
from compare.faults.fault import Cause
from compare.faults.penalty import Per
from compare.faults.planted import FaultyNetwork
from compare.faults.update import By, Of
from compare.mathematics.rules import CORRECT
from compare.recipe.architecture import dense
from compare.recipe.recipe import Recipe
from tests.compare.check.faulty import SQUARE, activations_for, diagnose_factory, diagnose_planted

STEP_FAULTS = [name for name, fault in FAULTS.items() if not (fault.training or fault.manner or fault.kind)]
KINDS = [name for name, fault in FAULTS.items() if fault.kind and name not in ("an adaptive optimizer", "no biases")]


@pytest.fixture(scope="module")
def references():
    return {}


def warned(runs, diagnosis, activations):
    """The names of what goes wrong in extreme situations alone."""
    extreme = [run for run in runs if run.situation.extreme]
    found = in_extremes(extreme, diagnosis, dense(SQUARE, activations))
    return [each.cause.name for each in found if each.cause is not None]


@pytest.mark.parametrize("name", STEP_FAULTS)
def test_every_fault_is_detected_and_named(name, references):
    activations = ("tanh",) * 3 if name == "activation overflows" else activations_for([name])
    runs, diagnosis = diagnose_planted([name], activations, references)
    assert any(run.first_wrong is not None for run in runs)
    if all(run.first_wrong is None for run in runs if not run.situation.extreme):
        assert name in warned(runs, diagnosis, activations)
    else:
        assert (name,) in [explanation.names for explanation in diagnosis.explanations]


@pytest.mark.parametrize("name", KINDS)
def test_networks_of_another_kind_are_recognised(name, references):
    _, diagnosis = diagnose_planted([name], ("relu",) * 3, references)
    assert diagnosis.kind is not None
    assert diagnosis.kind.name == name
    assert diagnosis.explanations == ()


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        ("learning rate off by a factor", (0.1,)),
        ("weight decay", (3e-4, Per.ONE)),
        ("momentum left on", (0.5, Of.ALL)),
        ("gradient clipping", (0.3, By.VALUE, Of.KERNELS)),
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
        ("activation derivative missing", "bias gradient averaged"),
        ("weight decay of biases too", "L1 decay"),
        ("error of the predicted class", "gradient divided by the number of classes"),
    ],
)
def test_two_faults_in_company_are_both_named(pair, references):
    _, diagnosis = diagnose_planted(list(pair), ("relu",) * 3, references)
    assert set(pair) in [set(explanation.names) for explanation in diagnosis.explanations]


@pytest.mark.parametrize(
    "faults",
    [
        (
            "loss summed, not averaged",
            "gradient not averaged",
            "activation derivative missing",
            "bias gradient averaged",
        ),
        ("loss times a constant", "error multiplied by the output", "dW transposed", "momentum left on"),
        ("loss of floored probabilities", "gradient sign flipped", "weights updated during backprop", "L2 penalty"),
    ],
)
def test_faults_in_different_phases_add_up(faults, references):
    _, diagnosis = diagnose_planted(list(faults), ("relu",) * 3, references)
    assert diagnosis.explanations
    assert set(diagnosis.names) >= {*faults} - {"loss of floored probabilities"}
    assert diagnosis.explanations[0].left == ()


def test_what_is_unknown_does_not_hide_what_is_known(references):
    class Both(FaultyNetwork):
        """A summed gradient, and first-layer kernels that nobody has catalogued."""

        def __init__(self, layer_sizes, learning_rate, activations):
            recipe = Recipe(dense(layer_sizes, activations, learning_rate), 150, 32)
            super().__init__(["gradient not averaged"], recipe)
            known = self.rules
            self.rules = replace(
                known,
                kernel=lambda step, layer, A: known.kernel(step, layer, A) if layer else np.cbrt(A.T @ step.dZ[0]),
            )

    _, diagnosis = diagnose_factory(Both, ("relu",) * 3, references, steps=3)
    assert diagnosis.names == ("gradient not averaged",)
    assert {(left.tensor, left.layer) for left in diagnosis.explanations[0].left} == {("kernel", 0)}


def test_an_extreme_fault_does_not_hide_an_ordinary_one(references):
    faults: list[Cause | str] = ["activation derivative missing", "softmax without the max shift"]
    runs, diagnosis = diagnose_planted(faults, ("relu",) * 3, references)
    assert "activation derivative missing" in diagnosis.names
    assert "softmax without the max shift" in {*diagnosis.names, *warned(runs, diagnosis, ("relu",) * 3)}


def test_a_correct_network_has_nothing_to_explain(references):
    runs, diagnosis = diagnose_planted([], ("relu",) * 3, references)
    assert all(run.first_wrong is None for run in runs)
    assert diagnosis.explanations == ()


class CubeRoots(FaultyNetwork):
    """A bug that nobody has catalogued."""

    def __init__(self, layer_sizes, learning_rate, activations):
        super().__init__([], Recipe(dense(layer_sizes, activations, learning_rate), 150, 32))
        self.rules = replace(CORRECT, kernel=lambda step, layer, A: np.cbrt(CORRECT.kernel(step, layer, A)))


def test_what_no_fault_explains_stays_unknown(references):
    runs, diagnosis = diagnose_factory(CubeRoots, ("relu",) * 3, references, steps=2)
    assert any(run.first_wrong is not None for run in runs)
    assert diagnosis.explanations == ()
