"""No false alarm beyond the plain network: checks correct subjects drawn over heads, optimizers, penalties and data.

    python -m benchmarks.model_false_alarms [--count 500] [--seed 0]

Each subject is the scratch network, in a random stack of layers, beside the Keras model in the same words. Where Keras
rounds a constant to float32 the scratch network does too. Ends with status 1 if one is accused.
"""

import argparse
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from compare.check.model_check import check_model
from compare.check.report.report import Report
from compare.check.settings import Settings
from compare.check.subject.drivers import InProcess
from compare.data.dataset import Dataset, load
from compare.recipe.architecture import Architecture, Dense
from compare.recipe.objective import Objective
from compare.show.terminal.progress import silent
from compare.sides.models import reused_model
from compare.sides.quiet_keras import choose_backend
from compare.sides.sides import scratch_network

HEADS = (
    ("softmax", "categorical_crossentropy"),
    ("sigmoid", "binary_crossentropy"),
    ("linear", "mse"),
    ("sigmoid", "mse"),
)
OPTIMIZERS = (
    "sgd({})", "sgd({}, momentum=0.9)", "sgd({}, momentum=0.9, nesterov=True)",
    "rmsprop({})", "adagrad({})", "adam({})",
)  # fmt: skip
DATA = ("iris", "wine", "breast_cancer", "diabetes")


@dataclass(frozen=True)
class Case:
    """One correct subject, and what it is checked on."""

    data: str
    objective: Objective
    hidden: tuple[int, ...]
    activations: tuple[str, ...]
    batch_size: int
    seed: int


def draw_case(rng: np.random.Generator) -> Case:
    """Draw a subject."""
    data = str(rng.choice(DATA))
    head, loss = HEADS[2] if data == "diabetes" else HEADS[int(rng.integers(len(HEADS)))]
    depth, rate = int(rng.integers(0, 4)), float(10 ** rng.uniform(-4, -0.5))
    l1, l2 = (float(10 ** rng.uniform(-4, -1)) if rng.random() < 0.3 else 0.0 for _ in range(2))
    words = str(rng.choice(OPTIMIZERS)).format(f"learning_rate={rate!r}")
    return Case(
        data,
        Objective(head, loss, words, None, l1, l2, bool(rng.random() < 0.8)),
        tuple(int(units) for units in rng.integers(2, 16, depth)),
        tuple(str(name) for name in rng.choice(["relu", "sigmoid", "tanh", "linear", "leaky_relu"], depth)),
        int(rng.choice([7, 16, 32])),
        int(rng.integers(2**31)),
    )


def described(case: Case, data: Dataset) -> Architecture:
    """The network of a case."""
    plain = case.objective.architecture(
        data.n_features, case.hidden, classes=data.n_classes, name=data.name, dtype="float64"
    )
    pairs = zip(plain.layers, (*case.activations, plain.layers[-1].activation), strict=True)  # type: ignore[attr-defined]
    layers = [replace(layer, activation=name) for layer, name in pairs if isinstance(layer, Dense)]
    return replace(plain, layers=tuple(layers))


def check_case(case: Case) -> Report:
    """Check the case's subject."""
    data = load(case.data, standardise=True, values=True)
    architecture = described(case, data)

    def made(learning_rate: float) -> Any:
        network = scratch_network(architecture.at(learning_rate), seed=case.seed)
        network.build(data.n_features)
        return network

    settings = Settings(seed=case.seed, batch_size=case.batch_size)
    return check_model(InProcess(made), lambda: reused_model(architecture), data, settings, silent)


def main() -> int:
    """Print who is accused; return the exit status."""
    choose_backend()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng, begun = np.random.default_rng(arguments.seed), time.perf_counter()
    accused = warned = 0
    for number in range(arguments.count):
        case = draw_case(rng)
        report = check_case(case)
        warned += bool(report.warnings)
        if not report.passed or report.guilty:
            accused += 1
            print(f"{number}: {report.headline}\n  {case}", flush=True)
        if (number + 1) % 50 == 0:
            print(f"{number + 1} checked, {accused} accused, {warned} warned of", flush=True)
    seconds = time.perf_counter() - begun
    print(f"{arguments.count} correct subjects in {seconds:.0f} s: {accused} accused, {warned} warned of")
    return bool(accused)


if __name__ == "__main__":
    raise SystemExit(main())
