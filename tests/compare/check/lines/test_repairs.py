"""What lines are told once edits were tried: those that mend all come first, and are never crowded out."""

from compare.check.lines.lines import Guilty, Lines
from compare.check.lines.repairs import with_repairs
from compare.check.lines.saying import PLACES
from compare.check.subject.attempts import Repair


def _guilty(line):
    return Guilty("net.py", line, line, "step", f"line {line}", "on the way to the above")


def _repair(line, says="with `a` for `b`", turn=0, whole=True):
    return Repair("net.py", line, line, "step", f"line {line}", f"{says} in line {line}", turn, whole)


def _lines(lines):
    return [line.first for line in lines.guilty]


def test_what_mends_all_comes_first_and_more_of_it_last():
    before = Lines(guilty=tuple(map(_guilty, (10, 20, 30))))
    assert _lines(with_repairs(before, [_repair(30), _repair(50), _repair(60)])) == [30, 50, 10, 20, 60]


def test_lines_on_the_way_do_not_crowd_out_what_mends_all():
    before = Lines(guilty=tuple(_guilty(10 * place) for place in range(1, PLACES + 1)))
    told = _lines(with_repairs(before, [_repair(line) for line in (20, 101, 111, 121)]))
    assert told[2:PLACES] == [10, 30, 40, 50, 60, 70]
    assert told[:2] == [20, 101]
    assert told[-2:] == [111, 121]


def test_the_same_edit_at_several_lines_of_a_function_is_told_once():
    repairs = [Repair("net.py", line, line, "step", "a", "with `a` before it", 0, True) for line in (12, 14)]
    (line,) = with_repairs(Lines(), repairs).guilty
    assert (line.first, line.last) == (12, 14)


def test_without_repairs_nothing_changes():
    before = Lines(guilty=(_guilty(10),))
    assert with_repairs(before, []) is before
