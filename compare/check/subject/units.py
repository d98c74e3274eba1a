"""The statements of a subject's files that define functions, whose code is exchanged where they are, and put back."""

import ast
import contextlib
import linecache
from collections.abc import Iterator, Sequence
from types import CodeType, FunctionType
from typing import Any

from compare.check.subject.rewriting import first_line
from compare.check.subject.tracing import exchanged
from compare.sides.frozen import functions_of

Key = tuple[str, str, int]  # of a code: its file, qualified name and first line


class Unit:
    """A statement of a file that defines functions, and those of them that there are."""

    def __init__(self, file: str, chain: Sequence[ast.ClassDef], node: ast.stmt, names: Sequence[str]) -> None:
        self.file, self.node, self.names = file, node, names
        self.idle: list[str] = []
        body: list[ast.stmt] = [node]
        for around in reversed(chain):
            body = [ast.copy_location(ast.ClassDef(around.name, [], [], body, []), around)]
        self.module = ast.Module(body, [])
        self.functions: dict[Key, list[FunctionType]] = {key: [] for key, _ in self._codes()}
        self.arguments = {
            first_line(each): each.args.defaults for each in ast.walk(node) if isinstance(each, ast.FunctionDef)
        }

    def _codes(self) -> Iterator[tuple[Key, CodeType]]:
        for code in _inside(compile(self.module, self.file, "exec", dont_inherit=True)):
            yield _key(code), code

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Have the functions run what the tree says now."""
        new: dict[Key, list[CodeType]] = {}
        for key, code in self._codes():
            new.setdefault(key, []).append(code)
        codes: list[tuple[FunctionType, CodeType]] = []
        defaults = []
        for key, functions in self.functions.items():
            for function in functions:
                defaults.append((function, function.__defaults__))
                same = [code for code in new.get(key, []) if code.co_freevars == function.__code__.co_freevars]
                codes += [(function, code) for code in same[:1]]
        with exchanged(codes):
            try:
                for function, now in defaults:
                    function.__defaults__ = self._defaults(function, now)
                yield
            finally:
                for function, now in defaults:
                    function.__defaults__ = now

    def _defaults(self, function: FunctionType, now: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
        """The defaults of a function as the tree has them: constants, and what is there for all others."""
        told = self.arguments.get(function.__code__.co_firstlineno, [])
        if now is None or len(now) != len(told):
            return now
        pairs = zip(told, now, strict=True)
        return tuple(new.value if isinstance(new, ast.Constant) else old for new, old in pairs)


def _key(code: CodeType) -> Key:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def _inside(code: CodeType) -> Iterator[CodeType]:
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each
            yield from _inside(each)


def units_of(ran: Sequence[CodeType]) -> list[Unit]:
    """The statements of the subject's files that define the functions which run."""
    found: list[Unit] = []
    for file in dict.fromkeys(code.co_filename for code in ran):
        tree = ast.parse("".join(linecache.getlines(file)))
        found += _parted(file, (), tree.body, _names(tree))
    keys = set(map(_key, ran))
    idle = {
        (unit.file, unit.node.name): None
        for unit in found
        if isinstance(unit.node, ast.FunctionDef) and _needs_nothing(unit.node) and not keys & unit.functions.keys()
    }
    for unit in found:
        unit.idle = [name for file, name in idle if file == unit.file]
    found = [unit for unit in found if keys & unit.functions.keys()]
    owner = {key: unit for unit in found for key in unit.functions}
    for function in functions_of(ran):
        key = _key(function.__code__)
        if key in owner:
            owner[key].functions[key].append(function)
    return found


def _parted(
    file: str, chain: tuple[ast.ClassDef, ...], body: Sequence[ast.stmt], names: Sequence[str]
) -> Iterator[Unit]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _parted(file, (*chain, node), node.body, names)
        elif any(isinstance(each, ast.FunctionDef | ast.Lambda) for each in ast.walk(node)):
            yield Unit(file, chain, node, names)


def _needs_nothing(node: ast.FunctionDef) -> bool:
    """Whether a function is a method that is called without arguments."""
    arguments = node.args
    given = [each.arg for each in (*arguments.posonlyargs, *arguments.args)]
    required = len(given) - len(arguments.defaults)
    return given[:1] == ["self"] and required == 1 and not node.name.startswith("__") and not node.decorator_list


def _names(tree: ast.Module) -> list[str]:
    """Attributes that a file sets, and texts that it uses as keys."""
    found = [
        node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    ]
    keys = (node.slice for node in ast.walk(tree) if isinstance(node, ast.Subscript))
    found += [key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
    return list(dict.fromkeys(found))
