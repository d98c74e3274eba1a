import re
from pathlib import Path

import pytest

from compare.show.terminal.annotations import github

LINE = {"file": "net.py", "first": 3, "last": 4, "source": "dZ / m", "says": "`m` is 100 %, not the batch\nsize"}


def report(**changes):
    told = {"headline": "NOT PARITY: it trains wrongly", "passed": False, "strict": False}
    return {**told, "warnings": [], "guilty": [], "warned": [], **changes}


@pytest.fixture(autouse=True)
def top(tmp_path, monkeypatch):
    """A repository in which the command is given from a folder."""
    (tmp_path / "nets").mkdir()
    monkeypatch.chdir(tmp_path / "nets")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    return tmp_path


def told(made):
    """Level, properties and message of a command, read back as GitHub does."""
    found = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", made)
    assert found is not None, made
    properties = dict(each.split("=", 1) for each in found[2].split(","))
    for code, character in (("%3A", ":"), ("%2C", ","), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        properties = {name: value.replace(code, character) for name, value in properties.items()}
    return found[1], properties, found[3].replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")


def test_a_guilty_line_is_an_error_at_its_place_from_the_top_of_the_repository():
    (made,) = github(report(guilty=[LINE]), Path("net.py"))
    level, properties, message = told(made)
    assert level == "error"
    assert properties == {
        "file": "nets/net.py", "line": "3", "endLine": "4", "title": "keras-parity: NOT PARITY: it trains wrongly",
    }  # fmt: skip
    assert message == "dZ / m: `m` is 100 %, not the batch\nsize"
    assert "\n" not in made, "a command is one line"


def test_a_name_cannot_end_its_property_nor_begin_another_command(top):
    hostile = {**LINE, "file": "a,line=1::b%\n::error.py", "says": "\r\n::add-mask::x\x1b[31m"}
    (made,) = github(report(guilty=[hostile]), Path("net.py"))
    level, properties, _ = told(made)
    assert (level, properties["file"]) == ("error", "nets/a,line=1::b%\n::error.py")
    assert made.splitlines() == [made]
    assert "\x1b" not in made


def test_a_file_elsewhere_keeps_its_path(tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "net.py"
    (made,) = github(report(guilty=[{**LINE, "file": str(elsewhere)}]), elsewhere)
    assert told(made)[1]["file"] == elsewhere.as_posix()


@pytest.mark.parametrize(("strict", "level"), [(False, "warning"), (True, "error")])
def test_a_line_of_an_extreme_situation_is_a_warning_unless_that_fails_the_check(strict, level):
    found = report(passed=not strict, strict=strict, warned=[LINE], warnings=[{"words": "it overflows"}])
    assert [told(each)[0] for each in github(found, Path("net.py"))] == [level]


def test_where_no_line_is_told_the_file_is():
    for found, level in ((report(), "error"), (report(passed=True, warnings=[{}]), "warning")):
        (made,) = github(found, Path("net.py"))
        assert told(made)[0] == level
        assert set(told(made)[1]) == {"file", "title"}


def test_a_warned_line_does_not_stand_for_the_failure():
    assert [told(each)[0] for each in github(report(warned=[LINE]), Path("net.py"))] == ["error", "warning"]


def test_parity_has_nothing_to_annotate():
    assert github(report(passed=True), Path("net.py")) == []
