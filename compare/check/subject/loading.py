"""Loads the thing under check from a file, as its author's own process would find it."""

import ast
import difflib
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from compare.check.subject.definitions import definitions, missing, note
from compare.check.subject.refusal import Refusal
from compare.errors import InputError
from compare.phrases import parted


def spelt(target: str, argument: str = "subject", name_wanted: bool = True) -> tuple[Path, str]:
    """Split FILE.py:NAME, of whose file nothing is known but that it is there.

    Without `name_wanted` FILE.py is enough; the name is then "".

    Raises
    ------
    InputError
        If it is spelt wrongly, or there is no such file.
    """
    file, name = parted(target)
    if not file.endswith(".py") or not (name.isidentifier() or (file == target and not name_wanted)):
        form = "FILE.py:NAME" if name_wanted else "FILE.py or FILE.py:NAME"
        raise InputError(f"`{argument}` must be {form}, for example net.py:Network. Received: {target!r}")
    if not Path(file).is_file():
        raise InputError(f"`{argument}` must be in a file. Received: {file!r}, which does not exist")
    return Path(file), name


def split_target(target: str, argument: str = "subject", name_wanted: bool = True) -> tuple[Path, str]:
    """Split FILE.py:NAME, and check what can be checked without running the file.

    Without `name_wanted` FILE.py is enough; the name is then "".

    Raises
    ------
    InputError
        If it is spelt wrongly, there is no such file, or it is no Python.
    """
    path, name = spelt(target, argument, name_wanted)
    file = str(path)
    try:
        tree = ast.parse(path.read_bytes(), path.name)
    except (SyntaxError, ValueError) as error:
        raise InputError(f"`{argument}` must be in a Python file. Received: {file!r}: {error}") from None
    names = _defined(tree)
    stars = any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in ast.walk(tree))
    if name and name not in names and not stars and "__getattr__" not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"It defines: {', '.join(sorted(names)[:8]) or 'nothing'}"
        raise InputError(f"`{argument}` must name something in {file!r}. Received: {name!r}. {hint}")
    return path.resolve(), name


def _defined(tree: ast.Module) -> set[str]:
    """Every name bound anywhere in a module: more than its own names, so that none is missed."""
    found = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    found |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    return found


def load_target(path: Path, name: str, definitions_only: bool) -> Any:
    """Run the file, or its definitions only, and return what it calls `name`.

    Raises
    ------
    Refusal
        If the name is not there once the file has run, or is not among its definitions.
    """
    return named(load_file(path, name, definitions_only), path, name, definitions_only)


def named(module: ModuleType, path: Path, name: str, definitions_only: bool) -> Any:
    """Return what a file that has run calls `name`.

    Raises
    ------
    Refusal
        If it calls nothing so.
    """
    try:
        return getattr(module, name)
    except AttributeError:
        where = "its definitions do" if definitions_only else "it does"
        raise Refusal(f"{where} not define `{name}` at the top level of {path.name}: move it there") from None


def load_file(path: Path, name: str, definitions_only: bool) -> ModuleType:
    """Run the file, or its definitions only, with what it calls `name`, if that is not "".

    Its folder, or that of the outermost package it lies in, comes first on the path.

    Raises
    ------
    Refusal
        If what it calls so needs what is left out.
    """
    root, parts = path.parent, [path.stem]
    while (root / "__init__.py").is_file():
        parts.insert(0, root.name)
        root = root.parent
    sys.path.insert(0, str(root))
    if str(path.parent) != str(root):
        sys.path.insert(1, str(path.parent))
    sys.argv = [str(path)]
    module_name = ".".join(parts) if len(parts) > 1 else "subject_under_check"
    if len(parts) > 1:
        importlib.import_module(".".join(parts[:-1]))
    module = ModuleType(module_name)
    module.__file__, module.__package__ = str(path), ".".join(parts[:-1])
    sys.modules[module_name] = module
    tree = ast.parse(path.read_bytes())
    if definitions_only:
        tree.body, left_out = definitions(tree, name)
        if needed := missing(tree.body, left_out, name):
            what = ", ".join(map(str, needed))
            raise Refusal(f"`{name}` needs what `definitions_only` leaves out: {what}; move it into a function")
    exec(compile(tree, str(path), "exec"), vars(module))
    return module


def left_out_of(path: Path, name: str) -> str:
    """Say what of a file is not run if it is loaded by its definitions only; "" for nothing."""
    return note(definitions(ast.parse(path.read_bytes()), name)[1])
