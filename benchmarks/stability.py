"""How stable the verdict of unseeded runs is from seed to seed.

    python -m benchmarks.stability [--seeds 40] [--replicates 1000] [--first 0]

Runs the unseeded experiment of the main job once for each seed, and counts the verdicts of each setting. Ends with
status 1 if a verdict is the same in fewer than 95 % of the seeds.
"""

import argparse
from collections import Counter

from compare.data.dataset import load
from compare.experiments.experiment import Experiment
from compare.experiments.unseeded import run_unseeded
from compare.sides.quiet_keras import choose_backend

STABLE = 0.95


def main() -> int:
    """Run every seed; print each verdict, and the counts."""
    choose_backend()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    arguments = parser.parse_args()
    dataset, counts = load("iris"), dict[str, Counter[str]]()
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        found = run_unseeded(Experiment(seed=seed, replicates=arguments.replicates), dataset)
        told = []
        for name, each in found.comparisons.items():
            counts.setdefault(name, Counter())[each.verdict] += 1
            why = ", ".join(each.differing or each.undecided or each.apart)
            power = "" if each.power is None else f", power {each.power.whole.probability:.2f}"
            told.append(f"{name}: {each.verdict}{f' ({why})' if why else ''}{power}")
        print(f"seed {seed}: {'; '.join(told)}", flush=True)
    for name, verdicts in counts.items():
        print(f"{name}: {dict(verdicts)}")
    return 0 if all(max(of.values()) >= STABLE * arguments.seeds for of in counts.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
