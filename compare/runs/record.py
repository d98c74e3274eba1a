"""A run's folder, read back and checked. Everything that is drawn or told comes from it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from compare.errors import InputError
from compare.phrases import all_visible
from compare.runs import columns, manifests, tables
from compare.runs.manifests import MANIFEST

REPORT = "report.html"
FITTING = (
    "window.addEventListener('message', ({source, data}) => {"
    " if (source === this.contentWindow) this.style.height = `${Number(data.height)}px`;"
    " });"
    " this.contentWindow.postMessage('height?', '*');"
)

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
    """Return a page in a frame of its own, for a notebook: neither's styles nor scripts reach the other.

    The frame takes the height that the page says it has; where a notebook runs no scripts, it scrolls.
    """
    return Markup(
        '<iframe sandbox="allow-scripts" style="width:100%;height:40rem;border:0" srcdoc="{}" onload="{}"></iframe>'
    ).format(page, FITTING)


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
    """Read a run's folder, finished or about to be, against its manifest's checksums and what its files declare."""
    manifest, ran = manifests.read(folder)
    for name, expected in ran.files.items():
        path = folder / name
        if Path(name).name != name or not path.is_file() or sha256(path) != expected:
            what = "is not as it was written" if path.is_file() else "is missing"
            raise manifests.damaged(folder, f"{name} {what}")
    try:
        found = {
            Path(name).stem: tables.read(folder / name, columns.texts(ran.kind, Path(name).stem))
            for name in ran.files
            if name.endswith(tables.ENDINGS)
        }
        found = {name: _of_now(name, table) for name, table in found.items()}
        columns.hold(found, ran)
    except InputError as error:
        raise manifests.damaged(folder, str(error)) from None
    return Run(folder, all_visible(manifest), found)


def _of_now(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """A table with the columns of now: what was called the largest was the nearest to its tolerance."""
    if name not in JUDGED or "max_abs" not in table:
        return table
    return table.rename(columns={"max_abs": "nearest"}).assign(largest=np.nan)


def sha256(path: Path) -> str:
    """Return a file's SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
