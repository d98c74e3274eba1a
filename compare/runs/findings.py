"""What a run found, in tables of values. The terminal and the report show the same ones."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from compare.phrases import parted
from compare.recipe.protocol import MEASURES, batches
from compare.runs.record import Run

NUMBER = "{:.4f}"
SMALL = "{:.1e}"
LOSS_ACCURACY = "{0[0]:.6f} ({0[1]:.4f})"
# Of many runs: the median, the quartiles, and where nine in ten lie. Lowest and highest go with the number of runs.
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Column:
    """A column's name, and how `str.format` shows its values; numbers stand at the right."""

    name: str
    form: str = "{}"

    @property
    def right(self) -> bool:
        """Whether the column holds numbers."""
        return self.form != "{}"


@dataclass(frozen=True)
class Table:
    """A table of values; None is an empty cell.

    Attributes
    ----------
    title : str
    columns : tuple of Column
    rows : list of tuple
    grouped : bool
        Rows that follow each other with the same first value belong together.
    """

    title: str
    columns: tuple[Column, ...]
    rows: list[tuple[Any, ...]]
    grouped: bool = False

    @property
    def texts(self) -> list[list[str]]:
        """Return every row's cells as they are shown."""
        return [[_text(value, column) for value, column in zip(row, self.columns, strict=True)] for row in self.rows]


def _text(value: Any, column: Column) -> str:
    if value is None:
        return ""
    return "0" if column.right and value == 0 else column.form.format(value)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a table's rows by the names of its columns; what is missing is None."""
    return [
        {str(name): None if pd.isna(value) else value for name, value in row.items()}
        for row in table.to_dict("records")
    ]


def submissions(rows: Iterable[Mapping[str, Any]]) -> Table:
    """One row for each network of a class: its verdict, the first guilty line with its source, and the cause."""
    columns = Column("#", "{:d}"), *map(Column, ("network", "verdict", "line", "cause"))
    told = [(row["number"], row["subject"], row["verdict"], _line(row), row["cause"]) for row in rows]
    return Table(f"{len(told)} networks", columns, told)


def _line(row: Mapping[str, Any]) -> str | None:
    """The first guilty line; its file where that is not the network's own."""
    if row["line"] is None:
        return None
    other = "" if row["file"] == parted(row["subject"])[0] else f"{row['file']}:"
    return f"{other}{row['line']:.0f}: {row['source']}"


PARTS = ("parity", "article_parity")
PLAINLY = {
    "fit = compiled": "Keras's own fit (up to 10 epochs), bit for bit"
}  # what is compared, where its name in the table is short


def verdicts(run: Run, parts: Collection[str] = PARTS) -> Table:
    """One row for each thing compared, in the matched runs, the article or both, over all pairs.

    Told are the largest difference, and the one that is nearest to its tolerance (in units of it), with that tolerance:
    what is allowed is not the same at every epoch, so they may be two.
    """
    columns = (
        Column("what"),
        Column("protocol"),
        Column("dtype"),
        Column("pairs", "{:d}"),
        Column("largest", SMALL),
        Column("nearest", SMALL),
        Column("tolerance", SMALL),
        Column("verdict"),
    )
    rows: list[tuple[Any, ...]] = []
    if "parity" in run.tables and "parity" in parts:
        frame = run.tables["parity"].assign(excess=lambda rows: rows["nearest"] / rows["tolerance"].clip(1e-300))
        for (what, protocol, dtype), of_case in frame.groupby(["what", "protocol", "dtype"], sort=False):
            worst = of_case.iloc[int(of_case["excess"].argmax())]
            judged = ", by its noise floor" if worst["judged_by"] == "noise floor" else ""
            pairs = of_case.groupby(["drawn_by", "replicate"]).ngroups
            verdict = ("pass" if of_case["passed"].all() else "FAIL") + judged
            if what == "loss" and "pairs" in run.tables:
                verdict += _undecided(run.tables["pairs"], str(protocol), str(dtype))
            told = _told(of_case["largest"].max()), worst["nearest"], worst["tolerance"]
            rows.append((PLAINLY.get(str(what), what), protocol, dtype, pairs, *told, verdict))
    article: Any = run.tables.get("article_parity" if "article_parity" in parts else "", pd.DataFrame())
    for row in article.itertuples():
        verdict = "pass" if row.passed else "FAIL"
        if not row.expected:
            verdict = "FAIL: not found" if row.passed else "differs, as it must"
        told = _told(row.largest), row.nearest, row.tolerance
        rows.append((row.what, "article", row.dtype, None, *told, verdict))
    title = "Parity: the largest difference, and the one nearest to its tolerance, with that tolerance"
    return Table(title, columns, rows)


def _told(value: float) -> float | None:
    """A number that was recorded; older runs have no largest difference."""
    return None if pd.isna(value) else value


def _undecided(pairs: pd.DataFrame, protocol: str, dtype: str) -> str:
    """How many pairs, and how much of all, rounding alone moves too far to tell."""
    of = pairs[(pairs["protocol"] == protocol) & (pairs["dtype"] == dtype)]
    counts = of["verdict"].value_counts()
    words = {"undecidable": "undecidable", "parity in part": "in part"}
    told = "".join(f", {counts[verdict]} {word}" for verdict, word in words.items() if verdict in counts)
    decided, epochs = of["decided"].sum(), of["epochs"].sum()
    return told + (f", {decided} of {epochs} epochs decided" if decided < epochs else "")


