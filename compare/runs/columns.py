"""What a run's tables must hold to be read: every column that anything reads, declared once, and held to it."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
import pandas as pd
from msgspec import UNSET, convert, inspect

from compare.errors import InputError
from compare.runs.schema import (
    ClassRun,
    Conclusion,
    Count,
    Drawer,
    Dtype,
    Main,
    Name,
    PairVerdict,
    Positive,
    Ran,
    Side,
    SweepRun,
    Words,
)

Column = Any  # a type that msgspec knows
PAIR: dict[str, Column] = {"protocol": Name, "dtype": Dtype, "drawn_by": Drawer, "replicate": Count}
CURVE: dict[str, Column] = {"epoch": Count, "loss": float | None, "accuracy": float | None}
JUDGED: dict[str, Column] = {
    "largest": float | None,
    "nearest": float | None,
    "tolerance": float | None,
    "judged_by": Name | None,
}
# By the kind of a run: its tables, and of each the columns that are read.
TABLES: dict[str, dict[str, dict[str, Column]]] = {
    "run": {
        "trajectories": {**PAIR, "side": Side, **CURVE},
        "noise_floor": {**PAIR, **CURVE},
        "pairs": {**PAIR, "verdict": PairVerdict, "decided": Count, "epochs": Positive},
        "parity": {**PAIR, "what": Name, "passed": bool, **JUDGED},
        "unseeded": {"side": Side, "initializer": Name, "protocol": Name, "replicate": Count, **CURVE},
        "unseeded_tests": {
            "setting": Name,
            "outcome": Name,
            "verdict": Name | None,
            **dict.fromkeys(("difference", "low", "high", "margin", "distance_bound", "distance_margin"), float | None),
            **dict.fromkeys(("p_adjusted", "alpha", "power", "power_in_mean"), float | None),
            **dict.fromkeys(("replicates_80", "replicates_80_in_mean"), float | None),
        },
        "article": {"network": Name, **CURVE},
        "article_table": {
            "epoch": Count,
            **{
                f"{of}_{measure}": float
                for of in ("published", "article", "without_the_bug", "keras")
                for measure in ("loss", "accuracy")
            },
        },
        "article_parity": {"what": Name, "dtype": Dtype, "passed": bool, "expected": bool, **JUDGED},
    },
    "sweep": {
        "sweep": {
            "cell": Count,
            "mode": Literal["matched", "unseeded"],
            "verdict": PairVerdict | Conclusion | Literal["missing"],
            "data": Words,
            "layers": Name,
            "initializer": Name,
            "batch_size": Count,
            "learning_rate": float,
            "dtype": Dtype,
            "seed": Count,
        },
        "trajectories": {"cell": Count, "side": Side, "replicate": Count, **CURVE},
    },
    "class": {
        "class": {
            "number": Positive,
            **dict.fromkeys(("subject", "verdict", "headline"), Words),
            "passed": bool,
            **dict.fromkeys(("file", "function", "source", "cause", "run"), Words | None),
            "line": float | None,
            "seconds": float | None,
        },
    },
    "check": {
        "check": {
            "what": Words,
            "step": Count,
            "layer": float | None,
            "tensor": Name,
            "max_abs": float | None,
            "tolerance": float | None,
            "ratio": float | None,
            "passed": bool,
        },
        "code_map": {"file": Words, "line": Count, "name": Words, "quantity": Words, "factor": float | None},
    },
}
SHARD: dict[str, Column] = {"replicate": Count, "epoch": Count, "loss": float | None}


# A check that drove nothing has no rows, and a run of which nothing could be decided has compared nothing.
MAY_BE_EMPTY = ("check", "code_map", "parity")


def hold(found: Mapping[str, pd.DataFrame], ran: Ran) -> None:
    """Hold a run's tables to the columns that they declare; they may have others.

    Raises
    ------
    InputError
        If a table or a column is missing, or holds something else.
    """
    for part, (names, compared) in _parts(ran).items():
        missing = [name for name in names if name not in found]
        if compared and missing:
            raise InputError(f"the table {missing[0]} is missing")
        if not compared and len(missing) < len(names):
            raise InputError(f"the verdict of {part} is missing")
    for name, columns in TABLES.get(ran.kind, {}).items():
        if name in found:
            hold_one(name, found[name], columns)


def _parts(ran: Ran) -> dict[str, tuple[tuple[str, ...], bool]]:
    """The parts of a run: the tables of each, and whether it was compared."""
    if isinstance(ran, SweepRun):
        return {"sweep": (("sweep", "trajectories"), True)}
    if isinstance(ran, ClassRun):
        return {"class": (("class",), True)}
    if not isinstance(ran, Main):
        return {}
    found = ran.verdicts
    return {
        "matched": (("trajectories", "noise_floor", "pairs", "parity"), found.matched is not UNSET),
        "article": (("article", "article_table", "article_parity"), found.article is not UNSET),
        "unseeded": (("unseeded", "unseeded_tests"), bool(found.unseeded)),
    }


def hold_one(name: str, frame: pd.DataFrame, columns: Mapping[str, Column]) -> None:
    """Hold one table to its columns.

    Raises
    ------
    InputError
        If it is empty, or a column is missing or holds something else.
    """
    if frame.empty and name not in MAY_BE_EMPTY:
        raise InputError(f"the table {name} is empty")
    for column, kind in columns.items():
        if column not in frame:
            raise InputError(f"the table {name} has no column {column}")
        try:
            convert(_told(frame[column]), list[kind])  # type: ignore[valid-type]
        except msgspec.ValidationError as error:
            what = str(error).partition(" - at")[0]
            raise InputError(f"the table {name} holds something else in its column {column}: {what}") from None


def texts(kind: str, name: str) -> list[str]:
    """Return a table's columns of text: in a CSV file a text may look like a number."""
    return [column for column, of in TABLES.get(kind, {}).get(name, {}).items() if _is_text(inspect.type_info(of))]


def _is_text(of: inspect.Type) -> bool:
    if isinstance(of, inspect.UnionType):
        return any(map(_is_text, of.types))
    return isinstance(of, inspect.StrType | inspect.LiteralType)


def _told(column: pd.Series) -> list[Any]:
    """What is to be known of a column: of numbers, a million perhaps, the ends; of others each value once."""
    there: Any = column.dropna()
    numbers = pd.api.types.is_numeric_dtype(there.dtype) and not pd.api.types.is_bool_dtype(there.dtype)
    told = (there.min(), there.max()) if numbers and len(there) else there.unique()
    return [*(each.item() if hasattr(each, "item") else each for each in told), *([None] if column.hasnans else [])]
