"""Where it is decided what a step goes through: the conditions under which objects are made, and lists are filled."""

import ast
import builtins
import itertools
from collections.abc import Iterator
from functools import lru_cache

from compare.check.lines.assignments import Assignment, last_name

FILLING = ("append", "appendleft", "insert", "extend", "push", "add")


class Decisions:
    """A file's conditions, by the names of the classes that are called, and of the lists that are filled, in them."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.found: dict[str, list[Assignment]] = {}
        self.loops: list[tuple[int, int, list[str]]] = []
        self._read(ast.parse(source), ())

    def _read(self, node: ast.AST, deciders: tuple[tuple[ast.stmt, int], ...]) -> None:
        """Look through code; `deciders`: on what it depends whether this is come to, and the last line of each."""
        for child in ast.iter_child_nodes(node):
            inner = deciders
            if isinstance(child, ast.If | ast.For | ast.While):
                inner = ((child, child.lineno),)
                if isinstance(child, ast.For):
                    self.loops.append((child.lineno, child.end_lineno or child.lineno, _names(child.iter)))
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                inner = ()
            elif isinstance(child, ast.Call):
                for (decider, last), (name, says) in itertools.product(deciders, _decided(child)):
                    self.found.setdefault(name, []).append(self._at(decider, last, says))
            self._read(child, inner)
            if isinstance(child, ast.If) and isinstance(child.body[-1], ast.Return | ast.Continue):
                deciders = (*deciders, (child, child.end_lineno or child.lineno))

    def _at(self, decider: ast.stmt, last: int, says: str) -> Assignment:
        line = self.source.splitlines()[decider.lineno - 1].strip()
        return Assignment(decider.lineno, last, line, says)

    def of(self, name: str) -> list[Assignment]:
        """The conditions on which there are objects of a class, or there is something in a list, of this name."""
        return list({each.first: each for each in self.found.get(name, ())}.values())

    def looped_over(self, line: int) -> list[str]:
        """The names in what the loops around a line go through."""
        return [name for first, last, names in self.loops if first < line <= last for name in names]


def _names(node: ast.expr) -> list[str]:
    """The names in an expression, but for those that Python has."""
    names = [last_name(each) for each in ast.walk(node) if isinstance(each, ast.Name | ast.Attribute)]
    return [name for name in names if not hasattr(builtins, name)]


def _decided(call: ast.Call) -> Iterator[tuple[str, str]]:
    """The name of what a call makes or fills, and what is to be said of the condition that it stands in."""
    if isinstance(call.func, ast.Name):
        yield call.func.id, f"decides where there is a `{call.func.id}`"
    elif isinstance(call.func, ast.Attribute):
        name = last_name(call.func.value)
        if call.func.attr in FILLING:
            yield name, f"decides what comes into `{name}`"
        yield call.func.attr, f"decides where there is a `{call.func.attr}`"


@lru_cache(maxsize=16)
def decisions(source: str) -> Decisions:
    """A file's conditions, read once."""
    return Decisions(source)
