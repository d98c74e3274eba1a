"""A run's folder on disk: written whole or not at all, read back checked. Everything that is drawn is drawn from it."""

import datetime
import errno
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock, Timeout
from markupsafe import Markup

from compare.errors import InputError
from compare.runs.provenance import versions
from compare.runs.shards import Shards

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
WORK = "unfinished"  # in a partial folder: the plan of the run, its shards so far, and a lock
# What the system says where a folder has no room or must not be written to.
UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EFBIG}


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


class Recorder:
    """Writes a run's files into its partial folder."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder = folder
        self.kind = kind
        self.manifest: dict[str, Any] = {}
        self.shards = Shards(folder / WORK)

    def begin(self, config: dict[str, Any], data: dict[str, str]) -> None:
        """Write down what the run is, so that it can go on if it is interrupted; one that goes on must be the same.

        `config` are the settings, which `interrupted` gives back; `data` the checksum of each data set.

        Raises
        ------
        InputError
            If the run that goes on had other data or other versions of the packages.
        """
        plan = {"schema_version": SCHEMA_VERSION, "kind": self.kind, "config": config, "data": data} | versions()
        path = self.folder / WORK / "plan.json"
        if path.exists():
            before = json.loads(path.read_text(encoding="utf-8"))
            for name, now in json.loads(json.dumps(plan)).items():
                if before.get(name) != now:
                    raise InputError(
                        f"`resume` must be a run with the {name} of now. Received: {self.folder}, "
                        f"with {before.get(name)}, now {now}; run it again"
                    )
        unfinished = path.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(plan, indent=2) + "\n", encoding="utf-8")
        unfinished.replace(path)

    def table(self, name: str, frame: pd.DataFrame) -> None:
        """Write a table: `NAME.parquet`, or `NAME.csv`, as the name says."""
        path = self.folder / name
        if path.suffix == ".parquet":
            frame.to_parquet(path, index=False)
        else:
            frame.to_csv(path, index=False, lineterminator="\n")

    def read(self) -> Run:
        """Read back what `finish` has written, as `read` does a finished run."""
        return _read(self.folder)

    def finish(self, status: str = "complete") -> None:
        """Write the manifest, with the checksum of every file."""
        files = [path for path in sorted(self.folder.iterdir()) if path.is_file() and path.name != MANIFEST]
        whole = {"schema_version": SCHEMA_VERSION, "status": status, **self.manifest}
        whole["files"] = {path.name: sha256(path) for path in files}
        text = json.dumps(whole, indent=2, allow_nan=False) + "\n"
        (self.folder / MANIFEST).write_text(text, encoding="utf-8")


@contextmanager
def recording(out: Path, kind: str, resume: Path | None = None) -> Iterator[Recorder]:
    """Make a new run's folder: `<out>/<number>-<kind>-<UTC time>`, `.partial` until the block ends well.

    If it does not, the partial folder stays only if it has shards to go on with; a note on the exception says how.

    Parameters
    ----------
    out : Path
    kind : str
        The command that makes such runs.
    resume : Path, optional
        The partial folder of an interrupted run to go on with instead.

    Raises
    ------
    InputError
        If the folder cannot be made or written to, or another process works in it.
    """
    made = [path for path in (out, *out.parents) if not path.exists()] if resume is None else []
    try:
        partial = _new_folder(out, kind) if resume is None else resume
        (partial / WORK).mkdir(exist_ok=True)
        lock = FileLock(partial / WORK / "lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise InputError(
            f"`resume` must be a run that no process works on. Received: {resume}; let that one end, or end it"
        ) from None
    except OSError as error:
        raise _unwritable(out if resume is None else resume, error) from None
    recorder = Recorder(partial, kind)
    try:
        yield recorder
        recorder.finish()
    except BaseException as error:
        lock.release()
        if recorder.shards or resume is not None:
            error.add_note(f"what is finished is kept: keras-parity {kind} --resume {partial}")
        else:
            shutil.rmtree(partial, ignore_errors=True)
            for path in made:
                if path.is_dir() and not any(path.iterdir()):
                    path.rmdir()
        if isinstance(error, OSError) and error.errno in UNWRITABLE:
            refused = _unwritable(partial, error)
            refused.__notes__ = error.__notes__ if hasattr(error, "__notes__") else []
            raise refused from None
        raise
    lock.release()
    shutil.rmtree(partial.rename(finished(recorder)) / WORK)


def _unwritable(folder: Path, error: OSError) -> InputError:
    return InputError(
        "`out` must be a folder that can be written to. "
        f"Received: {folder} ({error.strerror or error}); name another with --out, or make room"
    )


def interrupted(folder: Path, kind: str) -> dict[str, Any]:
    """Return the settings of a run that was interrupted.

    Raises
    ------
    InputError
        If it is not one of this kind.
    """
    what = "no such folder" if not folder.is_dir() else "finished" if (folder / MANIFEST).is_file() else "not a run"
    if folder.is_dir() and folder.suffix == ".partial":
        what = "nothing to go on with"
    try:
        plan = json.loads((folder / WORK / "plan.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        plan = None
    if plan is None or folder.suffix != ".partial":
        raise InputError(f"`resume` must be an interrupted run's folder, *.partial. Received: {folder} ({what})")
    if plan["kind"] != kind:
        raise InputError(
            f"`resume` must be an interrupted {kind}. Received: {folder}; use keras-parity {plan['kind']} --resume"
        )
    return {name: tuple(value) if isinstance(value, list) else value for name, value in plan["config"].items()}


def finished(recorder: Recorder) -> Path:
    """Return the folder that the run has once it is complete."""
    return recorder.folder.with_suffix("")


def _new_folder(out: Path, kind: str) -> Path:
    """Make the next free number's folder; another run that takes it first makes us take the one after."""
    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    out.mkdir(parents=True, exist_ok=True)
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
    if folder.suffix == ".partial" or not (folder / MANIFEST).is_file():
        what = "no such folder" if not folder.exists() else f"no {MANIFEST} in it"
        if folder.suffix == ".partial":
            what = "a run that was not finished"
        raise InputError(f"`run` must be a finished run's folder. Received: {folder} ({what})")
    return _read(folder)


def _read(folder: Path) -> Run:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
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
    tables = {Path(name).stem: _table(folder / name) for name in files if name.endswith((".parquet", ".csv"))}
    return Run(folder, manifest, tables)


def _table(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)


def sha256(path: Path) -> str:
    """Return a file's SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


REPORT = "report.html"
