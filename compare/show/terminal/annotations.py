"""A check's wrong lines as annotations of a CI service, which shows them beside the lines of a change."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from compare.phrases import short, visible

# What would end a message, or a property, is written as its number.
IN_MESSAGE = "%\r\n"
IN_PROPERTY = IN_MESSAGE + ":,"


def github(report: Mapping[str, Any], subject: Path) -> list[str]:
    """Return a check's findings as GitHub's workflow commands, a line each.

    Told are the guilty lines as errors and what goes wrong in extreme situations alone as warnings; where no line can
    be told, the verdict, at the subject's file. Paths are as GitHub wants them, from the top of the repository.

    Parameters
    ----------
    report : mapping
        A check's report, as `Report.to_json` gives it.
    subject : Path
        The file that was checked.
    """
    warning = "error" if report["strict"] else "warning"
    lines = [("error", each) for each in report["guilty"]] + [(warning, each) for each in report["warned"]]
    verdict = "error" if not report["passed"] else "warning" if report["warnings"] else None
    title = short(f"keras-parity: {report['headline']}", 250)
    told = [
        _command(
            level,
            f"{each['source']}: {each['says']}",
            {"file": _from_the_top(each["file"]), "line": each["first"], "endLine": each["last"], "title": title},
        )
        for level, each in lines
    ]
    if verdict not in (None, *(level for level, _ in lines)):
        told.insert(0, _command(str(verdict), report["headline"], {"file": _from_the_top(subject), "title": title}))
    return told


def _command(level: str, message: str, properties: Mapping[str, Any]) -> str:
    told = ",".join(f"{name}={_escaped(str(value), IN_PROPERTY)}" for name, value in properties.items())
    return f"::{level} {told}::{_escaped(message, IN_MESSAGE)}"


def _escaped(text: str, special: str) -> str:
    return visible("".join(f"%{ord(each):02X}" if each in special else each for each in text))


def _from_the_top(file: str | Path) -> str:
    """A path from the top of the repository, where the command may have been given from below; else as it is."""
    top, path = Path(os.environ.get("GITHUB_WORKSPACE", "")).resolve(), Path(file).resolve()
    return (path.relative_to(top) if path.is_relative_to(top) else path).as_posix()
