"""What was found of several networks as JUnit XML, which services of continuous integration show: a test case each."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from compare.phrases import parted, visible
from compare.runs import whole
from compare.runs.submissions import WITHOUT, Submission


def write(path: Path, rows: Sequence[Submission]) -> None:
    """Write the file, whole or not at all."""
    cases = [_case(row) for row in rows]
    suite = Element(
        "testsuite",
        name="keras-parity",
        tests=str(len(rows)),
        failures=str(sum(case.find("failure") is not None for case in cases)),
        errors=str(sum(case.find("error") is not None for case in cases)),
        time=f"{sum(row.seconds or 0 for row in rows):.3f}",
    )
    suite.extend(cases)
    root = Element("testsuites")
    root.append(suite)
    indent(root)
    whole.write(path, tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")


def _case(row: Submission) -> Element:
    """The test case of a network: its file and name, its time, and what is wrong with it."""
    file, name = map(visible, parted(row.subject))
    case = Element("testcase", classname=file, name=name or Path(file).name, file=file, time=f"{row.seconds or 0:.3f}")
    if row.passed:
        return case
    place = "" if row.line is None else f"; {row.file}:{row.line}: {row.source}"
    # What has no verdict is an error; what has one that is not parity is a failure.
    kind = "error" if row.verdict in WITHOUT else "failure"
    found = SubElement(case, kind, type=visible(row.verdict), message=visible(f"{row.headline}{place}"))
    if row.line is not None:
        case.set("line", str(row.line))
    found.text = visible("\n".join(filter(None, [row.headline, place.removeprefix("; "), row.cause])))
    return case
