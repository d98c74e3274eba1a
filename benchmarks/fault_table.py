"""Plants every fault of the catalogue, and random pairs of them, in the scratch network, and checks each.

    python -m benchmarks.fault_table [--pairs 40] [--seed 0]

Prints a table: detected, named, and what the diagnosis said; ends with status 1 below 100% detection or 95% names (60%
of the pairs). Hidden layers are relu, tanh, relu, so that faults of either kind show.
"""

import argparse
from collections.abc import Callable, Sequence

import numpy as np

from compare.check.parity_check import check_parity
from compare.check.report.report import Report
from compare.faults import FAULTS
from compare.faults.fault import Cause
from compare.faults.planted import FaultyNetwork, planted
from compare.sides.quiet_keras import choose_backend

ACTIVATIONS = ("relu", "tanh", "relu")
# Planted as tanh, the second layer would be right; it is planted in the first.
PLANTED_ELSEWHERE = {"wrong activation": (0, "sigmoid")}


def planted_elsewhere(names: Sequence[str]) -> Callable[..., FaultyNetwork]:
    """A factory of networks with these faults."""
    return planted([Cause(FAULTS[name], PLANTED_ELSEWHERE.get(name, FAULTS[name].example)) for name in names])


def named(report: Report) -> list[set[str]]:
    """The sets of names that the report gives, the likeliest first; notes on starting weights count."""
    found = [set(explanation.names) for explanation in report.diagnosis.explanations]
    found += [set(explanation.names) for training in report.trainings for explanation in training.explanations]
    return found + [{note.split(":")[0]} for note in report.met.notes if note.split(":")[0] in FAULTS]


def show(names: Sequence[str]) -> tuple[bool, bool]:
    """Check one planted network and print its row; return whether it was detected and named."""
    report = check_parity(planted_elsewhere(names), layers=(6, 8, 8, 3), activations=ACTIVATIONS, steps=6)
    found = named(report)
    detected = not report.passed or bool(found)
    hit = any(set(names) <= names_found for names_found in found)
    said = " | ".join(" + ".join(sorted(names_found)) for names_found in found[:3]) or report.verdict
    print(f"{'yes' if detected else 'NO':8} {'yes' if hit else 'NO':6} {' + '.join(names):60} {said}", flush=True)
    return detected, hit


def main() -> int:
    """Print the tables; return the exit status."""
    choose_backend()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print(f"{'detected':8} {'named':6} {'planted':60} diagnosis")
    singles = np.array([show([name]) for name in FAULTS])
    rng = np.random.default_rng(arguments.seed)
    steps = [name for name, fault in FAULTS.items() if not fault.training]
    drawn = [[str(name) for name in rng.choice(steps, 2, replace=False)] for _ in range(arguments.pairs)]
    pairs = np.array([show(names) for names in drawn]).reshape(-1, 2)
    good = True
    for what, table, least in (("faults", singles, 0.95), ("pairs", pairs, 0.6)):
        if len(table):
            detected, hit = table.mean(axis=0)
            print(f"{len(table)} {what}: {detected:.0%} detected, {hit:.0%} named")
            good = good and detected == 1 and hit >= least
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
