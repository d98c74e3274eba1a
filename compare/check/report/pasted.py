"""An inferred adapter as the lines of a file: ready to be pasted below the network, and then checked by its name."""

import ast
import builtins

from compare.check.subject.inference.inference import VOCABULARY

NAME = "subject"
WIDTH = 100
IMPORTS = {"np": "import numpy as np", "functools": "import functools"}


def pasted(code: str, module: str = "") -> str:
    """The lines that make a subject of an adapter's code, with the imports that they need.

    Parameters
    ----------
    code : str
        A call of `adapt`.
    module : str
        Where what it names is imported from; "" where it stands in the same file.
    """
    call = ast.parse(code, mode="eval").body
    assert isinstance(call, ast.Call)
    used = {node.id for node in ast.walk(call) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    imports = [line for name, line in IMPORTS.items() if name in used]
    imports += ["from types import SimpleNamespace"] if "SimpleNamespace" in used else []
    imports += [f"from keras_parity import {', '.join(name for name in sorted(VOCABULARY) if name in used)}"]
    own = sorted(used - {*VOCABULARY, *IMPORTS, "SimpleNamespace"} - _bound(call) - {*dir(builtins)})
    imports += [f"from {module} import {', '.join(own)}"] if module else []
    line = f"{NAME} = {code}"
    if len(line) > WIDTH:
        given = [_segment(code, each) for each in call.args]
        given += [f"{each.arg}={_broken(code, each.value)}" for each in call.keywords]
        line = "\n".join([f"{NAME} = adapt(", *(f"    {each}," for each in given), ")"])
    return "\n".join([*imports, "", line])


def _bound(call: ast.Call) -> set[str]:
    """Names that are given inside the code: parameters, and what results are kept under."""
    arguments = {node.arg for node in ast.walk(call) if isinstance(node, ast.arg)}
    return arguments | {node.target.id for node in ast.walk(call) if isinstance(node, ast.NamedExpr)}


def _broken(code: str, value: ast.expr) -> str:
    """An argument; of a step in several calls, each in a line of its own."""
    whole = _segment(code, value)
    calls = value.body if isinstance(value, ast.Lambda) else value
    while isinstance(calls, ast.Subscript):
        calls = calls.value
    if len(whole) < WIDTH - 4 or not isinstance(calls, ast.Tuple):
        return whole
    elements = "".join(f"        {_segment(code, each)},\n" for each in calls.elts)
    return whole.replace(_segment(code, calls), f"(\n{elements}    )")


def _segment(code: str, node: ast.AST) -> str:
    return ast.get_source_segment(code, node) or ""
