"""Where a setting that a line uses was set: the argument of a call, a default, or a statement outside of the step."""

import ast
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

CONSTRUCTORS = ("", "__init__", "__new__", "__post_init__")


@dataclass(frozen=True)
class Assignment:
    """A place that sets a value, by its first and last line, and how it is written there."""

    first: int
    last: int
    source: str
    says: str


@dataclass
class _Parameter:
    function: str
    index: int
    default: ast.expr | None


@dataclass
class _Set:
    """A statement that sets something, by its class and function, from the first line of its block."""

    owner: str
    function: str
    first: int
    statement: ast.stmt
    value: ast.expr


@dataclass
class Assignments:
    """A file's assignments: what is given to parameters of its functions, and to attributes.

    A value is a number, or the name of a function.
    """

    source: str
    calls: list[tuple[int, ast.Call]] = field(default_factory=list)
    parameters: dict[str, list[_Parameter]] = field(default_factory=dict)
    renamed: dict[str, set[str]] = field(default_factory=dict)
    assigned: list[tuple[str, ast.expr, ast.stmt]] = field(default_factory=list)
    returned: dict[str, list[tuple[ast.stmt | ast.expr, int]]] = field(default_factory=dict)
    cached: dict[str, ast.expr] = field(default_factory=dict)
    attributes: dict[str, list[_Set]] = field(default_factory=dict)
    cleared: dict[str, list[_Set]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._read(ast.parse(self.source), "")

    def _read(self, node: ast.AST, owner: str, function: str = "", head: int | None = None) -> None:
        """Look through a class's or a function's code; `head` is the outermost block that it stands in."""
        for child in ast.iter_child_nodes(node):
            inner, within, block = owner, function, head
            if isinstance(child, ast.ClassDef):
                inner, block = child.name, None
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                within, block = child.name, None
                for each in child.decorator_list:
                    if "cache" in ast.unparse(each):
                        self.cached[child.name] = each
                self._function(child, owner if child.name == "__init__" else child.name)
            elif isinstance(child, ast.For | ast.If | ast.While):
                block = head or child.lineno
            elif isinstance(child, ast.Return):
                self.returned.setdefault(function, []).append((child, child.lineno))
            elif isinstance(child, ast.Yield):
                self.returned.setdefault(function, []).append((child, head or child.lineno))
            elif isinstance(child, ast.Call):
                self.calls.append((head or child.lineno, child))
            elif isinstance(child, ast.Assign | ast.AnnAssign) and child.value is not None:
                targets = child.targets if isinstance(child, ast.Assign) else [child.target]
                for target in targets:
                    self._assigned(target, child.value, child)
                    if isinstance(target, ast.Attribute):
                        here = _Set(owner, function, child.lineno, child, child.value)
                        self.attributes.setdefault(target.attr, []).append(here)
            if isinstance(child, ast.stmt):
                for name, value in _emptied(child):
                    here = _Set(owner, function, head or child.lineno, child, value)
                    self.cleared.setdefault(name, []).append(here)
            self._read(child, inner, within, block)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> None:
        arguments = [*node.args.posonlyargs, *node.args.args]
        defaults: list[ast.expr | None] = [None] * (len(arguments) - len(node.args.defaults))
        pairs = [*zip(arguments, [*defaults, *node.args.defaults], strict=True)]
        pairs += zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        skipped = 1 if arguments and arguments[0].arg in ("self", "cls") else 0
        for index, (argument, default) in enumerate(pairs):
            self.parameters.setdefault(argument.arg, []).append(_Parameter(name, index - skipped, default))

    def _assigned(self, target: ast.expr, value: ast.expr, statement: ast.stmt) -> None:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
            for one, other in zip(target.elts, value.elts, strict=True):
                self._assigned(one, other, statement)
        elif isinstance(target, ast.Name | ast.Attribute):
            name = last_name(target)
            self.assigned.append((name, value, statement))
            if isinstance(value, ast.Name | ast.Attribute) and last_name(value) != name:
                self.renamed.setdefault(name, set()).add(last_name(value))

    def of(self, name: str, value: float | str) -> list[Assignment]:
        """Where what is called so gets this value: an argument or a statement, else a default that is left."""
        names = {name, *self.renamed.get(name, ())}
        given = [*self._given(names, value), *(self._set(names, value))]
        cached = [
            self._at(self.cached[each], f"computes `{each}` once, and keeps it") for each in names & {*self.cached}
        ]
        return given or [*cached, *self._left(names, value), *self._defaults(names, value)]

    def made(self, name: str, line: int) -> Iterator[Assignment]:
        """The last statement before a line that sets this name, or what a function of this name returns or yields.

        Where a statement only hands it on, what was handed.
        """
        says = f"makes `{name}`, which is gone through"
        given = [(value, at) for target, value, at in self.assigned if target == name and at.lineno < line]
        if not given:
            yield from (self._at(returned, says, start) for returned, start in self.returned.get(name, ()))
        for value, statement in given[-1:]:
            yield self._at(statement, says)
            match value:
                case ast.Name(name) | ast.Call(ast.Name("list" | "tuple"), [ast.Name(name)]):
                    handed = list(self._handed(name))
                case _:
                    handed = []
            for expression in [value, *handed]:
                calls = [each for each in ast.walk(expression) if isinstance(each, ast.Call)]
                for called in dict.fromkeys(last_name(call.func) for call in calls):
                    for returned, start in self.returned.get(called, ()):
                        yield self._at(returned, says, start)

    def _handed(self, name: str) -> Iterator[ast.expr]:
        """What calls hand to parameters of this name."""
        for _, call in self.calls:
            yield from (keyword.value for keyword in call.keywords if keyword.arg == name)
            for parameter in self.parameters.get(name, ()):
                if parameter.function == last_name(call.func) and 0 <= parameter.index < len(call.args):
                    yield call.args[parameter.index]

    def kept_defaults(self, name: str) -> Iterator[Assignment]:
        """Parameters of this name whose default is a list, or the like, which every call shares."""
        for parameter in self.parameters.get(name, ()):
            if isinstance(parameter.default, ast.List | ast.Dict | ast.Set):
                yield self._at(parameter.default, f"makes the default of `{name}` once, and every call keeps it")

    def kept(self, name: str, statement: str, line: int) -> Iterator[Assignment]:
        """Why what is read by this name may be of an earlier step: where it is cleared or is not, how it is found."""
        if not self._cleared_later(name):
            yield from self._uncleared(name)
        for cleared in self.cleared.get(name, ()):
            yield self._at(cleared.statement, f"clears `{name}`", cleared.first)
            for caller, call in self.calls:
                if cleared.function and last_name(call.func) == cleared.function:
                    yield self._at(call, f"has `{name}` cleared", caller)
        nodes = _nodes(statement)
        keys = [node.slice for node in nodes if isinstance(node, ast.Subscript) and last_name(node.value) == name]
        tests = [node for node in nodes if isinstance(node, ast.Compare)]
        keys += [test.left for test in tests if last_name(test.comparators[0]) == name]
        for index in dict.fromkeys(node.id for key in keys for node in ast.walk(key) if isinstance(node, ast.Name)):
            given = [(value, at) for target, value, at in self.assigned if target == index and at.lineno <= line]
            for value, at in given[-1:]:
                if index != name and not isinstance(value, ast.Constant):
                    yield self._at(at, f"makes `{index}`, by which `{name}` is looked up")

    def _cleared_later(self, name: str) -> list[_Set]:
        """What clears what is called so, outside of constructors."""
        return [each for each in self.cleared.get(name, ()) if each.function not in CONSTRUCTORS]

    def _uncleared(self, name: str) -> Iterator[Assignment]:
        """Where what it is made of changes, and where others like it are cleared: it might be there too."""
        mine = self.attributes.get(name, ())
        owners = {each.owner for each in mine}
        remade = [each.value for each in mine if each.function not in CONSTRUCTORS]
        nodes = [node for value in remade for node in ast.walk(value) if isinstance(node, ast.Attribute)]
        for target in dict.fromkeys(node.attr for node in nodes if node.attr != name):
            for each in self.attributes.get(target, ()):
                if each.owner in owners and not _empty(each.value):
                    yield self._at(each.statement, f"changes `{target}`, of which `{name}` is made", each.first)
        for other in self.cleared:
            for each in self._cleared_later(other):
                if each.owner in owners or owners & {one.owner for one in self.attributes.get(other, ())}:
                    yield self._at(each.statement, f"clears `{other}`, and not `{name}`", each.first)

    def texts(self, statement: str) -> Iterator[Assignment]:
        """Where the texts were set that a statement hands to what it calls, as einsum's subscripts, by a name."""
        calls = [node for node in _nodes(statement) if isinstance(node, ast.Call)]
        names = {last_name(each) for call in calls for each in (*call.args, *(k.value for k in call.keywords))}
        for name, value, at in self.assigned:
            if name and name in names and isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield self._at(at, f"sets `{name}`, a text that is gone by")

    def _given(self, names: set[str], value: float | str) -> Iterator[Assignment]:
        """Calls that hand the value to a parameter of one of these names."""
        for _, call in self.calls:
            called = last_name(call.func)
            arguments = [(k.arg, k.value) for k in call.keywords if k.arg in names]
            for name in names:
                for parameter in self.parameters.get(name, ()):
                    if parameter.function == called and 0 <= parameter.index < len(call.args):
                        arguments.append((name, call.args[parameter.index]))
            for argument, given in arguments:
                if _is(given, value):
                    yield self._at(call, f"gives `{argument}` the value {_text(value)}")

    def _left(self, names: set[str], value: float | str) -> Iterator[Assignment]:
        """Calls that leave a parameter to its default, which is the value."""
        for _, call in self.calls:
            for name in names:
                for parameter in self.parameters.get(name, ()):
                    if (
                        parameter.function == last_name(call.func)
                        and _is(parameter.default, value)
                        and name not in {keyword.arg for keyword in call.keywords}
                        and len(call.args) <= parameter.index
                    ):
                        yield self._at(call, f"leaves `{name}` at its default, {_text(value)}")

    def _defaults(self, names: set[str], value: float | str) -> Iterator[Assignment]:
        for name in names:
            for parameter in self.parameters.get(name, ()):
                if parameter.default is not None and _is(parameter.default, value):
                    yield self._at(parameter.default, f"`{name}` is {_text(value)} by default")

    def _set(self, names: set[str], value: float | str) -> Iterator[Assignment]:
        for name, given, statement in self.assigned:
            if name in names and _is(given, value):
                yield self._at(statement, f"sets `{name}` to {_text(value)}")

    def _at(self, node: ast.expr | ast.stmt, says: str, head: int | None = None) -> Assignment:
        source = " ".join((ast.get_source_segment(self.source, node) or "").split())
        last = node.end_lineno or node.lineno
        return Assignment(head or node.lineno, last, source, says)


@lru_cache(maxsize=16)
def assignments(source: str) -> Assignments:
    """A file's assignments, read once."""
    return Assignments(source)


def last_name(node: ast.AST) -> str:
    """The last name of a dotted one."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _nodes(statement: str) -> list[ast.AST]:
    """What a statement, or a block's head, consists of."""
    head = textwrap.dedent(statement).rstrip()
    try:
        return list(ast.walk(ast.parse(f"{head} pass" if head.endswith(":") else head)))
    except SyntaxError:
        return []


def _emptied(statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """What a statement sets to nothing, or to zeros, by its last name."""
    match statement:
        case ast.Assign(targets, value) if _empty(value):
            for target in targets:
                base = target.value if isinstance(target, ast.Subscript) else target
                yield last_name(base.value if isinstance(base, ast.Subscript) else base), value
        case ast.AnnAssign(target, _, ast.expr() as value) if _empty(value):
            yield last_name(target), value
        case ast.AugAssign(target, ast.Mult(), value) if _empty(value):
            yield last_name(target.value if isinstance(target, ast.Subscript) else target), value
        case ast.Expr(ast.Call(ast.Attribute(base, "clear"), []) as call):
            yield last_name(base), call
        case ast.Expr(ast.Call(ast.Attribute(base, "fill"), [value])) if _empty(value):
            yield last_name(base), value


def _empty(node: ast.expr) -> bool:
    """Whether an expression is nothing, or zeros."""
    if isinstance(node, ast.Call):
        return last_name(node.func) in ("zeros", "zeros_like")
    return isinstance(node, ast.Constant) and (node.value is None or node.value == 0)


def _is(node: ast.expr | None, value: float | str) -> bool:
    """Whether an expression is this number, or this function's name."""
    if isinstance(value, str):
        return isinstance(node, ast.Name | ast.Attribute) and last_name(node) == value
    try:
        found = ast.literal_eval(node) if node is not None else None
    except (ValueError, TypeError, SyntaxError):
        return False
    inside = list(found.values()) if isinstance(found, dict) else found if isinstance(found, list | tuple) else [found]
    return any(isinstance(one, int | float) and not isinstance(one, bool) and float(one) == value for one in inside)


def _text(value: float | str) -> str:
    return f"`{value}`" if isinstance(value, str) else f"{value:g}"
