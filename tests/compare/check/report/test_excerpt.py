from types import SimpleNamespace
from typing import Any

from compare.check.lines.lines import Guilty, Lines
from compare.check.report.excerpt import excerpt

SOURCE = "\n".join(f"line = {number}" for number in range(1, 31))


def of(*guilty, sources=(("net.py", SOURCE),)):
    lines = Lines(guilty, sources=sources)
    report: Any = SimpleNamespace(guilty=lines.guilty, lines=lines)
    return excerpt(report)


def at(first, last=None, file="net.py"):
    return Guilty(file, first, last or first, "Net.step", f"line = {first}", "it is wrong")


def test_a_line_is_marked_amid_those_around_it():
    assert of(at(10)).splitlines() == [
        "net.py:10",
        "   8  line = 8",
        "   9  line = 9",
        "> 10  line = 10",
        "  11  line = 11",
        "  12  line = 12",
    ]


def test_lines_of_one_file_share_an_excerpt_that_leads_to_the_likeliest():
    told = of(at(20), at(9, 10)).splitlines()
    assert told[0] == "net.py:20"
    assert [line for line in told if line.startswith(">")] == [">  9  line = 9", "> 10  line = 10", "> 20  line = 20"]
    assert told.count("  ...") == 1


def test_each_file_has_its_own():
    told = of(at(1), at(2, file="other.py"), sources=(("net.py", SOURCE), ("other.py", "a\nb\x1b[2J")))
    assert told == "net.py:1\n> 1  line = 1\n  2  line = 2\n  3  line = 3\n\nother.py:2\n  1  a\n> 2  b\\x1b[2J"


def test_without_lines_or_their_text_there_is_none():
    assert of() == of(at(1), sources=()) == ""
