"""A run's folder on disk: written whole or not at all, read back checked. Everything that is drawn is drawn from it."""

import datetime
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from compare import __version__
from compare.errors import InputError

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"


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


class Recorder:
    """Writes a run's files into its partial folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest: dict[str, Any] = {}

    def table(self, name: str, frame: pd.DataFrame) -> None:
        """Write a table: `NAME.parquet`, or `NAME.csv`, as the name says."""
        path = self.folder / name
        if path.suffix == ".parquet":
            frame.to_parquet(path, index=False)
        else:
            frame.to_csv(path, index=False, lineterminator="\n")

    def finish(self, status: str = "complete") -> None:
        """Write the manifest, with the checksum of every file."""
        files = {path.name: sha256(path) for path in sorted(self.folder.iterdir()) if path.name != MANIFEST}
        whole = {"schema_version": SCHEMA_VERSION, "status": status, **self.manifest, "files": files}
        text = json.dumps(whole, indent=2, allow_nan=False) + "\n"
        (self.folder / MANIFEST).write_text(text, encoding="utf-8")


@contextmanager
def recording(out: Path, kind: str) -> Iterator[Recorder]:
    """Make a new run's folder: `<out>/<number>-<kind>-<UTC time>`, `.partial` until the block ends well.

    If it does not, nothing stays behind.

    Raises
    ------
    InputError
        If the output folder cannot be made or written to.
    """
    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    made = [path for path in (out, *out.parents) if not path.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        partial = _new_folder(out, kind, stamp)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"`out` must be a folder that can be written to. Received: {out} ({reason}); name another with --out"
        ) from None
    try:
        recorder = Recorder(partial)
        yield recorder
        recorder.finish()
        partial.rename(partial.with_suffix(""))
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        for path in made:
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()
        raise


def finished(recorder: Recorder) -> Path:
    """Return the folder that the run has once it is complete."""
    return recorder.folder.with_suffix("")


def _new_folder(out: Path, kind: str, stamp: str) -> Path:
    """Make the next free number's folder; another run that takes it first makes us take the one after."""
    while True:
        numbers = [int(match[1]) for path in out.iterdir() if (match := re.match(r"(\d{4,})-", path.name))]
        partial = out / f"{max(numbers, default=0) + 1:04d}-{kind}-{stamp}.partial"
        try:
            partial.mkdir()
            return partial
        except FileExistsError:
            continue


def read(folder: Path) -> Run:
    """Read a finished run.

    Raises
    ------
    InputError
        If it is not a run, damaged, unfinished, or of another schema.
    """
    if not folder.is_dir() or not (folder / MANIFEST).is_file():
        what = "no such folder" if not folder.exists() else f"no {MANIFEST} in it"
        if folder.suffix == ".partial":
            what = "a run that was not finished"
        raise InputError(f"`run` must be a finished run's folder. Received: {folder} ({what})")
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        version, files = manifest["schema_version"], dict(manifest["files"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(
            f"`run` is damaged: its {MANIFEST} cannot be read. Received: {folder}; run it again"
        ) from None
    if version != SCHEMA_VERSION:
        fix = (
            "update keras-parity" if isinstance(version, int) and version > SCHEMA_VERSION else "run it again"
        )
        raise InputError(f"`run` has schema {version}, expected {SCHEMA_VERSION}. Received: {folder}; {fix}")
    for name, expected in files.items():
        path = folder / name
        if Path(name).name != name or not path.is_file() or sha256(path) != expected:
            what = "is not as it was written" if path.is_file() else "is missing"
            raise InputError(f"`run` is damaged: {name} {what}. Received: {folder}; run it again")
    tables = {Path(name).stem: _table(folder / name) for name in files if name.endswith((".parquet", ".csv"))}
    return Run(folder, manifest, tables)


def _table(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)


def sha256(path: Path) -> str:
    """Return a file's SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def environment() -> dict[str, Any]:
    """Return what the numbers may depend on: versions, platform, processor, threads. No host name."""
    packages = ("numpy", "scipy", "pandas", "scikit-learn", "tensorflow", "keras", "matplotlib")
    return {
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in packages},
        "platform": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu(),
        "threads": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def code() -> dict[str, Any]:
    """Return which code ran: the version, and the commit where it runs from a checkout."""
    version = __version__
    root = Path(__file__).parent.parent
    if not (root / ".git").exists():
        return {"version": version, "commit": None, "dirty": None}
    commit = _git(root, "rev-parse", "HEAD")
    return {
        "version": version,
        "commit": commit,
        "dirty": bool(_git(root, "status", "--porcelain")) if commit else None,
    }


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
