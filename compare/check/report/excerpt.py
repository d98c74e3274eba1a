"""The guilty lines as they stand in their files, with what is around them: what a failing test shows."""

from collections.abc import Sequence

from compare.check.report.verdict import Outcome
from compare.check.report.words import shown
from compare.phrases import visible

AROUND = 2  # lines before and after
MOST = 5  # guilty lines shown, the likeliest


def excerpt(report: Outcome) -> str:
    """Return the guilty lines, marked as pytest marks a line that failed, file by file; "" where none is told."""
    sources = dict(report.lines.sources)
    marked: dict[str, list[int]] = {}
    for each in report.guilty[:MOST]:
        marked.setdefault(each.file, []).extend(range(each.first, each.last + 1))
    return "\n\n".join(_of_file(file, sources[file], lines) for file, lines in marked.items() if file in sources)


def _of_file(file: str, source: str, marked: Sequence[int]) -> str:
    """The lines around those marked; the first of these, the likeliest, is where the excerpt leads."""
    lines = source.splitlines()
    near = {near for line in marked for near in range(line - AROUND, line + AROUND + 1) if 1 <= near <= len(lines)}
    width = len(str(max(near)))
    told = [f"{shown(file)}:{marked[0]}"]
    for line in sorted(near):
        if line - 1 not in near and len(told) > 1:
            told.append("  ...")
        told.append(visible(f"{'>' if line in marked else ' '} {line:{width}}  {lines[line - 1]}").rstrip())
    return "\n".join(told)
