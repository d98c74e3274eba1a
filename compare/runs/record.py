"""A run's folder, read back and checked. Everything that is drawn or told comes from it."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from compare.errors import InputError
from compare.phrases import visible
from compare.runs import tables

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
REPORT = "report.html"
WORK = "unfinished"  # in a partial folder: the plan of the run, its shards so far, and a lock


JUDGED = ("parity", "article_parity", "sweep")  # tables of comparisons


@dataclass(frozen=True)
class Run:
    """A finished run, read back.

    Attributes
    ----------
    folder : Path
    manifest : dict
    tables : dict of str to DataFrame
        By file name without its ending: every Parquet and CSV file of the folder.
    """

    folder: Path
    manifest: dict[str, Any]
    tables: dict[str, pd.DataFrame]

    def _repr_html_(self) -> str | None:
        """The run's report, for a notebook; None if it is gone."""
        report = self.folder / REPORT
        return framed(report.read_text(encoding="utf-8")) if report.is_file() else None


def framed(page: str) -> str:
    """Return a page in a frame of its own, for a notebook: neither's styles nor scripts reach the other."""
    return Markup(
        '<iframe sandbox="allow-scripts" style="width:100%;height:40rem;border:0" srcdoc="{}"></iframe>'
    ).format(page)


def read(folder: str | Path) -> Run:
    """Read a finished run.

    Parameters
    ----------
    folder : str or Path
        As `results/0001-run-20261123T101502Z`.

    Returns
    -------
    Run

    Raises
    ------
    InputError
        If it is not a run, damaged, unfinished, or of another schema.
    """
    folder = Path(folder)
    if folder.suffix == ".partial" or not (folder / MANIFEST).is_file():
        what = "no such folder" if not folder.exists() else f"no {MANIFEST} in it"
        if folder.suffix == ".partial":
            what = "a run that was not finished"
        raise InputError(f"`run` must be a finished run's folder. Received: {folder} ({what})")
    return load(folder)


def load(folder: Path) -> Run:
    """Read a run's folder, finished or about to be, against its manifest's checksums."""
    try:
        manifest = _visible(json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
        version, files = manifest["schema_version"], dict(manifest["files"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"`run` is damaged: its {MANIFEST} cannot be read. Received: {folder}; run it again") from None
    if version != SCHEMA_VERSION:
        fix = "update keras-parity" if isinstance(version, int) and version > SCHEMA_VERSION else "run it again"
        raise InputError(f"`run` has schema {version}, expected {SCHEMA_VERSION}. Received: {folder}; {fix}")
    for name, expected in files.items():
        path = folder / name
        if Path(name).name != name or not path.is_file() or sha256(path) != expected:
            what = "is not as it was written" if path.is_file() else "is missing"
            raise InputError(f"`run` is damaged: {name} {what}. Received: {folder}; run it again")
    found = {Path(name).stem: tables.read(folder / name) for name in files if name.endswith((".parquet", ".csv"))}
    return Run(folder, manifest, {name: _of_now(name, table) for name, table in found.items()})


def _of_now(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """A table with the columns of now: what was called the largest was the nearest to its tolerance."""
    if name not in JUDGED or "max_abs" not in table:
        return table
    return table.rename(columns={"max_abs": "nearest"}).assign(largest=np.nan)


def _visible(value: Any) -> Any:
    """Values whose texts show what they hold, and are safe to show."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, list):
        return [_visible(each) for each in value]
    return {visible(name): _visible(of) for name, of in value.items()} if isinstance(value, dict) else value


def sha256(path: Path) -> str:
    """Return a file's SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
