"""Matched pairs of random configurations: a correct network is never called different, a wrong learning rate always.

    python -m benchmarks.trajectories [--count 2000] [--seed 0]

Each configuration is judged as the main job judges it, and again with its scratch side trained at a learning rate that
is off by 1 % and by 0.1 %. Tells the share that is undecidable, and how many are not trained at all: every ReLU is dead
and the classes are balanced, so that a wrong rate gives the same numbers and there is nothing to miss. Ends with status
1 if a correct network is called different, or if of the other decidable ones a wrong rate is missed: any in float64,
over 3 % in float32.
"""

import argparse
import time
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from compare.data.dataset import NAMES, load
from compare.experiments.judgement import judge_pairs
from compare.experiments.pair import Course, Pair, train_pair, train_scratch
from compare.recipe.architecture import dense
from compare.recipe.protocol import Protocol
from compare.recipe.streams import stream
from compare.sides.quiet_keras import choose_backend
from compare.sides.sides import initial_weights

EPOCHS = 30
OFF = (1e-2, 1e-3)
MISSED = {"float64": 0.0, "float32": 0.03}  # of the decidable ones, at most
DECIDABLE = ("parity", "parity in part")


@dataclass(frozen=True)
class Case:
    """One configuration."""

    data: str
    hidden: tuple[int, ...]
    dtype: str
    learning_rate: float
    batch_size: int | None
    drawn_by: str
    seed: int


def draw_case(rng: np.random.Generator) -> Case:
    """Draw a configuration; learning rates reach into what is unstable."""
    return Case(
        data=str(rng.choice(NAMES)),
        hidden=tuple(int(units) for units in rng.integers(1, 33, rng.integers(0, 4))),
        dtype=str(rng.choice(["float32", "float64"])),
        learning_rate=float(10 ** rng.uniform(-3, 0)),
        batch_size=None if rng.random() < 0.5 else int(rng.integers(16, 257)),
        drawn_by=str(rng.choice(["scratch", "keras"])),
        seed=int(rng.integers(2**31)),
    )


def train(case: Case) -> Pair:
    """Train both sides."""
    dataset = load(case.data)
    sizes = (dataset.n_features, *case.hidden, dataset.n_classes)
    architecture = dense(sizes, learning_rate=case.learning_rate, dtype=case.dtype)
    protocol = Protocol("drawn", EPOCHS, case.batch_size)
    orders = protocol.orders(stream(case.seed, "orders"), dataset.n)
    return train_pair(
        Course(architecture, dataset, protocol, orders, initial_weights(architecture, case.seed, case.drawn_by))
    )


def planted(pair: Pair, off: float) -> Pair:
    """Train the scratch side again, at a learning rate that is off."""
    rate = pair.course.architecture.learning_rate * (1 + off)
    course = replace(pair.course, architecture=pair.course.architecture.at(rate))  # the floor has the fault too
    return replace(pair, course=course, scratch=train_scratch(course))


def untrained(pair: Pair) -> bool:
    """Whether training moves no weight by more than rounding."""
    eps = np.finfo(pair.course.architecture.dtype).eps
    tensors = zip(pair.course.start, pair.scratch.get_weights(), strict=True)
    return all(np.abs(before - after).max() <= 4 * eps for before, after in tensors)


def main() -> int:
    """Judge all configurations; print what is wrong and the counts."""
    choose_backend()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng, start = np.random.default_rng(arguments.seed), time.perf_counter()
    verdicts: Counter[tuple[str, str]] = Counter()
    missed: Counter[tuple[str, float]] = Counter()
    epochs: Counter[str] = Counter()
    still: Counter[str] = Counter()
    for number in range(arguments.count):
        case = draw_case(rng)
        pair = train(case)
        (judged,) = judge_pairs([pair], [stream(case.seed, "floor")])
        verdicts[case.dtype, judged.verdict] += 1
        epochs[case.dtype] += judged.decided
        if judged.verdict == "no parity":
            out = [row for row in judged.rows if not row["passed"]]
            print(f"CALLED DIFFERENT {number}: {case}\n  {out}", flush=True)
        if judged.verdict in DECIDABLE and untrained(pair):
            still[case.dtype] += 1
            continue
        for off in OFF if judged.verdict in DECIDABLE else ():
            if judge_pairs([planted(pair, off)], [stream(case.seed, "floor")])[0].verdict != "no parity":
                missed[case.dtype, off] += 1
                print(f"MISSED {off:.1%} {number}: {case}, {judged.decided} epochs decided", flush=True)
    print(f"{arguments.count} configurations, {time.perf_counter() - start:.0f} s")
    good = True
    for dtype, most in MISSED.items():
        counts = {verdict: n for (of, verdict), n in verdicts.items() if of == dtype}
        total, decidable = sum(counts.values()), sum(counts.get(each, 0) for each in DECIDABLE) - still[dtype]
        told = ", ".join(f"{off:.1%} off: {missed[dtype, off]} of {decidable} missed" for off in OFF)
        share = epochs[dtype] / max(1, EPOCHS * total)
        print(f"{dtype}: {counts}; {share:.1%} of epochs decided; {still[dtype]} not trained at all; {told}")
        good &= "no parity" not in counts and all(missed[dtype, off] <= most * decidable for off in OFF)
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
