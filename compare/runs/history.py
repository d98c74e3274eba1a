"""Past runs, from their manifests alone: what there is, and what changed from one to another."""

import datetime
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from compare.errors import InputError
from compare.runs import findings
from compare.runs.record import MANIFEST, SCHEMA_VERSION, WORK, Run

NAME = re.compile(r"(?P<number>\d{4,})-(?P<kind>\w+)-(?P<started>\d{8}T\d{6}Z)(?P<partial>\.partial)?")
# What two runs are compared by; files and seeds follow from these.
SECTIONS = {
    "configuration": ("config", "subject"),
    "data": ("data",),
    "versions": ("code", "env"),
    "verdicts": ("verdicts", "missing"),
}


@dataclass(frozen=True)
class Entry:
    """One run.

    Attributes
    ----------
    number : int
    folder : str
    started : str
        ISO 8601, UTC.
    kind : str
        The command that made it.
    status : {"complete", "interrupted", "damaged"}
    data : str
    state : {"yes", "no", "open"}
    verdict : str
    command : str
    """

    number: int
    folder: str
    started: str
    kind: str
    status: str
    data: str
    state: str
    verdict: str
    command: str


def entries(out: Path) -> list[Entry]:
    """Return every run in a folder of runs, in the order of their numbers; other folders are none of ours.

    Raises
    ------
    InputError
        If there is no such folder.
    """
    if not out.is_dir():
        raise InputError(f"`out` must be a folder of runs. Received: {out} (no such folder)")
    found = [_entry(path, match) for path in out.iterdir() if (match := NAME.fullmatch(path.name)) and path.is_dir()]
    return sorted(found, key=lambda entry: (entry.number, entry.started))


def _entry(folder: Path, match: re.Match[str]) -> Entry:
    started = datetime.datetime.strptime(match["started"], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
    empty = Entry(int(match["number"]), str(folder), started.isoformat(), match["kind"], "damaged", "", "open", "", "")
    if match["partial"]:
        kept = len(list((folder / WORK).glob("*.parquet")))
        told = f"{kept} shards kept; go on with --resume" if kept else "nothing kept"
        return replace(empty, status="interrupted", verdict=told)
    try:
        manifest = manifest_of(folder)
        shown = manifest["run"] if manifest["kind"] == "report" else manifest
        verdict = findings.verdict(Run(folder, shown, {}))
        return replace(
            empty,
            kind=manifest["kind"],
            status=manifest["status"],
            data=data_of(shown),
            state=verdict.state,
            verdict=verdict.words,
            command=manifest["command"],
        )
    except InputError as error:
        return replace(empty, verdict=str(error))
    except (KeyError, TypeError):
        return replace(empty, verdict=f"its {MANIFEST} is incomplete")


def manifest_of(folder: Path) -> dict[str, Any]:
    """Read a manifest, and nothing else of the run.

    Raises
    ------
    InputError
        If it cannot be read, or has another schema.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        version = manifest["schema_version"]
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"`run` must have a {MANIFEST} that can be read. Received: {folder}") from None
    if version != SCHEMA_VERSION:
        raise InputError(f"`run` has schema {version}, expected {SCHEMA_VERSION}. Received: {folder}")
    return dict(manifest)


def data_of(manifest: dict[str, Any]) -> str:
    """Return the name of a run's data, or the names."""
    data = manifest["data"]
    return str(data["name"]) if isinstance(data, dict) else ", ".join(each["name"] for each in data)


def find(run: str, out: Path) -> Path:
    """Return the folder of a run that is named by its folder or by its number.

    Raises
    ------
    InputError
        If there is none, or more than one.
    """
    if Path(run).is_dir():
        return Path(run)
    numbered = [Path(entry.folder) for entry in entries(out) if run.isdecimal() and entry.number == int(run)]
    if len(numbered) == 1:
        return numbered[0]
    what = f"{len(numbered)} of that number" if numbered else "no such run"
    raise InputError(
        f"`run` must be a run's folder, or its number. Received: {run} ({what} in {out}); see keras-parity list"
    )


def changes(one: dict[str, Any], other: dict[str, Any]) -> dict[str, list[tuple[str, Any, Any]]]:
    """Return what differs between two manifests: by section, each value's name and both values, None if not there."""
    found = {}
    for section, keys in SECTIONS.items():
        before, after = (_flat({key: manifest.get(key) for key in keys}) for manifest in (one, other))
        names = dict.fromkeys([*before, *after])
        found[section] = [
            (name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)
        ]
    return found


def _flat(values: Any, name: str = "") -> dict[str, Any]:
    """Nested dicts as one, names joined by dots; the section's own key is left out."""
    if not isinstance(values, dict):
        return {name: values}
    inner: dict[str, Any] = {}
    for key, value in values.items():
        inside = "" if not name and isinstance(value, dict) and key in ("config", "env", "code", "verdicts") else key
        inner |= _flat(value, f"{name}.{inside}".strip("."))
    return inner
