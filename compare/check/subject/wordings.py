"""What may stand in the place of an expression: parts of it, another operator or name, something around it."""

import ast
import copy
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

SAMPLES, RATE = "_keras_parity_samples", "_keras_parity_rate"  # found among the builtins while edits are tried
LIKELY, POSSIBLE, REMOTE = range(3)
ARRAY, NUMBER, LIST = "array", "number", "list"  # kinds of values; an array's is followed by its dimensions
MOST_NAMES = 5  # of which two are exchanged
ONE_ROW = (f"{ARRAY}0", f"{ARRAY}1")

ARITHMETIC: dict[type[ast.operator], list[type[ast.operator]]] = {
    ast.Add: [ast.Sub],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div],
    ast.Div: [ast.Mult, ast.FloorDiv],
    ast.FloorDiv: [ast.Div],
    ast.Pow: [ast.Mult],
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
    ("correlate", "convolve"),
    ("correlate2d", "convolve2d"),
)
ALONG = frozenset(chain(*FAMILIES[:3], ("cumsum", "flip", "norm", "std", "var", "prod", "concatenate", "stack")))


@dataclass(frozen=True)
class Wordings:
    """Of the expressions of one function.

    Attributes
    ----------
    names : sequence of str
        Attributes and keys that the file uses.
    locals : sequence of str
        The function's variables.
    kinds : dict of str to str
        Of what kind these are, and the attributes of the objects among them, where it is known.
    """

    names: Sequence[str]
    locals: Sequence[str]
    kinds: Mapping[str, str]
    factors: Sequence[float] = ()
    counters: Sequence[ast.expr] = ()

    def instead(self, node: ast.expr) -> Iterator[tuple[ast.expr, int]]:
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
            if isinstance(node, ast.Tuple | ast.List) and len(node.elts) == 2:
                yield type(node)(node.elts[::-1], ast.Load()), LIKELY
            if isinstance(node, ast.Tuple) and any(isinstance(each, ast.BinOp) for each in node.elts):
                yield from ((new, LIKELY) for new in _exchanged(node))
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

    def called(self, node: ast.expr) -> Iterator[tuple[ast.expr, int]]:
        """What may stand for an expression whose value is not used."""
        yield from ((new, LIKELY) for new in _otherwise(node))

    def _alike(self, one: str, other: str) -> bool:
        """Whether two variables, or attributes, may stand for each other."""
        if one not in self.kinds or other not in self.kinds:
            return True
        kinds = self.kinds[one], self.kinds[other]
        of_objects = one.startswith(".") and all(kind.startswith(ARRAY) for kind in kinds)
        return of_objects or kinds[0] == kinds[1]

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
        if read and kind.startswith((ARRAY, NUMBER)):
            yield ast.BinOp(node, ast.Pow(), ast.Constant(2)), POSSIBLE
        if read and kind.startswith(NUMBER):
            yield from ((ast.BinOp(node, ast.Pow(), counter), POSSIBLE) for counter in self.counters)
        if kind.startswith(ARRAY):
            plain = [int(factor) if factor == int(factor) else factor for factor in self.factors]
            yield from ((ast.BinOp(node, ast.Div(), ast.Constant(factor)), POSSIBLE) for factor in plain)
        if kind == LIST:
            yield ast.Call(ast.Attribute(node, "copy", ast.Load()), [], []), POSSIBLE
            backwards = ast.Slice(None, None, ast.UnaryOp(ast.USub(), ast.Constant(1)))
            yield ast.Subscript(node, backwards, ast.Load()), POSSIBLE
        if kind.startswith((ARRAY, NUMBER)):
            for factor in (ast.Name(RATE, ast.Load()), ast.Constant(2)):
                yield ast.BinOp(node, ast.Mult(), factor), REMOTE
                yield ast.BinOp(node, ast.Div(), factor), REMOTE
        if read and kind.startswith(ARRAY):
            yield ast.BinOp(node, ast.Mult(), ast.Constant(0)), REMOTE
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
        case ast.BinOp(ast.List([element]) as one, ast.Mult(), count) if not isinstance(element, ast.Constant):
            counted = ast.Call(ast.Name("range", ast.Load()), [count], [])
            yield ast.ListComp(one.elts[0], [_each(counted)])
        case ast.Call(ast.Attribute(ast.Name("dict"), "fromkeys"), [keys, element]) if not isinstance(
            element, ast.Constant
        ):
            yield ast.DictComp(ast.Name("_", ast.Load()), element, [_each(keys)])
        case ast.BinOp(left, ast.MatMult(), right):
            yield ast.BinOp(right, ast.MatMult(), left)
        case ast.BinOp(left, operation, right):
            yield from (ast.BinOp(left, other(), right) for other in ARITHMETIC.get(type(operation), []))
            if isinstance(operation, ast.Sub | ast.Div):
                yield ast.BinOp(right, operation, left)
        case ast.Subscript(value, ast.Name() as index):
            for step in (ast.Sub, ast.Add):
                yield ast.Subscript(value, ast.BinOp(index, step(), ast.Constant(1)), ast.Load())
        case ast.Subscript(value, ast.UnaryOp(ast.USub(), ast.Constant(1))):
            yield ast.Call(ast.Attribute(value, "pop", ast.Load()), [], [])
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
            if name == "reshape":
                shape = args[0].elts if len(args) == 1 and isinstance(args[0], ast.Tuple) else args
                yield from _flattened(shape, value, function)
            if name in ("reshape", "ravel", "flatten"):
                yield ast.Call(function, args, [*keywords, ast.keyword("order", ast.Constant("F"))])
    if isinstance(node, ast.Call):
        for gone in node.keywords:
            yield ast.Call(node.func, node.args, [keyword for keyword in node.keywords if keyword is not gone])
        if len(node.args) == 2:
            yield ast.Call(node.func, node.args[::-1], node.keywords)


