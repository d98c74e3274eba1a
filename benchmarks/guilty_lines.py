"""Plants faults in networks of six styles of code, and asks for their lines.

    python -m benchmarks.guilty_lines [--several 30] [--correct 60] [--seed 0]

Every fault of `benchmarks.styles.faults` alone; two and three together, at random; and the correct networks with random
layers and weights, where no line may be accused and every quantity must be found. Ends with status 1 below the bars.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.styles.faults import ACTIVATIONS, FAULTS, Fault
from compare.check.introduction import meet
from compare.check.lines.finding import find_lines
from compare.check.lines.lines import Lines
from compare.check.planning import plan
from compare.check.settings import Settings
from compare.check.steps.lockstep import drive_all
from compare.check.steps.reference import build_reference
from compare.check.steps.situations import ordinary
from compare.check.subject.drivers import InProcess
from compare.check.subject.loading import load_target
from compare.data.dataset import load
from compare.sides.quiet_keras import choose_backend

STYLES = Path(__file__).parent / "styles"
LAYERS = (6, 5, 3)
BARS = {"alone": 0.95, "first": 0.75, "several": 0.7, "correct": 1.0}


@dataclass(frozen=True)
class Planted:
    """A network with faults: its text, and the line of each."""

    style: str
    faults: Sequence[Fault]

    @property
    def text(self) -> str:
        """The style's text with the faults in it."""
        text = correct(self.style)
        for _, old, new in self.faults:
            text = text.replace(old, new)
        return text

    @property
    def lines(self) -> list[int]:
        """The line of each fault: none of them changes the number of lines."""
        text = correct(self.style)
        return [text[: text.index(old)].count("\n") + 1 for _, old, _ in self.faults]


def correct(style: str) -> str:
    """The text of a correct network."""
    return (STYLES / f"{style}.py").read_text(encoding="utf-8")


def lines_of(text: str, activation: str, layers: Sequence[int] = LAYERS, seed: int = 0) -> Lines:
    """Drive a network given as text through a few steps on iris, and say what its lines do."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.py"
        path.write_text(text, encoding="utf-8")
        driver = InProcess(load_target(path, "subject", False))
        data = load("iris", standardise=True)
        rng = np.random.default_rng(seed)
        settings = Settings(layers=tuple(layers), activations=(activation,) * (len(layers) - 1))
        met = meet(driver, plan(driver, data, settings)[0], data.X, data.y, rng)
        reference = build_reference(met.recipe, met.precision)
        situations = ordinary(met.recipe, {"standardised": data.X}, data.y, 3, rng, met.zero_biases)
        batched = [each for each in situations if "batches" in each.name]
        return find_lines(driver, reference, drive_all(reference, batched, driver.perform_all, lambda: None))


def places(planted: Planted) -> tuple[list[int], Lines]:
    """For each fault, where its line stands among those that are told, or -1; and what is told."""
    found = lines_of(planted.text, ACTIVATIONS[planted.style])
    told = [range(each.first, each.last + 1) for each in found.guilty]
    return [next((place for place, lines in enumerate(told) if line in lines), -1) for line in planted.lines], found


def apart(style: str, count: int, rng: np.random.Generator) -> Planted:
    """Draw faults that change different lines."""
    while True:
        drawn = [FAULTS[style][place] for place in rng.choice(len(FAULTS[style]), count, replace=False)]
        planted = Planted(style, drawn)
        if len(set(planted.lines)) == count:
            return planted


def complete(lines: Lines, depth: int) -> bool:
    """Whether every quantity of a step is found in the code map."""
    wanted = [f"{symbol} of layer {layer}" for layer in range(1, depth + 1) for symbol in ("Z", "dW", "db", "new W")]
    found = {each.quantity for each in lines.code_map}
    # A bias's gradient of one sample is the error itself; what a loop adds up is told by its sums.
    return all(any(each.startswith(name) for each in found) for name in wanted if not name.startswith("db"))


def main() -> int:
    """Print the tables; return the exit status."""
    choose_backend()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--several", type=int, default=30, help="networks with two faults, and with three")
    parser.add_argument("--correct", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    rows = []
    for style, faults in FAULTS.items():
        for fault in faults:
            (place,), found = places(Planted(style, [fault]))
            rows.append((place >= 0, place == 0, sum(each.last - each.first + 1 for each in found.guilty)))
            if place:
                print(f"{'later' if place > 0 else 'MISSED':7} {style:15} {fault[0]}", flush=True)
    hits, firsts, lengths = map(list, zip(*rows, strict=True))
    shares = {"alone": np.mean(hits), "first": np.mean(firsts)}
    print(f"{len(rows)} faults alone: line told in {shares['alone']:.1%}, first of those told in {shares['first']:.1%}")
    print(f"lines told: median {np.median(lengths):g}, most {max(lengths)}")
    drawn = [apart(str(rng.choice(list(FAULTS))), count, rng) for count in (2, 3) for _ in range(arguments.several)]
    told = [all(place >= 0 for place in places(each)[0]) for each in drawn]
    for count in (2, 3):
        of = [hit for hit, each in zip(told, drawn, strict=True) if len(each.faults) == count]
        print(f"{len(of)} networks with {count} faults: all lines told in {np.mean(of or [1]):.1%}")
    shares["several"] = np.mean(told or [1])
    right = []
    for seed in range(arguments.correct):
        style = list(FAULTS)[seed % len(FAULTS)]
        layers = (*(int(units) for units in rng.integers(4, 12, rng.integers(1, 4))), 3)
        lines = lines_of(correct(style), ACTIVATIONS[style], layers, seed)
        right.append(not lines.guilty and lines.not_traced is None and complete(lines, len(layers)))
        if not right[-1]:
            print(f"accused or incomplete: {style} {layers} {lines.guilty} {lines.not_traced}")
    shares["correct"] = np.mean(right or [1])
    print(f"{len(right)} correct networks: none accused and all quantities found in {shares['correct']:.1%}")
    return 0 if all(share >= BARS[what] for what, share in shares.items()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
