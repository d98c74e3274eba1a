"""Past runs, from their manifests alone: what there is, and what changed from one to another."""

import datetime
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from compare.errors import InputError
from compare.runs import manifests
from compare.runs.manifests import WORK
from compare.runs.verdict import verdict

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
    named = ((path, NAME.fullmatch(path.name)) for path in out.iterdir())
    found = [_entry(path, match) for path, match in named if match and path.is_dir() and _time(match)]
    return sorted(found, key=lambda entry: (entry.number, entry.started))


def _entry(folder: Path, match: re.Match[str]) -> Entry:
    empty = Entry(int(match["number"]), str(folder), _time(match), match["kind"], "damaged", "", "open", "", "")
    if match["partial"]:
        kept = len(list((folder / WORK).glob("*.parquet")))
        told = f"{kept} shards kept; go on with --resume" if kept else "nothing kept"
        return replace(empty, status="interrupted", verdict=told)
    try:
        manifest, _ = manifests.read(folder)
        shown = manifest["run"] if manifest["kind"] == "report" else manifest
        found = verdict(shown, {})
        return replace(
            empty,
            kind=manifest["kind"],
            status=manifest["status"],
            data=data_of(shown),
            state=found.state,
            verdict=found.words,
            command=manifest["command"],
        )
    except InputError as error:
        return replace(empty, verdict=str(error))


def _time(match: re.Match[str]) -> str:
    """When a run began, in ISO 8601; "" if its name tells no time, and so is none of ours."""
    try:
        return datetime.datetime.fromisoformat(match["started"]).isoformat()
    except ValueError:
        return ""


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
