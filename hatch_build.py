"""The wheel's build hook: an installed keras-parity adds one import name.

A user's project has packages called `compare` or `results` too. So the wheel's packages lie in `keras_parity`, placed
by `sources` in `pyproject.toml`, and this hook makes their imports say so, as tools do that vendor libraries.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

Edit = tuple[int, int, str, str]


class Moved(BuildHookInterface[Any]):
    """Puts every module with its imports rewritten in the place of the module."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Rewrite the modules of a wheel; an editable install is the checkout as it is."""
        if version != "standard":
            return
        sources = self.build_config.sources
        moves = {name.rstrip("/"): place.rstrip("/").replace("/", ".") for name, place in sources.items()}
        self.folder = TemporaryDirectory()
        for number, file in enumerate(self.build_config.builder.recurse_selected_project_files()):
            if file.path.endswith(".py"):
                module = Path(self.folder.name, f"{number}.py")
                module.write_bytes(rewritten(Path(file.path).read_bytes(), moves, file.relative_path))
                build_data["force_include"][str(module)] = file.distribution_path

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the rewritten modules; they are in the wheel."""
        if version == "standard":
            self.folder.cleanup()


def rewritten(source: bytes, moves: Mapping[str, str], file: str) -> bytes:
    """Return a module's source with the imports of moved packages rewritten.

    Parameters
    ----------
    source : bytes
    moves : mapping of str to str
        Each moved package's name, and its new one.
    file : str
        Names the module in errors.

    Raises
    ------
    ValueError
        If the module names a moved package in a way that cannot be rewritten, or could be missed.
    """
    lines = source.splitlines(keepends=True)
    tree = ast.parse(source, file)
    named = "|".join(map(re.escape, moves))
    in_text = re.compile(rf"(?<![\w.])({named})\.\w|^({named})\.?$")
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and in_text.search(node.value):
            raise ValueError(f"{file}, line {node.lineno}: a moved package's name in a string; take it from __name__")
    for line, column, old, new in sorted(_edits(tree, lines, moves, file), reverse=True):
        text = lines[line - 1]
        lines[line - 1] = text[:column] + new.encode() + text[column + len(old) :]
    return b"".join(lines)


def _edits(tree: ast.AST, lines: list[bytes], moves: Mapping[str, str], file: str) -> Iterator[Edit]:
    """Each moved name in an import: its line and column, the name, and what takes its place."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            name = node.module.partition(".")[0]
            if name in moves:
                begun = re.match(rf"from[ \t]+(?={name}\b)".encode(), lines[node.lineno - 1][node.col_offset :])
                if begun is None:
                    raise ValueError(f"{file}, line {node.lineno}: write `from {name}` on one line")
                yield node.lineno, node.col_offset + begun.end(), name, moves[name]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                name, _, inner = alias.name.partition(".")
                if name in moves:
                    if inner and not alias.asname:
                        raise ValueError(f"{file}, line {alias.lineno}: write `from {name} import ...`")
                    bound = "" if alias.asname else f" as {name}"
                    yield alias.lineno, alias.col_offset, name, f"{moves[name]}{bound}"