def _each(of: ast.expr) -> ast.comprehension:
    return ast.comprehension(ast.Name("_", ast.Store()), of, [], 0)


def _exchanged(node: ast.expr) -> Iterator[ast.expr]:
    """An expression with two of its variables exchanged."""
    names = list(dict.fromkeys(each.id for each in ast.walk(node) if isinstance(each, ast.Name)))
    for one, other in itertools.combinations(names[:MOST_NAMES], 2):
        new = copy.deepcopy(node)
        for each in ast.walk(new):
            if isinstance(each, ast.Name) and each.id in (one, other):
                each.id = other if each.id == one else one
        yield new


def _flattened(shape: Sequence[ast.expr], value: ast.expr, function: ast.expr) -> Iterator[ast.expr]:
    """An array of images put into another shape with its channels elsewhere: the last axis, or the second."""
    count = len(shape)
    for axes in ((0, 2, 3, 1), (0, 3, 1, 2)):
        order: list[ast.expr] = [ast.Constant(axis) for axis in axes]
        if count == 4:
            other = ast.Call(function, [shape[axes.index(place)] for place in range(4)], [])
            yield ast.Call(ast.Attribute(other, "transpose", ast.Load()), order, [])
        elif count == 2:
            turned = ast.Call(ast.Attribute(value, "transpose", ast.Load()), order, [])
            yield ast.Call(ast.Attribute(turned, "reshape", ast.Load()), list(shape), [])


def _subscripts(text: str) -> Iterator[str]:
    """What `einsum` may be told instead: one operand turned round, or the result."""
    inputs, arrow, result = text.replace(" ", "").partition("->")
    parts = inputs.split(",")
    if arrow and all(part.isalpha() for part in parts):
        for place, part in enumerate(parts):
            if part != part[::-1]:
                yield ",".join([*parts[:place], part[::-1], *parts[place + 1 :]]) + arrow + result
        if result != result[::-1]:
            yield inputs + arrow + result[::-1]


def _constants(value: object, names: Sequence[str]) -> list[Any]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, str):
        return [*_subscripts(value), *(each for each in names if each != value)]
    if value is None:
        return [0, 1]
    if isinstance(value, int):
        found: list[Any] = [value + 1, value - 1, -value, 0, 1, None]
    elif isinstance(value, float):
        found = [0.0, 1.0, -value, 1 - value, 2 * value, value / 2]
    else:
        return []
    return [each for place, each in enumerate(found) if each != value and each not in found[:place]]
