"""Which statements of a file only define something, for files that train when they are loaded; nothing is run here."""

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

Function = ast.FunctionDef | ast.AsyncFunctionDef
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp

# Calls that make a value of what they are given: what they are assigned to is a constant.
HARMLESS = frozenset(
    (
        *(
            "abs",
            "bool",
            "dict",
            "float",
            "frozenset",
            "int",
            "len",
            "list",
            "max",
            "min",
            "range",
            "reversed",
            "round",
        ),
        *("set", "sorted", "str", "sum", "tuple", "zip", "Path", "NewType", "TypeVar", "field", "getLogger"),
        *("namedtuple", "partial", "arange", "array", "asarray", "default_rng", "exp", "eye", "float32", "float64"),
        *("full", "linspace", "log", "ones", "sqrt", "zeros", "adapt", "each", "joined", "lists", "numbered", "tensor"),
    )
)


@dataclass(frozen=True)
class LeftOut:
    """A statement that is not run: its lines, and the names that it would have bound."""

    first: int
    last: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        lines = f"line {self.first}" if self.first == self.last else f"lines {self.first} to {self.last}"
        return f"{', '.join(self.names)} ({lines})" if self.names else lines


def definitions(tree: ast.Module, name: str) -> tuple[list[ast.stmt], list[LeftOut]]:
    """Part a file's statements into those that define something, and those that do something.

    Imports, functions, classes, constants and what binds the subject are kept. What needs the name of something left
    out when it is run is left out too; a function needs nothing before it is called.

    Parameters
    ----------
    tree : ast.Module
    name : str
        What the subject is called.
    """
    own = {node.name for node in tree.body if isinstance(node, Function)}
    return _parted(tree.body, name, HARMLESS - own, set())


def missing(kept: Iterable[ast.stmt], left_out: Iterable[LeftOut], name: str) -> list[LeftOut]:
    """What was left out though the subject's own statement needs it."""
    needed = set().union(*(_evaluated(node) for node in kept if name in _bound(node)))
    return [each for each in left_out if needed & set(each.names)]


def note(left_out: Sequence[LeftOut]) -> str:
    """Say what was left out, "" for nothing."""
    shown = [str(each) for each in left_out[:12]] + [f"{len(left_out) - 12} more"] * (len(left_out) > 12)
    return f"definitions only: left out {', '.join(shown)}" if shown else ""


def _parted(
    body: Sequence[ast.stmt], name: str, harmless: frozenset[str], gone: set[str]
) -> tuple[list[ast.stmt], list[LeftOut]]:
    kept: list[ast.stmt] = []
    left_out: list[LeftOut] = []
    for node in body:
        bound = _bound(node)
        if name in bound or (_defines(node, harmless) and not _evaluated(node) & gone):
            gone -= set(bound)
            if isinstance(node, ast.ClassDef):
                inner, dropped = _parted(node.body, "", harmless, set(gone))
                node.body = inner or [ast.Pass(lineno=node.lineno, col_offset=0)]
                left_out += dropped
            kept.append(node)
            continue
        gone |= set(bound)
        if not _does_nothing(node):
            left_out.append(LeftOut(node.lineno, node.end_lineno or node.lineno, tuple(bound)))
    return kept, left_out


def _defines(node: ast.stmt, harmless: frozenset[str]) -> bool:
    """Whether a statement only defines something."""
    if isinstance(node, ast.Import | ast.ImportFrom | Function | ast.ClassDef | ast.Pass):
        return True
    if isinstance(node, ast.Try):
        handled = [inner for handler in node.handlers for inner in handler.body]
        return all(_defines(inner, harmless) for inner in (*node.body, *handled, *node.orelse, *node.finalbody))
    if isinstance(node, ast.If):
        return _is_constant(node.test, harmless) and all(
            _defines(inner, harmless) for inner in (*node.body, *node.orelse)
        )
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        return node.value is None or _is_constant(node.value, harmless)
    return _does_nothing(node)


def _is_constant(value: ast.expr, harmless: frozenset[str]) -> bool:
    """Whether an expression calls nothing but what is harmless; the inside of a lambda is not run."""
    if isinstance(value, ast.Lambda):
        return True
    if isinstance(value, ast.Call):
        called = value.func
        word = called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
        if word not in harmless:
            return False
    return all(_is_constant(child, harmless) for child in _expressions(value))


def _expressions(node: ast.AST) -> Iterator[ast.expr]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield child
        else:  # keywords, comprehensions, slices
            yield from _expressions(child)


def _does_nothing(node: ast.stmt) -> bool:
    """Whether a statement is a docstring, or is not run when a file is imported."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.If) and not node.orelse and "__name__" in _evaluated(node.test)


def _bound(node: ast.AST) -> list[str]:
    """Names that a statement binds, in order."""
    if isinstance(node, Function | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).split(".")[0] for alias in node.names]
    if isinstance(node, ast.Lambda | Comprehension):
        return []
    if isinstance(node, ast.Name):
        return [node.id] if isinstance(node.ctx, ast.Store) else []
    found = [name for child in ast.iter_child_nodes(node) for name in _bound(child)]
    return list(dict.fromkeys(found))


def _evaluated(node: ast.AST) -> set[str]:
    """Names that must be there when this is run: not those inside functions, nor a class's, which is parted itself."""
    if isinstance(node, ast.Name):
        return set() if isinstance(node.ctx, ast.Store) else {node.id}
    if isinstance(node, ast.ClassDef):
        return _all(node.decorator_list, node.bases, node.keywords)
    if isinstance(node, Function):
        arguments = node.args
        annotations = [each.annotation for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
        every = [*annotations, node.returns, *arguments.kw_defaults]
        return _all(node.decorator_list, arguments.defaults, [each for each in every if each is not None])
    if isinstance(node, ast.Lambda):
        return _all(node.args.defaults, [each for each in node.args.kw_defaults if each is not None])
    found = _all(list(ast.iter_child_nodes(node)))
    if isinstance(node, ast.AugAssign):
        found |= set(_bound(node))
    if isinstance(node, Comprehension):
        found -= {name for generator in node.generators for name in _bound(generator)}
    return found


def _all(*groups: Sequence[ast.AST]) -> set[str]:
    return {name for group in groups for node in group for name in _evaluated(node)}
