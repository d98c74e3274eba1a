"""Subjects with planted faults, and short checks of them, that several tests share."""

import numpy as np

from compare.check.diagnosis import Diagnosis, diagnose
from compare.check.driving import perform
from compare.check.lockstep import Run, build_reference, run_situation
from compare.check.probes import ordinary, probes
from compare.check.subjects import Plan
from compare.data import load
from compare.faults.fault import Cause
from compare.faults.planted import FaultyNetwork

SQUARE = (4, 6, 8, 8, 3)


def faulty_factory(causes):
    """A factory of networks with these faults."""

    def factory(layer_sizes, learning_rate, n_samples, batch_size, activations):
        return FaultyNetwork(causes, layer_sizes, learning_rate, n_samples, batch_size, activations)

    return factory


def activations_for(names: list[str]) -> tuple[str, ...]:
    """Hidden activations that let these faults show: ReLU's derivative of A is that of Z."""
    return ("tanh",) * 3 if "derivative of the wrong one of Z and A" in names else ("relu",) * 3


def diagnose_planted(causes: list[Cause | str], activations: tuple[str, ...], references, steps: int = 6):
    """Run a network with planted faults through short situations, and diagnose it."""
    return diagnose_factory(faulty_factory(causes), activations, references, steps)


def diagnose_factory(factory, activations: tuple[str, ...], references, steps: int = 6) -> tuple[list[Run], Diagnosis]:
    """Run a factory's networks through short situations, and diagnose them."""
    standard = load("iris", standardise=True)
    reference = references.get(activations)
    if reference is None:
        reference = references[activations] = build_reference(Plan(SQUARE, 0.01, 150, 32, activations), "float64")
    rng = np.random.default_rng(0)
    scales = {"standardised": standard.X}
    situations = [
        *ordinary(scales, standard.y, SQUARE, activations, steps, 32, rng),
        *probes(standard.X, standard.y, SQUARE, activations, 32, rng),
    ]
    runs = [run_situation(reference, situation, lambda task: perform(factory, task)) for situation in situations]
    return runs, diagnose(runs, reference.setting, SQUARE)
