"""Small edits of a function's syntax tree: what its author may have meant to write where something else stands.

Of the kinds by which programs that people wrote wrongly differ from right ones: another operator, name, number, index,
axis or orientation, something left out or left in, a copy that is missing, statements in another order.
"""

import ast
import builtins
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from compare.check.subject.rewriting import first_line, head_end, loading
from compare.check.subject.wordings import ARITHMETIC, ARRAY, LIKELY, LIST, NUMBER, POSSIBLE, RATE, SAMPLES, Wordings

WORDS = {SAMPLES: "(the number of samples)", RATE: "(the learning rate)"}
FAR = 4  # statements that one is moved past

LISTED = ("append", "extend", "insert", "update", "add", "setdefault")


@dataclass
class Edit:
    """One edit: what to put in a field of a node, or at an index of it.

    Attributes
    ----------
    owner : ast.AST
    name : str
    index : int or None
    new : ast.AST or list of ast.stmt
    first, last : int
        The lines that it changes.
    stands : ast.AST
        What stands there.
    done : str
        What is done, in words; "{new}" stands for what is put there, "{old}" for what stands there.
    by : ast.AST or None
        What is put there, where that is not `new`.
    rank : int
        LIKELY, POSSIBLE or REMOTE.
    """

    owner: ast.AST
    name: str
    index: int | None
    new: Any
    first: int
    last: int
    stands: ast.AST
    done: str
    rank: int
    by: ast.AST | None = None
    old: Any = None

    @property
    def source(self) -> str:
        """What stands there, as text."""
        return _text(self.stands)

    @property
    def says(self) -> str:
        """What is done."""
        return self.done.format(new="" if self.by is None else _text(self.by), old=self.source)

    @property
    def change(self) -> str:
        """What is put around what stands there; "" where something else is put."""
        new, old = "" if self.by is None else _text(self.by), self.source
        return new.replace(old, "...", 1) if old in new else ""

    def __enter__(self) -> "Edit":
        self.old = self._at()
        self._put(self.new)
        return self

    def __exit__(self, *_: object) -> None:
        self._put(self.old)

    def _at(self) -> Any:
        value = getattr(self.owner, self.name)
        return value if self.index is None else value[self.index]

    def _put(self, value: Any) -> None:
        if self.index is None:
            setattr(self.owner, self.name, value)
        else:
            getattr(self.owner, self.name)[self.index] = value


def edits(
    unit: ast.AST,
    names: Sequence[str],
    kinds: Mapping[int, Mapping[str, str]],
    idle: Sequence[str] = (),
    factors: Sequence[float] = (),
) -> Iterator[Edit]:
    """All edits of a statement that defines functions.

    Parameters
    ----------
    unit : ast.AST
    names : sequence of str
        Attributes and keys that the file uses, as they are written.
    kinds : dict of int to dict of str to str
        Of the functions that ran, by their first lines, what their variables were, and the attributes of the objects
        among them: one is not meant for one of another kind. What is not told may be anything.
    idle : sequence of str
        Methods of the file that need no arguments, and that nothing called.
    factors : sequence of float
        By which something is too large.
    """
    counters = [loading(each.target) for each in ast.walk(unit) if _counts(each)]
    for function in ast.walk(unit):
        if isinstance(function, ast.Lambda):
            of = _Function(function, names, kinds.get(function.lineno, {}), factors, counters)
            yield from of.within(function, "body", None)
        elif isinstance(function, ast.FunctionDef):
            yield from _Function(function, names, kinds.get(first_line(function), {}), factors, counters, idle).all()


def _counts(node: ast.AST) -> TypeGuard[ast.AugAssign]:
    """Whether a statement counts on."""
    match node:
        case ast.AugAssign(_, ast.Add(), ast.Constant(1)):
            return True
    return False


