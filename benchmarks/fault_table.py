"""Plants every fault of the catalogue, and random pairs of them, in the scratch network, and checks each.

    python -m benchmarks.fault_table [--pairs 40] [--seed 0]

Prints a table: detected, named, and what the diagnosis said, with "=" where no more faults than were planted give all
the same numbers; ends with status 1 below 100% detection or the bars of names. Hidden layers are relu, tanh, relu, so
that faults of either kind show.
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
NOT_PLANTED = ("an adaptive optimizer", "no biases")  # kinds that are recognised by what they do, not by their rules
BARS = {"faults": 0.98, "pairs": 0.95, "triples": 0.9, "quadruples": 0.9}  # shares that must be named
# Planted as tanh, the second layer would be right; it is planted in the first.
PLANTED_ELSEWHERE = {"wrong activation": (0, "sigmoid")}


def planted_elsewhere(names: Sequence[str]) -> Callable[..., FaultyNetwork]:
    """A factory of networks with these faults."""
    return planted([Cause(FAULTS[name], PLANTED_ELSEWHERE.get(name, FAULTS[name].example)) for name in names])


def named(report: Report) -> list[set[str]]:
    """The sets of names that the report gives, the likeliest first; warnings and notes on starting weights count."""
    always = {each.cause.name for each in report.warnings if each.cause is not None}
    always |= {note.split(":")[0] for note in report.met.notes if note.split(":")[0] in FAULTS}
    always |= {report.diagnosis.kind.name} if report.diagnosis.kind is not None else set()
    found = [set(explanation.names) for explanation in report.diagnosis.explanations]
    found += [set(explanation.names) for training in report.trainings for explanation in training.explanations]
    return [each | always for each in found] or [always]


def exact(report: Report, count: int) -> bool:
    """Whether no more faults than were planted give all that the network did: nobody can tell others from its numbers.

    So it is where one fault hides another (a softmax applied twice lets no probability underflow), or two make one.
    """
    known = all(each.cause is not None for each in report.warnings)
    return known and any(not each.left and len(each.causes) <= count for each in report.diagnosis.explanations[:1])


def show(names: Sequence[str]) -> tuple[bool, bool, float, float]:
    """Check one planted network and print its row.

    Returns whether it was detected, all named, the share named, and the share named or explained by others.
    """
    activations = ("tanh",) * 3 if "activation overflows" in names else ACTIVATIONS
    report = check_parity(planted_elsewhere(names), layers=(6, 8, 8, 3), activations=activations, steps=6)
    found = named(report)
    detected = not report.passed or any(found)
    share = max(len({*names} & each) / len(names) for each in found)
    said = " | ".join(" + ".join(sorted(each)) for each in found[:3] if each) or report.verdict
    explained = 1.0 if exact(report, len(names)) else share
    shares = f"{share:6.0%}{'' if explained == share else ' =':2}"
    print(f"{'yes' if detected else 'NO':8} {shares} {' + '.join(names):60} {said}", flush=True)
    return detected, share == 1, share, explained


def phase(name: str) -> str:
    """Where a fault stands in a step."""
    module = FAULTS[name].apply.__module__.rpartition(".")[2]
    return "update" if module == "penalty" else module


def drawn_apart(count: int, rng: np.random.Generator) -> list[str]:
    """Draw faults from so many different phases of a step; what makes other batches of its batch is in none."""
    steps = [name for name, fault in FAULTS.items() if not (fault.manner or fault.kind) and phase(name) != "training"]
    by_phase: dict[str, list[str]] = {}
    for name in steps:
        by_phase.setdefault(phase(name), []).append(name)
    chosen = rng.choice(sorted(by_phase), count, replace=False)
    return [str(rng.choice(by_phase[each])) for each in chosen]


def main() -> int:
    """Print the tables; return the exit status."""
    choose_backend()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=40, help="random pairs, and half as many triples and quadruples")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print(f"{'detected':8} {'named':6} {'planted':60} diagnosis")
    plantable = [name for name, fault in FAULTS.items() if not fault.manner and name not in NOT_PLANTED]
    rng = np.random.default_rng(arguments.seed)
    steps = [name for name in plantable if not (FAULTS[name].training or FAULTS[name].kind)]
    tables = {"faults": [show([name]) for name in plantable]}
    drawn = [[str(name) for name in rng.choice(steps, 2, replace=False)] for _ in range(arguments.pairs)]
    tables["pairs"] = [show(names) for names in drawn]
    for what, count in (("triples", 3), ("quadruples", 4)):
        tables[what] = [show(drawn_apart(count, rng)) for _ in range(arguments.pairs // 2)]
    good = True
    for what, rows in tables.items():
        detected, whole, share, explained = np.mean(rows, axis=0) if rows else (1.0, 1.0, 1.0, 1.0)
        print(
            f"{len(rows)} {what}: {detected:.0%} detected, {whole:.0%} fully named, {share:.0%} of all faults named, "
            f"{explained:.0%} named or explained by as few others"
        )
        reached = explained if what in ("triples", "quadruples") else whole
        good = good and detected == 1 and reached >= BARS[what]
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