def published(run: Run) -> Table:
    """The article's ten rows beside what is measured here."""
    names = ("published", "article", "without_the_bug", "keras")
    titles = ("published", "its recipe, here", "without the bug", "Keras")
    columns = (
        Column("epoch", "{:.0f}"),
        *(Column(title, LOSS_ACCURACY) for title in titles),
        Column("recipe - published", "{:.0e}"),
    )
    rows = [
        (
            row["epoch"],
            *((row[f"{name}_loss"], row[f"{name}_accuracy"]) for name in names),
            row["article_loss"] - row["published_loss"],
        )
        for _, row in run.tables["article_table"].iterrows()
    ]
    return Table("The article, reproduced: loss (accuracy)", columns, rows)


def speed(run: Run) -> Table:
    """How long a step of each side took, in the fastest of the matched runs."""
    told: dict[tuple[str, str], dict[str, float]] = {}
    for row in run.manifest["speed"]:
        told.setdefault((row["protocol"], row["dtype"]), {})[row["side"]] = row["microseconds"]
    rows = [(*case, of["scratch"], of["keras"], of["keras"] / of["scratch"]) for case, of in told.items()]
    columns = (Column("protocol"), Column("dtype"), Column("scratch", "{:.0f}"), Column("Keras", "{:.0f}"))
    title = f"Speed: microseconds a step, in the fastest matched run (Keras: {run.manifest['keras_training']})"
    return Table(title, (*columns, Column("Keras / scratch", "{:.1f}")), rows)


def depth(run: Run) -> Table:
    """The depth experiment: with and without the 10-unit layer, at the last published epoch."""
    frame = run.tables["article"]
    at = frame[frame["epoch"] == 180].set_index("network")["accuracy"]
    rows = [(name, at[name], at[f"{name} 6-8-3"]) for name in ("article", "without the bug")]
    columns = (Column("network"), Column("6-8-10-3", NUMBER), Column("6-8-3", NUMBER))
    return Table('"Leaving the 10-unit layer out lowers accuracy": measured at epoch 180, accuracy', columns, rows)


def unseeded(run: Run, every_test: bool = False) -> Table:
    """Each setting's verdict ("all"), and each outcome's difference with its interval and margin.

    The distance is that of both sides' distributions, at most. The tests of whole curves have no interval. They
    are told where they differ, or all.
    """
    columns = (
        Column("setting"),
        Column("outcome"),
        Column("difference", NUMBER),
        Column("90 % interval", "{0[0]:.4f} to {0[1]:.4f}"),
        Column("margin", NUMBER),
        Column("distance", "{:.3f}"),
        Column("verdict"),
    )
    rows: list[tuple[Any, ...]] = []
    tests: Any = run.tables["unseeded_tests"]
    for row in tests.itertuples():
        outcome = row.outcome.replace("_", " ")
        if outcome == "all":
            rows.append((row.setting, "all", None, None, None, None, row.verdict))
        elif pd.notna(row.difference):
            kept = row.verdict != "different" or row.p_adjusted <= row.alpha
            verdict = row.verdict if kept else "inconclusive (corrected)"
            apart = row.distance_bound if pd.notna(row.distance_bound) else None
            rows.append((row.setting, outcome, row.difference, (row.low, row.high), row.margin, apart, verdict))
        elif every_test or row.verdict == "different":
            verdict = f"{'different' if row.verdict == 'different' else 'none shown'} (p = {row.p_adjusted:.2g})"
            rows.append((row.setting, outcome, None, None, None, None, verdict))
    return Table("Unseeded: scratch less Keras", columns, rows, grouped=True)


def settings(run: Run) -> dict[str, dict[str, pd.DataFrame]]:
    """Return, by setting and side, the unseeded runs: loss and accuracy, (replicates x epochs) each."""
    table = run.tables["unseeded"]
    found: dict[str, dict[str, pd.DataFrame]] = {}
    for name, setting in run.manifest["settings"].items():
        found[name] = {}
        for side, (initializer, protocol) in sorted(setting.items()):
            of_side = table[(table["side"] == side) & (table["initializer"] == initializer)]
            of_side = of_side[of_side["protocol"] == protocol]
            found[name][side] = of_side.pivot(index="replicate", columns="epoch", values=["loss", "accuracy"])
    return found


def spread(runs: Any) -> NDArray[np.floating]:
    """Return the `QUANTILES` of a measure's runs at each epoch, of shape (5, epochs).

    Each is the value of a run. What is not finite counts as larger than all else: runs that diverge are the worst.
    """
    return runs.fillna(np.inf).quantile(list(QUANTILES), interpolation="nearest").to_numpy(np.float64)


def measures(table: pd.DataFrame) -> tuple[str, ...]:
    """Return what there is to show of `MEASURES`: of targets that are values, no accuracy, which is NaN."""
    return MEASURES if table["accuracy"].notna().to_numpy().any() else ("loss",)


def steps(run: Run, protocol: str) -> int:
    """Return how many steps an epoch of a protocol has."""
    n, batch_size = run.manifest["data"]["n"], run.manifest["protocols"][protocol]["batch_size"]
    return 1 if batch_size is None else -(-n // batch_size)


ROWS = ("data", "layers", "initializer")
COLUMNS = {"matched": ("batch_size", "dtype", "learning_rate", "seed"), "unseeded": ("batch_size", "learning_rate")}
SAID: dict[str, Callable[[Any], str]] = {
    "batch_size": batches,
    "learning_rate": "rate {:g}".format,
    "seed": "seed {}".format,
}


def said(name: str, value: Any) -> str:
    """Say one setting of a sweep's cell in words."""
    return SAID.get(name, str)(value)


def cell_in_words(cell: Any) -> str:
    """Say all settings of a sweep's cell, a row of its table."""
    return ", ".join(said(name, getattr(cell, name)) for name in (*ROWS, *COLUMNS["matched"]))
