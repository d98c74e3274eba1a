"""What is said of a matched pair: how far its sides are apart, held against what rounding alone does to it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from compare.agreement import parity, tolerance
from compare.agreement.tolerance import Tolerance
from compare.experiments import floors
from compare.experiments.floors import Floor
from compare.experiments.pair import Pair, train_scratch

# A ReLU's pre-activation within rounding of zero may come out on one side of it in all of 8 runs, and on the other in
# Keras: 1 of 800 float32 runs on iris. So a pair is measured by this many before it is called different.
FINE_FLOOR_RUNS = 64
# What must be decided of a run, at least, for its agreement to count: more than what nobody can see. Not all of it: now
# and then a float32 run ends where rounding alone moves it too far, after a hundred epochs beside Keras to the last
# digits, in which a learning rate that is 0.1 % off would have shown, and a fault of training code is there from the
# start. And not less, since then what is said of a run would rest on its first steps alone.
LEAST_DECIDED = 0.5


class Judgement(NamedTuple):
    """What is said of one pair.

    Attributes
    ----------
    verdict : {"parity", "parity in part", "no parity", "undecidable"}
    rows : list of dict
        One a comparison.
    floor : Floor
    decided : int
        How many epochs could be decided, from the first on: those after it rounding alone moves too far to tell.
    """

    verdict: str
    rows: list[dict[str, Any]]
    floor: Floor
    decided: int


def judge_pairs(pairs: Sequence[Pair], sequences: Sequence[np.random.SeedSequence]) -> list[Judgement]:
    """Judge each pair by what rounding alone does to it.

    Compared are loss and accuracy at every epoch that can be decided, and every tensor of the weights at the end. A
    pair out of tolerance is judged again by a floor of more runs. One within it is in parity; but where it amplifies
    rounding, only if a fault would have been found: the same run at a learning rate that is off. Otherwise it is
    undecidable.

    A pair of which not every epoch could be decided is never plainly in parity: it is so *in part* where at least
    `LEAST_DECIDED` of them could be, and undecidable where fewer.
    """
    judged: dict[int, Judgement] = {}
    for places in floors.together(pairs):
        measured = floors.measure_floors([pairs[place] for place in places], [sequences[place] for place in places])
        for place, floor in zip(places, measured, strict=True):
            judged[place] = _judged(pairs[place], floor)
            if judged[place].verdict == "no parity":
                (finer,) = floors.measure_floors([pairs[place]], [sequences[place]], FINE_FLOOR_RUNS)
                judged[place] = _judged(pairs[place], finer)
    return [judged[place] for place in range(len(pairs))]


def _judged(pair: Pair, floor: Floor) -> Judgement:
    allowed = _allowed(pair, floor)
    rows, decided = _compare(pair, allowed, floor)
    passed = all(row["passed"] for row in rows)
    return Judgement(_agreement(pair, allowed, floor, decided) if passed else "no parity", rows, floor, decided)


def _agreement(pair: Pair, allowed: Tolerance, floor: Floor, decided: int) -> str:
    """What it says that a pair is within tolerance."""
    epochs = len(allowed.loss)
    quiet = decided == epochs and not allowed.amplified
    if decided < LEAST_DECIDED * epochs or not (quiet or _shows(pair, allowed, floor)):
        return "undecidable"
    return "parity" if decided == epochs else "parity in part"


def _allowed(pair: Pair, floor: Floor) -> Tolerance:
    """Tolerances go with the size of what the scratch side made."""
    architecture, scratch = pair.course.architecture, pair.scratch
    layers = [weight.layer for weight in architecture.weights]
    drift = floor.loss, floor.weights
    return tolerance.of_run(drift, scratch.loss, scratch.get_weights(), layers, architecture.dtype)


def _shows(pair: Pair, allowed: Tolerance, floor: Floor) -> bool:
    """Whether the pair would be out of tolerance with its scratch side trained at a learning rate that is off."""
    course = pair.course
    off = course.architecture.at(course.architecture.learning_rate * (1 + tolerance.PROBE))
    rows, _ = _compare(replace(pair, scratch=train_scratch(replace(course, architecture=off))), allowed, floor)
    return not all(row["passed"] for row in rows)


def _compare(pair: Pair, allowed: Tolerance, floor: Floor) -> tuple[list[dict[str, Any]], int]:
    """Return a row for each comparison that can be decided, and how many epochs are decided.

    What the last epoch did shows in the weights alone: it is decided if all of them are.
    """
    scratch, n, epochs = pair.scratch, pair.course.dataset.n, len(allowed.loss)
    upto = allowed.upto(parity.gap(scratch.loss, pair.keras.loss))
    rows = []
    if upto:
        losses = (each[:upto] for each in (scratch.loss, pair.keras.loss, allowed.loss, allowed.least_loss))
        rows.append(row("loss", parity.judge(*losses)))
    if upto and pair.course.dataset.targets == "classes":
        ours, theirs = (parity.samples(side.accuracy, n)[:upto] for side in (scratch, pair.keras))
        most = tolerance.of_flips(parity.samples(floor.accuracy, n), allowed.loss, allowed.least_loss)
        flips = parity.judge(ours, theirs, most[:upto], 0.0)
        shares = {name: getattr(flips, name) / n for name in ("largest", "nearest", "tolerance")}
        rows.append(row("accuracy", flips._replace(**shares)))
    if upto < epochs:
        return rows, upto
    both = list(zip(scratch.get_weights(), pair.keras_weights, strict=True))
    told = allowed.told([parity.gap(*two).max() for two in both])
    tensors = zip(pair.course.architecture.weights, both, allowed.weights, allowed.least_weights, told, strict=True)
    for weight, two, most, bar, tells in tensors:
        if tells:
            difference = parity.judge(*two, most, bar)._replace(step=epochs)
            rows.append(row("weights", difference, layer=weight.layer + 1, tensor=weight.role))
    return rows, epochs if told.all() else epochs - 1


def row(what: str, difference: parity.Difference, layer: int | None = None, tensor: str = "") -> dict[str, Any]:
    """Return a comparison as a row of a table."""
    return {"what": what, "layer": layer, "tensor": tensor, **difference._asdict()}
