"""Small edits of a function's syntax tree: what its author may have meant to write where something else stands.

Of the kinds by which programs that people wrote wrongly differ from right ones: another operator, name, number, index,
axis or orientation, something left out or left in, a copy that is missing, statements in another order.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

SAMPLES, RATE = "_keras_parity_samples", "_keras_parity_rate"  # found among the builtins while edits are tried
WORDS = {SAMPLES: "(the number of samples)", RATE: "(the learning rate)"}
LIKELY, POSSIBLE, REMOTE = range(3)
ARRAY, NUMBER, LIST = "array", "number", "list"  # kinds of values; an array's is followed by its dimensions
ONE_ROW = (f"{ARRAY}0", f"{ARRAY}1")
FAR = 4  # statements that one is moved past

ARITHMETIC: dict[type[ast.operator], list[type[ast.operator]]] = {
    ast.Add: [ast.Sub],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div],
    ast.Div: [ast.Mult],
}
ORDERS: list[type[ast.cmpop]] = [ast.Lt, ast.LtE, ast.Gt, ast.GtE]
FAMILIES = (
    ("sum", "mean"),
    ("max", "min", "mean"),
    ("argmax", "argmin"),
    ("maximum", "minimum"),
    ("log", "log2", "log10", "log1p"),
    ("exp", "exp2", "expm1"),
    ("dot", "multiply"),
    ("zeros", "ones"),
    ("zeros_like", "ones_like"),
    ("tanh", "sinh"),
    ("append", "insert"),
    ("all", "any"),
    ("hstack", "vstack"),
    ("floor", "ceil"),
)
ALONG = frozenset(chain(*FAMILIES[:3], ("cumsum", "flip", "norm", "std", "var", "prod", "concatenate", "stack")))
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


def edits(unit: ast.AST, names: Sequence[str], kinds: Mapping[int, Mapping[str, str]]) -> Iterator[Edit]:
    """All edits of a statement that defines functions.

    Parameters
    ----------
    unit : ast.AST
    names : sequence of str
        Attributes and keys that the file uses, as they are written.
    kinds : dict of int to dict of str to str
        Of the functions that ran, by their first lines, what their variables were, and the attributes of `self`: one is
        not meant for one of another kind. What is not told may be anything.
    """
    for function in ast.walk(unit):
        if isinstance(function, ast.Lambda):
            yield from _Function(function, names, kinds.get(function.lineno, {})).within(function, "body", None)
        elif isinstance(function, ast.FunctionDef):
            first = min([function.lineno, *(each.lineno for each in function.decorator_list)])
            yield from _Function(function, names, kinds.get(first, {})).all()


class _Function:
    """One function, and the edits of its own statements."""

    def __init__(self, node: ast.FunctionDef | ast.Lambda, names: Sequence[str], kinds: Mapping[str, str]) -> None:
        self.node, self.names, self.kinds = node, names, kinds
        arguments = node.args
        given = [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
        set_here = [
            each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
        ]
        self.locals = list(dict.fromkeys([*given, *set_here]))

    def all(self) -> Iterator[Edit]:
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
            return Edit(owner, name, None, new, statement.lineno, _head(statement), statement, done, rank, by)

        before, after = body[:place], body[place + 1 :]
        if not isinstance(statement, ast.Return):
            yield instead([*before, *after], "without it", LIKELY)
        elif place + 1 < len(body) or owner is not self.node:
            yield instead([*before, *after], "without it", POSSIBLE)
        if isinstance(statement, ast.If):
            yield instead([*before, *statement.body, *after], "whatever the condition", LIKELY)
            if statement.orelse:
                yield instead([*before, *statement.orelse, *after], "with what stands under `else`, always", LIKELY)
        if isinstance(statement, ast.AugAssign):
            load = _loaded(statement.target)
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
        if isinstance(statement, ast.Expr) and (held := _listed(statement)) is not None:
            emptied = _put(ast.Expr(ast.Call(ast.Attribute(held, "clear", ast.Load()), [], [])), statement)
            if isinstance(self.node, ast.FunctionDef):
                done = f"with `{{new}}` first, where `{self.node.name}` begins"
                start, last = [emptied, *self.node.body], _head(statement)
                yield Edit(
                    self.node, "body", None, start, statement.lineno, last, statement, done, POSSIBLE, emptied
                )  # fmt: skip
        for far in range(1, FAR + 1):
            if place + far < len(body):
                moved = [*before, *body[place + 1 : place + far + 1], statement, *body[place + far + 1 :]]
                yield instead(moved, f"after line {_end(body[place + far])}", LIKELY if far == 1 else POSSIBLE)
            if far > 1 and place - far >= 0:
                moved = [*body[: place - far], statement, *body[place - far : place], *after]
                yield instead(moved, f"before line {body[place - far].lineno}", POSSIBLE)

    def _outside(
        self, owner: ast.AST, name: str, body: list[ast.stmt], place: int, around: tuple[ast.AST, str, int]
    ) -> Iterator[Edit]:
        """A statement of a block after the block, or before it; the outermost one stands for both changes."""
        outer, field, at = around
        statement, block = body[place], getattr(outer, field)[at]
        rest = [*body[:place], *body[place + 1 :]] or [_put(ast.Pass(), statement)]
        shorter = _put(type(block)(**{**dict(ast.iter_fields(block)), name: rest}), block)
        whole = getattr(outer, field)
        for new, says in (([shorter, statement], "after"), ([statement, shorter], "before")):
            yield Edit(
                outer, field, None, [*whole[:at], *new, *whole[at + 1 :]],
                statement.lineno, _head(statement), statement,
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
            for new, rank in self._instead(node):
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

    def _instead(self, node: ast.expr) -> Iterator[tuple[ast.expr, int]]:
        """What may stand for an expression."""
        if isinstance(node, ast.Slice):
            lower, upper = node.lower, node.upper
            for begins, ends in ((None, upper), (lower, None), (ast.Constant(1), upper), (lower, ast.Constant(-1))):
                new = ast.Slice(lower=begins, upper=ends, step=node.step)
                if ast.dump(new) != ast.dump(node):
                    yield new, POSSIBLE
            return
        if isinstance(node, ast.Constant):
            yield from ((ast.Constant(value), LIKELY) for value in _constants(node.value, self.names))
            if isinstance(node.value, int | float) and not isinstance(node.value, bool):
                name = RATE if isinstance(node.value, float) else SAMPLES
                yield ast.Name(name, ast.Load()), LIKELY
            return
        if isinstance(node, ast.Tuple | ast.Starred | ast.List | ast.Dict):
            if isinstance(node, ast.Tuple) and len(node.elts) == 2:
                yield ast.Tuple(node.elts[::-1], ast.Load()), POSSIBLE
            return
        yield from ((new, LIKELY) for new in _simpler(node))
        yield from ((new, LIKELY) for new in _otherwise(node))
        if isinstance(node, ast.Name):
            alike = (each for each in self.locals if each != node.id and self._alike(node.id, each))
            yield from ((ast.Name(each, ast.Load()), POSSIBLE) for each in alike)
        if isinstance(node, ast.Attribute):
            alike = (each for each in self.names if each != node.attr and self._alike(f".{node.attr}", f".{each}"))
            yield from ((ast.Attribute(node.value, each, ast.Load()), POSSIBLE) for each in alike)
        if isinstance(node, ast.Compare | ast.BoolOp):
            yield from ((ast.Constant(value), LIKELY) for value in (True, False))
        elif isinstance(node, ast.UnaryOp | ast.Name | ast.Attribute | ast.BinOp | ast.Call | ast.Subscript):
            yield from self._around(node)

    def _alike(self, one: str, other: str) -> bool:
        """Whether two variables, or attributes, may stand for each other."""
        return one not in self.kinds or self.kinds.get(other, self.kinds[one]) == self.kinds[one]

    def _around(self, node: ast.expr) -> Iterator[tuple[ast.expr, int]]:
        """An expression with something around it: a copy, an orientation, a factor, a slope."""
        read = isinstance(node, ast.Name | ast.Attribute | ast.Subscript)
        name = node.id if isinstance(node, ast.Name) else f".{node.attr}" if isinstance(node, ast.Attribute) else ""
        kind = self.kinds.get(name, ARRAY)
        if kind.startswith(ARRAY):
            if read:
                yield ast.Call(ast.Attribute(node, "copy", ast.Load()), [], []), POSSIBLE
            if kind not in ONE_ROW:
                yield ast.Attribute(node, "T", ast.Load()), POSSIBLE
        if kind.startswith((ARRAY, NUMBER)):
            yield ast.UnaryOp(ast.USub(), node), POSSIBLE
            yield ast.BinOp(node, ast.Div(), ast.Name(SAMPLES, ast.Load())), POSSIBLE
            yield ast.BinOp(node, ast.Mult(), ast.Name(SAMPLES, ast.Load())), POSSIBLE
        if kind.startswith(NUMBER) or not read:
            yield ast.Name(SAMPLES, ast.Load()), POSSIBLE
            for step in (ast.Add, ast.Sub):
                yield ast.BinOp(node, step(), ast.Constant(1)), REMOTE
        if kind == LIST:
            yield ast.Call(ast.Attribute(node, "copy", ast.Load()), [], []), POSSIBLE
            backwards = ast.Slice(None, None, ast.UnaryOp(ast.USub(), ast.Constant(1)))
            yield ast.Subscript(node, backwards, ast.Load()), POSSIBLE
        if kind.startswith((ARRAY, NUMBER)):
            for factor in (ast.Name(RATE, ast.Load()), ast.Constant(2)):
                yield ast.BinOp(node, ast.Mult(), factor), REMOTE
                yield ast.BinOp(node, ast.Div(), factor), REMOTE
        if kind.startswith(ARRAY):
            yield ast.Compare(node, [ast.Gt()], [ast.Constant(0)]), POSSIBLE
            for other in self.locals:
                if self.kinds.get(other, ARRAY).startswith(ARRAY):
                    slope = ast.Compare(ast.Name(other, ast.Load()), [ast.Gt()], [ast.Constant(0)])
                    yield ast.BinOp(node, ast.Mult(), slope), REMOTE
                    if name != other:
                        yield ast.BinOp(node, ast.Mult(), ast.Name(other, ast.Load())), REMOTE
                        yield ast.BinOp(node, ast.Add(), ast.Name(other, ast.Load())), REMOTE


def _simpler(node: ast.expr) -> Iterator[ast.expr]:
    """Parts of an expression, in its place."""
    match node:
        case ast.BinOp(left, operation, right):
            yield left
            yield ast.UnaryOp(ast.USub(), right) if isinstance(operation, ast.Sub) else right
        case ast.UnaryOp(_, operand):
            yield operand
        case ast.BoolOp(_, values):
            yield from values
        case ast.IfExp(_, body, orelse):
            yield from (body, orelse)
        case ast.Call(func, args, _):
            yield from (each for each in args if not isinstance(each, ast.Starred | ast.Constant))
            if isinstance(func, ast.Attribute):
                yield func.value
        case ast.Attribute(value, "T"):
            yield value
        case ast.Subscript(value, _):
            yield value


def _otherwise(node: ast.expr) -> Iterator[ast.expr]:
    """The same expression with another operator, orientation, function or option."""
    match node:
        case ast.BinOp(left, ast.MatMult(), right):
            yield ast.BinOp(right, ast.MatMult(), left)
        case ast.BinOp(left, operation, right):
            yield from (ast.BinOp(left, other(), right) for other in ARITHMETIC.get(type(operation), []))
            if isinstance(operation, ast.Sub | ast.Div):
                yield ast.BinOp(right, operation, left)
        case ast.BoolOp(operation, values):
            yield ast.BoolOp(ast.Or() if isinstance(operation, ast.And) else ast.And(), values)
        case ast.Compare(left, [operation], right):
            same: list[type[ast.cmpop]] = [ast.Eq, ast.NotEq] if isinstance(operation, ast.Eq | ast.NotEq) else ORDERS
            yield from (ast.Compare(left, [other()], right) for other in same if not isinstance(operation, other))
        case ast.Call(ast.Attribute(value, name) as function, args, keywords):
            for family in FAMILIES:
                for other in family if name in family else ():
                    if other != name:
                        yield ast.Call(ast.Attribute(value, other, ast.Load()), args, keywords)
            if name in ALONG and all(keyword.arg != "axis" for keyword in keywords):
                for axis in (0, 1):
                    yield ast.Call(function, args, [*keywords, ast.keyword("axis", ast.Constant(axis))])
            if name in ALONG and all(keyword.arg != "keepdims" for keyword in keywords):
                yield ast.Call(function, args, [*keywords, ast.keyword("keepdims", ast.Constant(True))])
            if name in ("zeros_like", "zeros", "ones", "full", "empty", "empty_like", "array", "full_like"):
                yield ast.Call(function, args, [*keywords, ast.keyword("dtype", ast.Name("float", ast.Load()))])
            if name in ("reshape", "ravel", "flatten"):
                yield ast.Call(function, args, [*keywords, ast.keyword("order", ast.Constant("F"))])
    if isinstance(node, ast.Call):
        for gone in node.keywords:
            yield ast.Call(node.func, node.args, [keyword for keyword in node.keywords if keyword is not gone])
        if len(node.args) == 2:
            yield ast.Call(node.func, node.args[::-1], node.keywords)


def _constants(value: object, names: Sequence[str]) -> list[Any]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, str):
        return [each for each in names if each != value]
    if value is None:
        return [0, 1]
    if isinstance(value, int):
        found: list[Any] = [value + 1, value - 1, -value, 0, 1, None]
    elif isinstance(value, float):
        found = [0.0, 1.0, -value, 1 - value, 2 * value, value / 2]
    else:
        return []
    return [each for place, each in enumerate(found) if each != value and each not in found[:place]]


def _listed(statement: ast.Expr) -> ast.expr | None:
    """The list or dict that a statement adds to."""
    match statement.value:
        case ast.Call(ast.Attribute(value, name)) if name in LISTED:
            return value
    return None


def _loaded(target: ast.expr) -> ast.expr:
    return ast.parse(ast.unparse(target), mode="eval").body


def _put(new: Any, old: ast.AST) -> Any:
    """Give the nodes that are new a place: that of what they stand for."""
    for node in ast.walk(new):
        if "lineno" in node._attributes and not hasattr(node, "lineno"):
            ast.copy_location(node, old)
    return new


def _head(statement: ast.stmt) -> int:
    """The last line of a statement; of a block's, of its head."""
    body = getattr(statement, "body", None)
    return max(statement.lineno, body[0].lineno - 1) if body else _end(statement)


def _end(statement: ast.stmt) -> int:
    return statement.end_lineno or statement.lineno


def _text(node: ast.AST) -> str:
    text = ast.unparse(node)
    for name, words in WORDS.items():
        text = text.replace(name, words)
    return text.splitlines()[0]
