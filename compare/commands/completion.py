"""A shell's completion of the command line, and what it offers where only this program knows."""

import ast
import os
from collections.abc import Callable, Iterable
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args

import cyclopts

Shell = Literal["bash", "zsh", "fish", "powershell"]


def script(app: cyclopts.App, shell: Shell) -> str:
    """Return the completion of a command line for a shell."""
    made = app.generate_completion(shell=shell)
    if shell != "bash":
        return made
    return f"{made}\n{resources.files(__package__).joinpath('completion.bash').read_text(encoding='utf-8')}"


def complete(context: Any) -> Iterable[str]:
    """Return what an argument may be: by its name, or by what it takes."""
    hint = context.argument.hint
    offer = OFFERS.get(context.argument.field_info.name, _paths if Path in (hint, *get_args(hint)) else None)
    return offer(context.incomplete) if offer is not None else context.argument.get_choices(force=True) or ()


def _data(typed: str) -> list[str]:
    from compare.data.dataset import NAMES, REGRESSION

    return [*NAMES, *REGRESSION, *_paths(typed, lambda path: [path] * path.endswith(".csv"))]


def _targets(typed: str) -> list[str]:
    """FILE.py:NAME of what the files near define; they are read, and not run."""
    file = typed.rpartition(":")[0] if ":" in typed else typed
    return _paths(file, lambda path: [f"{path}:{name}" for name in _defined(path)] if path.endswith(".py") else [])


def _defined(path: str) -> list[str]:
    """The classes, functions and objects of a file that are not private."""
    try:
        tree = ast.parse(Path(path).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return []
    found = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.append(node.name)
        elif isinstance(node, ast.Assign):
            found += [target.id for target in node.targets if isinstance(target, ast.Name)]
    return [name for name in dict.fromkeys(found) if not name.startswith("_")]


def _paths(typed: str, offered: Callable[[str], list[str]] = lambda path: [path]) -> list[str]:
    """The folders that begin as what is typed, and what is offered of the files that do."""
    folder, begun = os.path.split(typed)
    found = []
    for name in sorted(os.listdir(folder or ".") if os.path.isdir(folder or ".") else ()):
        if name.startswith(begun) and (begun or not name.startswith(".")):
            path = os.path.join(folder, name)
            found += [f"{path}/"] if os.path.isdir(path) else offered(path)
    return found


OFFERS: dict[str, Callable[[str], list[str]]] = {
    "data": _data,
    "subject": _targets,
    "reference": _targets,
    "run": _paths,
    "other": _paths,
    "baseline": _paths,
}
