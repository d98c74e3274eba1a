"""The loss gaps of matched pairs, from what was recorded: epoch by epoch, with what was tolerated of each."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from compare.agreement import parity, tolerance
from compare.runs.record import Run

Array = NDArray[np.floating]
PAIR = ["drawn_by", "replicate"]


@dataclass(frozen=True)
class Gaps:
    """The gaps of the pairs of one protocol and dtype.

    Attributes
    ----------
    gap, floor, tolerated : ndarray of shape (pairs, epochs)
        The gap between both sides' losses, the noise floor, and what was tolerated.
    judged : list of int
        How many epochs of each pair were judged, from the first on.
    pairs : list of (str, int)
        Who drew the initial weights of each pair, and its replicate.
    """

    gap: Array
    floor: Array
    tolerated: Array
    judged: list[int]
    pairs: list[tuple[str, int]]

    @property
    def shares(self) -> list[float]:
        """The largest judged gap of each pair, in units of its tolerance."""
        excess = parity.excess(self.gap, self.tolerated)
        return [float(of[:upto].max(initial=0)) for of, upto in zip(excess, self.judged, strict=True)]

    @property
    def nearest(self) -> int:
        """The pair with the gap that is nearest to its tolerance, in units of it."""
        return int(np.argmax(self.shares))


def gaps(run: Run, **case: str) -> Gaps:
    """Return the gaps of a case: its protocol and dtype, and who drew the initial weights, or both drawers' pairs."""
    ours, theirs = _sides(run, "loss", case)
    floors = of(run.tables["noise_floor"], case).pivot(index=PAIR, columns="epoch", values="loss")
    floor = floors.to_numpy()
    gap = parity.gap(ours, theirs)
    tolerated = tolerance.of_loss(floor, ours, case["dtype"])
    judged = [tolerance.judged_upto(*each, case["dtype"]) for each in zip(tolerated, ours, gap, strict=True)]
    return Gaps(gap, floor, tolerated, judged, list(floors.index))


def which(run: Run, found: Gaps) -> str:
    """Say which pair is shown, and why that one."""
    drawn_by, replicate = found.pairs[found.nearest]
    count = sum(drawer == drawn_by for drawer, _ in found.pairs)
    seed = run.manifest["seeds"]["matched_pairs"][replicate]
    return f"pair {replicate + 1} of {count} (seed {seed}), nearest to its tolerance ({max(found.shares):.2g} of it)"


def largest(run: Run, measure: str, dtype: str) -> float:
    """Return the largest judged gap of a measure over all pairs of a dtype; accuracies are counted in samples."""
    found, n = 0.0, run.manifest["data"]["n"]
    for protocol in run.tables["trajectories"]["protocol"].unique():
        case = {"protocol": protocol, "dtype": dtype}
        ours, theirs = _sides(run, measure, case)
        if measure == "accuracy":
            ours, theirs = parity.samples(ours, n) / n, parity.samples(theirs, n) / n
        judged = zip(parity.gap(ours, theirs), gaps(run, **case).judged, strict=True)
        found = max(found, *(float(of_pair[:upto].max(initial=0)) for of_pair, upto in judged))
    return found


def _sides(run: Run, measure: str, case: dict[str, str]) -> tuple[Array, Array]:
    """What scratch and Keras have of a measure, (pairs, epochs) each."""
    wide = of(run.tables["trajectories"], case).pivot(index=PAIR, columns=["side", "epoch"], values=measure)
    return wide["scratch"].to_numpy(), wide["keras"].to_numpy()


def of(table: pd.DataFrame, case: Mapping[str, str | int]) -> pd.DataFrame:
    """Return the rows of a case."""
    for name, value in case.items():
        table = table[table[name] == value]
    return table
