"""The rows of a class: what each says of a check, what all of them come to, and JUnit's view of them."""

from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest

from compare.runs import junit
from compare.runs.submissions import class_verdict, not_checked, submission

LINE = {"file": "in/ben/net.py", "first": 24, "last": 24, "function": "step", "source": "dZ.mean(axis=0)"}
RIGHT: dict[str, Any] = {
    "verdict": "parity",
    "passed": True,
    "headline": "PARITY: bit-equal",
    "refusal": None,
    "kind": None,
    "divergence": None,
    "guilty": [],
    "warnings": [],
    "diagnosis": [],
    "trainings": [],
}
WRONG = RIGHT | {"verdict": "training wrong", "passed": False, "headline": "NOT PARITY", "divergence": {"step": 0}}
WARNED = {"warnings": [{"words": "the loss overflows"}]}


def row(report, number=1):
    return submission(number, f"in/{number}/net.py:Net", report, 1.5, "0001-check")


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({}, "unknown"),
        ({"refusal": "it takes too long"}, "it takes too long"),
        ({"kind": "no biases"}, "no biases"),
        (
            {"diagnosis": [{"causes": [{"name": "L2 penalty"}, {"name": "a layer frozen"}]}]},
            "L2 penalty and a layer frozen",
        ),
        ({"diagnosis": [], "trainings": [{"causes": [["not shuffled as given"]]}]}, "not shuffled as given"),
        (WARNED, "unknown"),
        ({"divergence": None, **WARNED}, "the loss overflows"),
    ],
)
def test_a_row_tells_the_cause(changes, cause):
    assert row(WRONG | changes).cause == cause


def test_a_row_tells_the_first_guilty_line_and_what_is_warned_of():
    found = row(WRONG | {"guilty": [LINE, LINE | {"first": 30}]})
    assert (found.file, found.line, found.function, found.source) == ("in/ben/net.py", 24, "step", "dZ.mean(axis=0)")
    assert row(RIGHT | WARNED).verdict == "parity, with 1 warning"
    assert row(WRONG | WARNED).verdict == "training wrong"
    assert (row(RIGHT).line, row(RIGHT).cause) == (None, "")


def test_the_verdict_on_a_class():
    right, wrong, gone = row(RIGHT), row(WRONG, 2), not_checked(3, "c.py:Net", "interrupted")
    undriven = replace(wrong, verdict="cannot be driven")
    states = {
        "yes": [right],
        "no": [right, wrong, gone],
        "open": [right, gone, undriven],
    }
    assert {state: class_verdict(rows).state for state, rows in states.items()} == {each: each for each in states}
    assert class_verdict([right, wrong, wrong, gone]).words == "1 of 4 in parity; 2 training wrong; 1 not checked"


def test_junit_tells_failures_from_errors_and_keeps_what_no_xml_can_hold(tmp_path):
    odd = replace(row(WRONG | {"guilty": [LINE]}), subject="a<\x1b>.py:Net", headline='NOT "PARITY" & \x00\ud800')
    junit.write(tmp_path / "class.xml", [row(RIGHT), odd, not_checked(3, "in/c.py", "interrupted")])
    suite = ElementTree.parse(tmp_path / "class.xml").getroot()[0]
    assert dict(suite.attrib) == {
        "name": "keras-parity", "tests": "3", "failures": "1", "errors": "1", "time": "3.000",
    }  # fmt: skip
    right, wrong, gone = suite
    assert len(right) == 0
    assert dict(wrong.attrib) == {
        "classname": r"a<\x1b>.py", "name": "Net", "file": r"a<\x1b>.py", "time": "1.500", "line": "24",
    }  # fmt: skip
    assert wrong[0].get("message") == r'NOT "PARITY" & \x00\ud800; in/ben/net.py:24: dZ.mean(axis=0)'
    assert (gone.get("classname"), gone.get("name")) == ("in/c.py", "c.py")
    assert (wrong[0].tag, wrong[0].get("type"), gone[0].tag) == ("failure", "training wrong", "error")
