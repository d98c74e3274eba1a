"""Subjects with planted faults, and short checks of them, that several tests share."""

import numpy as np

from compare.check.causes.diagnosis import Diagnosis, diagnose
from compare.check.steps.lockstep import Driven, drive_all
from compare.check.steps.reference import build_reference
from compare.check.steps.situations import ordinary, probes
from compare.check.subject.drivers import InProcess
from compare.data.dataset import load
from compare.faults.fault import Cause
from compare.faults.planted import planted
from compare.recipe.architecture import dense
from compare.recipe.recipe import Recipe

SQUARE = (4, 6, 8, 8, 3)


def activations_for(names: list[str]) -> tuple[str, ...]:
    """Hidden activations that let these faults show: ReLU's derivative of A is that of Z."""
    return ("tanh",) * 3 if "derivative of the wrong one of Z and A" in names else ("relu",) * 3


def diagnose_planted(causes: list[Cause | str], activations: tuple[str, ...], references, steps: int = 6):
    """Run a network with planted faults through short situations, and diagnose it."""
    return diagnose_factory(planted(causes), activations, references, steps)


def diagnose_factory(
    factory, activations: tuple[str, ...], references, steps: int = 6
) -> tuple[list[Driven], Diagnosis]:
    """Run a factory's networks through short situations, and diagnose them."""
    standard = load("iris", standardise=True)
    recipe = Recipe(dense(SQUARE, activations), standard.n, 32)
    reference = references.get(activations)
    if reference is None:
        reference = references[activations] = build_reference(recipe)
    rng = np.random.default_rng(0)
    situations = [
        *ordinary(recipe, {"standardised": standard.X}, standard.y, steps, rng),
        *probes(recipe, standard.X, standard.y, rng),
    ]
    runs = drive_all(reference, situations, InProcess(factory).perform_all, lambda: None)
    return runs, diagnose([run for run in runs if not run.situation.extreme], recipe.architecture)
