"""Rewrites a file's syntax tree so that each sub-expression hands its value to a recorder, and on, unchanged.

As pytest rewrites assertions: the rewritten code computes the same in the same order. What is wrapped is called a site.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

SEEN = (
    "_keras_parity_seen"  # found among the builtins while code is traced; one underscore, which classes do not mangle
)

WRAPPED = (ast.BinOp, ast.Call, ast.Subscript, ast.UnaryOp, ast.Compare, ast.IfExp, ast.ListComp)
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
Position = tuple[int, int, int, int]  # first line, column, last line, column: lines from 1, columns from 0, in bytes


@dataclass(frozen=True)
class Site:
    """A place in a file whose value is recorded.

    Attributes
    ----------
    position : tuple of int
        First line, column, last line, column.
    statement : tuple of int
        First and last line of the statement that it stands in; of a block's, its head alone.
    function : str
        Qualified name.
    kind : {"load", "part", "value", "changed", "test", "loop"}
        A name or attribute that is read; a sub-expression; the whole value that a statement makes; what a statement
        has changed in place; a condition; a variable that a loop sets.
    target : str
        What the value is assigned to, as it is written; "" if it is not.
    parts : tuple of int
        The sites that this value is computed from.
    node : str
        What kind of expression it is: "BinOp", "Call", "Subscript", ...
    """

    position: Position
    statement: tuple[int, int]
    function: str
    kind: str
    target: str = ""
    parts: tuple[int, ...] = ()
    node: str = ""


@dataclass
class _Scope:
    name: str
    statement: tuple[int, int] = (0, 0)
    parts: list[int] = field(default_factory=list)
    target: str = ""


class Rewriter(ast.NodeTransformer):
    """Wraps the expressions of a module's functions; sites are numbered from `first`."""

    def __init__(self, tree: ast.Module, first: int) -> None:
        self.sites: list[Site] = []
        self.first = first
        self.modules = {
            (alias.asname or alias.name).split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        self.scopes: list[_Scope] = []

    # Annotations, decorators and defaults are not looked into: they have run before.
    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        """The text of an f-string is left as it is."""
        return node

    def visit_Match(self, node: ast.Match) -> ast.AST:
        """Patterns are left as they are."""
        node.subject = self.visit(node.subject)
        for case in node.cases:
            case.body = self._body(case.body)
        return node

    def visit_Module(self, node: ast.Module) -> ast.AST:
        """Only what runs in a step is wrapped: functions, wherever they stand."""
        self.scopes.append(_Scope("<module>"))
        node.body = [self._outside(child) for child in node.body]
        return node

    def _outside(self, node: ast.AST) -> Any:
        """Look for functions in code that has run before any step."""
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return self.visit(node)
        if isinstance(node, ast.ClassDef):
            self.scopes.append(_Scope(self._qualified(node.name)))
        for name, value in ast.iter_fields(node):
            if isinstance(value, list):
                setattr(node, name, [self._outside(each) if isinstance(each, ast.AST) else each for each in value])
            elif isinstance(value, ast.AST):
                setattr(node, name, self._outside(value))
        if isinstance(node, ast.ClassDef):
            self.scopes.pop()
        return node

    def _qualified(self, name: str) -> str:
        outer = self.scopes[-1].name
        return name if outer == "<module>" else f"{outer}.{name}"

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """Of a class, its methods."""
        return self._outside(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Of a function, its body."""
        self.scopes.append(_Scope(self._qualified(node.name)))
        node.body = self._body(node.body)
        self.scopes.pop()
        return node

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        """Of a lambda, its value."""
        lines = node.lineno, node.end_lineno or node.lineno
        self.scopes.append(_Scope(self._qualified("<lambda>"), lines))
        node.body = self._rooted(node.body, "value")
        self.scopes.pop()
        return node

    def _body(self, statements: Sequence[ast.stmt]) -> list[ast.stmt]:
        return [new for statement in statements for new in self._statement(statement)]

    def _statement(self, node: ast.stmt) -> list[ast.stmt]:
        scope = self.scopes[-1]
        scope.statement = node.lineno, head_end(node)
        scope.parts, scope.target = [], ""
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return [self.visit(node)]
        if isinstance(node, ast.AugAssign):
            return self._augmented(node)
        if isinstance(node, ast.Assign | ast.AnnAssign):
            return self._assigned(node)
        if isinstance(node, ast.Return) and node.value is not None:
            scope.target = "return"
            node.value = self._rooted(node.value, "value")
            return [node]
        if isinstance(node, ast.Expr):
            return self._expression(node)
        if isinstance(node, ast.If | ast.While):
            node.test = self._rooted(node.test, "test")
            node.body, node.orelse = self._body(node.body), self._body(node.orelse)
            return [node]
        if isinstance(node, ast.For | ast.AsyncFor):
            return self._loop(node)
        for name, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                setattr(node, name, self._body(value))
            elif isinstance(value, list):
                setattr(node, name, [self._inner(each) for each in value])
            elif isinstance(value, ast.expr):
                setattr(node, name, self.visit(value))
        return [node]

    def _inner(self, node: ast.AST) -> Any:
        if isinstance(node, ast.ExceptHandler):
            node.body = self._body(node.body)
            return node
        if isinstance(node, ast.withitem):
            node.context_expr = self.visit(node.context_expr)
            return node
        return self.visit(node) if isinstance(node, ast.expr) else node

    def _loop(self, node: ast.For | ast.AsyncFor) -> list[ast.stmt]:
        scope, head = self.scopes[-1], self.scopes[-1].statement
        node.iter = self._rooted(node.iter, "part")
        source = tuple(scope.parts)
        names = [each for each in ast.walk(node.target) if isinstance(each, ast.Name)]
        seen = [self._record(name, "loop", source, name.id) for name in names]
        node.body, node.orelse = [*seen, *self._body(node.body)], self._body(node.orelse)
        scope.statement = head
        return [node]

    def _assigned(self, node: ast.Assign | ast.AnnAssign) -> list[ast.stmt]:
        if node.value is None:
            return [node]
        scope = self.scopes[-1]
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        scope.target = " = ".join(ast.unparse(target) for target in targets)
        node.value = self._rooted(node.value, "value")
        scope.target = ""
        before: list[ast.stmt] = []
        parts = tuple(scope.parts)
        unpacked = [each for whole in targets if isinstance(whole, ast.Tuple) for each in whole.elts]
        names = [ast.copy_location(ast.Name(each.id), node) for each in unpacked if isinstance(each, ast.Name)]
        after = [self._record(name, "value", parts, name.id) for name in names]
        for target in (*unpacked, *(whole for whole in targets if not isinstance(whole, ast.Tuple))):
            # An element or a slice of an array that is set changes the whole of it.
            if isinstance(target, ast.Subscript):
                old, new = self._changed(target.value, target)
                before, after = [*before, *old], [*after, *new]
        return [*before, node, *after]

    def _augmented(self, node: ast.AugAssign) -> list[ast.stmt]:
        node.value = self._rooted(node.value, "part")
        before: list[ast.stmt] = []
        after: list[ast.stmt] = []
        if _harmless(node.target):
            before, after = self._changed(node.target)
        if isinstance(node.target, ast.Subscript):
            old, new = self._changed(node.target.value, node.target)
            before, after = [*before, *old], [*after, *new]
        return [*before, node, *after]

    def _changed(self, base: ast.expr, element: ast.Subscript | None = None) -> tuple[list[ast.stmt], list[ast.stmt]]:
        """Record what a statement changes, or the whole that an element of it belongs to, before and after."""
        while isinstance(base, ast.Call) and isinstance(base.func, ast.Attribute):
            base = base.func.value  # of an array that is looked at in another form, as `theta.view("f8")`
        scope, name = self.scopes[-1], ast.unparse(base)
        if not _harmless(base) or self._module(base):
            return [], []
        old = self._number(base, "load", (), "")
        copy, again = loading(base), loading(base)
        if element is not None:
            element.slice = self.visit(element.slice)
        before = ast.copy_location(ast.Expr(self._seeing(copy, old)), base)
        return [before], [self._record(again, "changed", (old, *scope.parts), name)]

    def _expression(self, node: ast.Expr) -> list[ast.stmt]:
        """A call for its effect: what it was given may have changed."""
        call = node.value
        given: list[ast.expr] = []
        if isinstance(call, ast.Call):
            given = [*call.args, *(keyword.value for keyword in call.keywords)]
            given += [call.func.value] if isinstance(call.func, ast.Attribute) else []
            given = [each for each in given if _harmless(each) and not self._module(each)]
        copies = [loading(each) for each in given]
        node.value = self._rooted(node.value, "value")
        parts = tuple(self.scopes[-1].parts)
        return [node, *(self._record(each, "changed", parts, ast.unparse(each)) for each in copies)]

    def _rooted(self, node: ast.expr, kind: str) -> ast.expr:
        """Visit an expression that is the whole of something, and wrap it as that."""
        scope = self.scopes[-1]
        outer, scope.parts = scope.parts, []
        target, scope.target = scope.target, ""
        new = self._wrapped(node, kind, target) if not isinstance(node, ast.Constant) else node
        scope.parts = [*outer, *scope.parts]
        return new

    def _wrapped(self, node: ast.expr, kind: str, target: str = "") -> ast.expr:
        scope = self.scopes[-1]
        outer, scope.parts = scope.parts, []
        new = self._inside(node)
        site = self._number(node, kind, tuple(scope.parts), target)
        scope.parts = [*outer, site]
        return self._seeing(new, site)

    def _inside(self, node: ast.expr) -> Any:
        """Visit what an expression consists of."""
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute) and (self._module(node.func.value) or _storing(node.func)):
                pass
            elif isinstance(node.func, ast.Attribute):
                node.func.value = self.visit(node.func.value)
            elif not isinstance(node.func, ast.Name | ast.Attribute):
                node.func = self.visit(node.func)
            node.args = [self.visit(each) for each in node.args]
            for keyword in node.keywords:
                keyword.value = self.visit(keyword.value)
            return node
        if isinstance(node, ast.Attribute):
            if not isinstance(node.value, ast.Name) or node.attr == "T":
                node.value = self.visit(node.value)
            return node
        if isinstance(node, ast.IfExp):
            node.test, node.body, node.orelse = (
                self._rooted(node.test, "test"),
                self.visit(node.body),
                self.visit(node.orelse),
            )
            return node
        if isinstance(node, ast.Lambda | ast.JoinedStr | ast.Name):
            return self.visit_Lambda(node) if isinstance(node, ast.Lambda) else node
        self.generic_visit(node)
        return node

    def visit(self, node: ast.AST) -> Any:
        """Wrap an expression that may make or read an array or a number."""
        if not isinstance(node, ast.expr) or isinstance(node, SCOPES):
            return super().visit(node)
        reads = isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load)
        if reads and not self._module(node):
            return self._wrapped(node, "load")
        stores = not isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
        if isinstance(node, WRAPPED) and not stores:
            return self._wrapped(node, "part")
        return self._inside(node) if not reads else node

    def _module(self, node: ast.expr) -> bool:
        """Whether this is a module, or something of one, by its name."""
        while isinstance(node, ast.Attribute):
            node = node.value
        return isinstance(node, ast.Name) and node.id in self.modules

    def _number(self, node: ast.expr, kind: str, parts: tuple[int, ...], target: str) -> int:
        position = node.lineno, node.col_offset, node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
        scope = self.scopes[-1]
        self.sites.append(Site(position, scope.statement, scope.name, kind, target, parts, type(node).__name__))
        return self.first + len(self.sites) - 1

    def _record(self, node: ast.expr, kind: str, parts: tuple[int, ...], target: str) -> ast.stmt:
        return self._statement_seeing(node, self._number(node, kind, parts, target))

    def _statement_seeing(self, node: ast.expr, site: int) -> ast.stmt:
        return ast.copy_location(ast.Expr(self._seeing(loading(node), site)), node)

    def _seeing(self, node: ast.expr, site: int) -> ast.expr:
        call = ast.Call(ast.Name(SEEN, ast.Load()), [ast.Constant(site), node], [])
        for new in (call, call.func, call.args[0]):
            ast.copy_location(new, node)
        return call


def _storing(method: ast.Attribute) -> bool:
    """Whether a method only puts something into a list or a dict, whose entries are then not read."""
    return method.attr in ("append", "extend", "insert", "appendleft") and _harmless(method.value)


def _harmless(node: ast.AST) -> bool:
    """Whether an expression can be computed once more without doing anything."""
    parts = (ast.Name, ast.Attribute, ast.Subscript, ast.Constant, ast.Slice, ast.Tuple, ast.UnaryOp, ast.BinOp)
    spelt = (ast.JoinedStr, ast.FormattedValue)  # keys such as f"W{layer}", or "W" + str(layer)
    ignored = (ast.expr_context, ast.unaryop, ast.operator)

    def plain(each: ast.AST) -> bool:
        named = isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id in ("str", "len", "int")
        return named or isinstance(each, (*parts, *spelt, *ignored))

    return isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and all(map(plain, ast.walk(node)))


def head_end(statement: ast.stmt) -> int:
    """The last line of a statement; of a block's, of its head."""
    body = getattr(statement, "body", None)
    last = body[0].lineno - 1 if isinstance(body, list) else statement.end_lineno
    return max(statement.lineno, last or statement.lineno)


def first_line(function: ast.FunctionDef) -> int:
    """Where a function's code begins: with its decorators."""
    return min([function.lineno, *(each.lineno for each in function.decorator_list)])


def loading(node: ast.expr) -> ast.expr:
    """The same expression, read."""
    fresh = ast.parse(ast.unparse(node), mode="eval").body
    for each in ast.walk(fresh):
        ast.copy_location(each, node)
    return fresh


def rewrite(source: str, filename: str, first: int) -> tuple[ast.Module, list[Site]]:
    """Return a file's tree, rewritten, and its sites, which are numbered from `first`.

    Raises
    ------
    SyntaxError
        If the source is none of this Python's.
    """
    tree = ast.parse(source, filename)
    rewriter = Rewriter(tree, first)
    rewritten: ast.Module = rewriter.visit(tree)
    return ast.fix_missing_locations(rewritten), rewriter.sites
