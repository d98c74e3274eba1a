"""No false alarm: checks correct subjects drawn at random; fails if one is accused or warned of.

    python -m benchmarks.false_alarms [--count 1000] [--seed 0] [--steps 12]

Subjects are the scratch network and Keras itself, in both dtypes, with random stacks of layers, activations, data
sets, scales, batch sizes, and learning rates up to unstable ones.
"""

import argparse
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from compare.check.parity_check import check_parity
from compare.check.report.report import Report
from compare.data.dataset import NAMES, load
from compare.sides.quiet_keras import choose_backend
from scratch_nn import DenseLayer, Network


@dataclass(frozen=True)
class Case:
    """One correct subject, and what it is checked on."""

    kind: str
    dtype: str
    data: str
    scale: float
    hidden: tuple[int, ...]
    activations: tuple[str, ...]
    learning_rate: float
    batch_size: int
    seed: int


def draw_case(rng: np.random.Generator) -> Case:
    """Draw a subject; learning rates reach far into what is unstable."""
    depth = int(rng.integers(0, 5))
    names = ["relu", "sigmoid", "tanh", "linear", "leaky_relu"]
    return Case(
        kind=str(rng.choice(["scratch", "keras"], p=[0.75, 0.25])),
        dtype=str(rng.choice(["float64", "float32"])),
        data=str(rng.choice(NAMES, p=[0.4, 0.3, 0.2, 0.1])),
        scale=float(10 ** rng.uniform(-3, 2)),
        hidden=tuple(int(units) for units in rng.integers(1, 25, depth)),
        activations=tuple(str(name) for name in rng.choice(names, depth)),
        learning_rate=float(10 ** rng.uniform(-4, 1.5)),
        batch_size=int(rng.choice([2, 7, 16, 32, 64])),
        seed=int(rng.integers(2**31)),
    )


def check_case(case: Case, steps: int) -> Report:
    """Check the case's subject, on at most 150 samples of its data, scaled."""
    data = load(case.data)
    rows = np.random.default_rng(case.seed).permutation(data.n)[:150]
    # Ten classes would not all be in 150 rows by chance alone.
    pair = (data.X[rows] * case.scale, data.y[rows])
    sizes = (*case.hidden, data.n_classes)
    options: dict[str, Any] = {"steps": steps, "batch_size": case.batch_size, "seed": case.seed}
    if case.kind == "keras":
        from keras_ref import build_model

        model = build_model(data.n_features, sizes, case.learning_rate, case.dtype, activations=case.activations)
        return check_parity(model, pair, **options)

    def factory(layer_sizes: list[int], learning_rate: float) -> Network:
        network = Network(learning_rate, dtype=case.dtype)
        for units, activation in zip(layer_sizes[1:], [*case.activations, None], strict=True):
            network.add(DenseLayer(units, activation))
        return network

    dtype = case.dtype if case.seed % 2 else "float64"  # float32 networks are held to either reference
    options |= {"layers": sizes, "activations": case.activations, "learning_rate": case.learning_rate}
    return check_parity(factory, pair, dtype=dtype, **options)


def main() -> int:
    """Check all cases; print each false alarm and the count."""
    choose_backend()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=12)
    arguments = parser.parse_args()
    rng, start = np.random.default_rng(arguments.seed), time.perf_counter()
    verdicts: dict[str, int] = {}
    alarms = warned = steps = kinks = 0
    for number in range(arguments.count):
        case = draw_case(rng)
        report = check_case(case, arguments.steps)
        verdicts[report.verdict] = verdicts.get(report.verdict, 0) + 1
        steps += sum(len(run.steps) for run in report.runs)
        kinks += sum(bool(step.kinks) for run in report.runs for step in run.steps)
        if not report.passed or report.warnings:
            alarms += not report.passed
            warned += report.passed
            print(f"{'WARNED' if report.passed else 'FALSE ALARM'} {number}: {case}\n{report}\n", flush=True)
        if (number + 1) % 50 == 0:
            print(f"{number + 1} checked, {steps} steps, {alarms} false alarms, {warned} warned", flush=True)
    seconds = time.perf_counter() - start
    print(f"{arguments.count} correct subjects, {steps} steps, {alarms} false alarms, {warned} warned, {seconds:.0f} s")
    print(f"steps with kink crossings: {kinks}; " + "; ".join(f"{v}: {n}" for v, n in sorted(verdicts.items())))
    return 1 if alarms or warned else 0


if __name__ == "__main__":
    raise SystemExit(main())
