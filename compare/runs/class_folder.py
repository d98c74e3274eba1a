"""What is finished of a class: each check a run's folder in the folder of the class, as soon as it is there."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from compare.runs import whole
from compare.runs.manifests import MANIFEST
from compare.runs.recorder import folder_name
from compare.runs.submissions import Submission, not_checked, submission


class Reports(dict[str, pd.DataFrame]):
    """The finished checks of a class by the names of their shards, as the engine puts them in.

    Parameters
    ----------
    subjects : sequence of str
    folder : Path, optional
        Where the folder of each check comes; None for nowhere.

    Attributes
    ----------
    rows : dict of int to Submission
        By number, from 1.
    told : dict of int to dict
        The reports of those that were checked, in plain values.
    data : dict or None
        What the manifests say of the data.
    """

    def __init__(self, subjects: Sequence[str], folder: Path | None) -> None:
        super().__init__()
        self.subjects, self.folder = subjects, folder
        self.rows: dict[int, Submission] = {}
        self.told: dict[int, dict[str, Any]] = {}
        self.data: dict[str, Any] | None = None

    @staticmethod
    def name(number: int) -> str:
        """The name of a subject's shard."""
        return f"check-{number:05d}"

    def __setitem__(self, name: str, table: pd.DataFrame) -> None:
        """Take the files of a check: on the disk they go at once, a row of them stays."""
        number = int(name.rpartition("-")[2])
        files = dict(zip(table["file"], table["content"], strict=True))
        subject, refused = self.subjects[number - 1], table["refused"].iloc[0]
        if refused is not None:
            self.rows[number] = not_checked(number, subject, refused)
        else:
            manifest = json.loads(files[MANIFEST])
            self.data, self.told[number] = manifest["data"], manifest["report"]
            run = "" if self.folder is None else self._write(self.folder, number, files)
            self.rows[number] = submission(number, subject, manifest["report"], float(table["seconds"].iloc[0]), run)
        super().__setitem__(name, table.drop(columns="content"))

    def _write(self, out: Path, number: int, files: dict[str, bytes]) -> str:
        """Write a check's folder, its manifest last; return its name."""
        folder = out / folder_name(number, "check")
        folder.mkdir()
        for name in sorted(files, key=lambda name: name == MANIFEST):
            whole.write(folder / name, files[name])
        return folder.name

    def all(self, failed: dict[str, str]) -> list[Submission]:
        """Return a row for every subject, in their order.

        Parameters
        ----------
        failed : dict of str to str
            By the names of their shards, the tracebacks of checks that failed; what else is not there was interrupted.
        """
        found = []
        for number, subject in enumerate(self.subjects, 1):
            trace = failed.get(self.name(number))
            why = "interrupted" if trace is None else f"the check failed: {trace.strip().splitlines()[-1]}"
            found.append(self.rows.get(number) or not_checked(number, subject, why))
        return found


def as_table(rows: Iterable[Submission]) -> pd.DataFrame:
    """Return the rows of a class as its table."""
    return pd.DataFrame([vars(row) for row in rows]).astype({"line": "Int64"})
