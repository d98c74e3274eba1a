"""Where unseeded runs end, from what was recorded: each side's values, and what was tested of their means."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from compare.agreement.equivalence import summaries
from compare.runs import findings
from compare.runs.record import Run

Values = NDArray[np.float64]


@dataclass(frozen=True)
class End:
    """One outcome of a setting at the last epoch.

    Attributes
    ----------
    values : mapping of str to ndarray of shape (replicates,)
        By side; infinite for a run that diverged, the worst of all.
    verdict : str
    mean : float
        Of Keras's runs that did not diverge.
    difference, low, high, margin : float
        Of scratch's mean less Keras's: the 90 % interval, and what does not matter; NaN where none could be told.
    """

    values: Mapping[str, Values]
    verdict: str
    mean: float
    difference: float
    low: float
    high: float
    margin: float

    @property
    def tested(self) -> bool:
        """Whether there were runs enough to tell anything of the means."""
        return bool(np.isfinite([self.mean, self.difference, self.low, self.high, self.margin]).all())


def ends(run: Run, setting: str, sides: Mapping[str, pd.DataFrame]) -> dict[str, End]:
    """Return, by measure, where a setting's runs end; `sides` are its runs, as `findings.settings` has them."""
    tests = run.tables["unseeded_tests"]
    tests = tests[tests["setting"] == setting].set_index("outcome")
    told = {row[1]: row[-1] for row in findings.unseeded(run).rows if row[0] == setting}
    last = {side: summaries(runs["loss"], runs["accuracy"]) for side, runs in sides.items()}
    found = {}
    for measure in findings.measures(run.tables["unseeded"]):
        outcome = f"final_{measure}"
        values = {side: np.nan_to_num(of[outcome], nan=np.inf) for side, of in last.items()}
        finite = values["keras"][np.isfinite(values["keras"])]
        mean = float(finite.mean()) if finite.size else np.nan
        tested = (float(tests[name][outcome]) for name in ("difference", "low", "high", "margin"))
        found[measure] = End(values, told.get(f"final {measure}", "inconclusive"), mean, *tested)
    return found


def span(values: Values) -> tuple[float, float]:
    """Return an axis for ends, from the lowest up to the 99.5th percentile: a few far out would flatten the rest."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(np.quantile(finite, 0.995))) if finite.size else (0.0, 1.0)
    return low, high if high > low else low + 1.0