class _Function:
    """One function, and the edits of its own statements."""

    def __init__(
        self,
        node: ast.FunctionDef | ast.Lambda,
        names: Sequence[str],
        kinds: Mapping[str, str],
        factors: Sequence[float],
        counters: Sequence[ast.expr],
        idle: Sequence[str] = (),
    ) -> None:
        self.node, self.kinds, self.idle = node, kinds, idle
        arguments = node.args
        given = [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
        set_here = [
            each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
        ]
        self.locals = list(dict.fromkeys([*given, *set_here]))
        counters = [each for each in counters if not isinstance(each, ast.Name) or each.id in self.locals]
        self.wordings = Wordings(names, self.locals, kinds, factors, counters)

    def all(self) -> Iterator[Edit]:
        """The edits of its defaults, and of its statements."""
        yield from self._cleared()
        for place, _ in enumerate(self.node.args.defaults):
            yield from self.within(self.node.args, "defaults", place)
        yield from self._block(self.node, "body", [])

    def _block(self, owner: ast.AST, name: str, loops: list[tuple[ast.AST, str, int]]) -> Iterator[Edit]:
        """The edits of a block's statements; `loops` are the places that the block stands at, the innermost last."""
        body: list[ast.stmt] = getattr(owner, name)
        for place, statement in enumerate(body):
            if isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.Raise | ast.Assert | ast.Import | ast.Global):
                continue
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                continue
            yield from self._statement(owner, name, body, place)
            for field, value in ast.iter_fields(statement):
                if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                    yield from self._block(statement, field, [*loops, (owner, name, place)])
                else:
                    yield from self._expressions(statement, field, value)
            if loops and isinstance(statement, ast.Assign | ast.AugAssign | ast.Expr | ast.For):
                yield from self._outside(owner, name, body, place, loops[-1])

    def _statement(self, owner: ast.AST, name: str, body: list[ast.stmt], place: int) -> Iterator[Edit]:
        statement = body[place]

        def instead(new: list[ast.stmt], done: str, rank: int, by: ast.AST | None = None) -> Edit:
            new = new or [_put(ast.Pass(), statement)]
            return Edit(owner, name, None, new, statement.lineno, head_end(statement), statement, done, rank, by)

        before, after = body[:place], body[place + 1 :]
        if not isinstance(statement, ast.Return):
            yield instead([*before, *after], "without it", LIKELY)
        elif place + 1 < len(body) or owner is not self.node:
            yield instead([*before, *after], "without it", POSSIBLE)
        for call in self._uncalled():
            new = _put(ast.Expr(call), statement)
            yield instead([*before, new, statement, *after], "with `{new}` before it", LIKELY, new)
        if isinstance(statement, ast.If):
            yield instead([*before, *statement.body, *after], "whatever the condition", LIKELY)
            if statement.orelse:
                yield instead([*before, *statement.orelse, *after], "with what stands under `else`, always", LIKELY)
        if isinstance(statement, ast.AugAssign):
            load = loading(statement.target)
            plain = _put(ast.Assign([statement.target], statement.value), statement)
            apart = _put(ast.Assign([statement.target], ast.BinOp(load, statement.op, statement.value)), statement)
            for operation in ARITHMETIC.get(type(statement.op), []):
                other = _put(ast.AugAssign(statement.target, operation(), statement.value), statement)
                yield instead([*before, other, *after], "with `{new}` for it", LIKELY, other)
            yield instead([*before, plain, *after], "with `{new}` for it", LIKELY, plain)
            yield instead([*before, apart, *after], "with `{new}` for it", POSSIBLE, apart)
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
            if isinstance(target, ast.Name | ast.Attribute | ast.Subscript):
                for sign in (ast.Add, ast.Sub):
                    added = _put(ast.AugAssign(target, sign(), statement.value), statement)
                    yield instead([*before, added, *after], "with `{new}` for it", LIKELY, added)
        if isinstance(statement, ast.Assign) and len(statement.targets) > 1:
            each = [_put(ast.Assign([target], statement.value), statement) for target in statement.targets]
            yield instead([*before, *each, *after], "with an object of its own for each name", LIKELY)
        if isinstance(statement, ast.Expr) and (held := _listed(statement)) is not None:
            emptied = _put(ast.Expr(ast.Call(ast.Attribute(held, "clear", ast.Load()), [], [])), statement)
            if isinstance(self.node, ast.FunctionDef):
                done = f"with `{{new}}` first, where `{self.node.name}` begins"
                start, last = [emptied, *self.node.body], head_end(statement)
                yield Edit(
                    self.node, "body", None, start, statement.lineno, last, statement, done, POSSIBLE, emptied
                )  # fmt: skip
        for far in range(1, FAR + 1):
            loop = body[place + far] if place + far < len(body) else None
            if isinstance(loop, ast.For | ast.While) and isinstance(statement, ast.Assign):
                again = _holding(loop, "body", [statement, *loop.body])
                moved = [*before, *body[place + 1 : place + far], again, *body[place + far + 1 :]]
                yield instead(moved, f"at the start of each round of the loop in line {loop.lineno}", POSSIBLE)
            if place + far < len(body):
                moved = [*before, *body[place + 1 : place + far + 1], statement, *body[place + far + 1 :]]
                yield instead(moved, f"after line {_end(body[place + far])}", LIKELY if far == 1 else POSSIBLE)
            if far > 1 and place - far >= 0:
                moved = [*body[: place - far], statement, *body[place - far : place], *after]
                yield instead(moved, f"before line {body[place - far].lineno}", POSSIBLE)

    def _cleared(self) -> Iterator[Edit]:
        """What the function adds to, in dicts and lists of arrays that it is not given: set to zero where it begins."""
        if not isinstance(self.node, ast.FunctionDef):
            return
        added = [each.target for each in ast.walk(self.node) if isinstance(each, ast.AugAssign)]
        held = [
            each.value for each in added if isinstance(each, ast.Subscript) and isinstance(each.value, ast.Attribute)
        ]
        for what, kind in {ast.unparse(each): self.kinds.get(f".{each.attr}", "") for each in held}.items():
            body = self.node.body
            begins = body[1:] if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant) else body
            every = f"{what}.values()" if kind == "dict" else what if kind == LIST else ""
            if every and begins:
                zero = _put(ast.parse(f"for each in {every}:\n    each.fill(0)").body[0], begins[0])
                yield Edit(
                    self.node, "body", None, [zero, *body], begins[0].lineno, head_end(begins[0]), begins[0],
                    f"with all of `{what}` zero before it", LIKELY,
                )  # fmt: skip

    def _uncalled(self) -> Iterator[ast.expr]:
        """Calls of methods that nothing calls, of the objects among the variables and of what `self` has."""
        for name, kind in self.kinds.items() if self.idle else ():
            plain = (
                kind.startswith((ARRAY, NUMBER, LIST)) or hasattr(builtins, kind) or kind in ("NoneType", "function")
            )
            if not plain and (name in self.locals or (name.startswith(".") and "self" in self.locals)):
                what = ast.Name(name, ast.Load()) if name in self.locals else _of_self(name[1:])
                yield from (ast.Call(ast.Attribute(what, method, ast.Load()), [], []) for method in self.idle)

    def _outside(
        self, owner: ast.AST, name: str, body: list[ast.stmt], place: int, around: tuple[ast.AST, str, int]
    ) -> Iterator[Edit]:
        """A statement of a block after the block, or before it; the outermost one stands for both changes."""
        outer, field, at = around
        statement, block = body[place], getattr(outer, field)[at]
        rest = [*body[:place], *body[place + 1 :]] or [_put(ast.Pass(), statement)]
        shorter = _holding(block, name, rest)
        whole = getattr(outer, field)
        for new, says in (([shorter, statement], "after"), ([statement, shorter], "before")):
            yield Edit(
                outer, field, None, [*whole[:at], *new, *whole[at + 1 :]],
                statement.lineno, head_end(statement), statement,
                f"{says} the block that begins in line {block.lineno}", LIKELY,
            )  # fmt: skip

    def _expressions(self, owner: ast.AST, field: str, value: Any) -> Iterator[Edit]:
        if isinstance(value, ast.expr) and field not in ("annotation", "returns"):
            yield from self.within(owner, field, None)
        elif isinstance(value, list):
            for place, each in enumerate(value):
                if isinstance(each, ast.expr) and field not in ("decorator_list",):
                    yield from self.within(owner, field, place)
                elif isinstance(each, ast.keyword | ast.comprehension | ast.withitem):
                    for inner, of in ast.iter_fields(each):
                        yield from self._expressions(each, inner, of)

    def within(self, owner: ast.AST, field: str, place: int | None) -> Iterator[Edit]:
        """The edits of an expression, and of all that it consists of."""
        node = getattr(owner, field) if place is None else getattr(owner, field)[place]
        known = isinstance(node, ast.Name) and (node.id in ("self", "cls") or node.id not in self.locals)
        if isinstance(node, ast.JoinedStr | ast.Lambda) or (known and not self.kinds.get(node.id)):
            return  # what is no variable of the function is a module, a function, a constant or another's
        if isinstance(getattr(node, "ctx", None) or ast.Load(), ast.Load):
            unused = isinstance(owner, ast.Expr)
            for new, rank in self.wordings.called(node) if unused else self.wordings.instead(node):
                yield Edit(
                    owner, field, place, _put(new, node), node.lineno, node.end_lineno or node.lineno, node,
                    "with `{new}` for `{old}`", rank, new,
                )  # fmt: skip
        for name, value in ast.iter_fields(node):
            if isinstance(node, ast.Call) and name == "func":
                if isinstance(value, ast.Attribute):
                    yield from self._expressions(value, "value", value.value)
            else:
                yield from self._expressions(node, name, value)


def _holding(block: ast.AST, name: str, body: list[ast.stmt]) -> Any:
    """A block with other statements in it."""
    return _put(type(block)(**{**dict(ast.iter_fields(block)), name: body}), block)


def _of_self(name: str) -> ast.expr:
    return ast.Attribute(ast.Name("self", ast.Load()), name, ast.Load())


def _listed(statement: ast.Expr) -> ast.expr | None:
    """The list or dict that a statement adds to."""
    match statement.value:
        case ast.Call(ast.Attribute(value, name)) if name in LISTED:
            return value
    return None


def _put(new: Any, old: ast.AST) -> Any:
    """Give the nodes that are new a place: that of what they stand for."""
    for node in ast.walk(new):
        if "lineno" in node._attributes and not hasattr(node, "lineno"):
            ast.copy_location(node, old)
    return new


def _end(statement: ast.stmt) -> int:
    return statement.end_lineno or statement.lineno


def _text(node: ast.AST) -> str:
    text = ast.unparse(node)
    for name, words in WORDS.items():
        text = text.replace(name, words)
    return text.splitlines()[0]
