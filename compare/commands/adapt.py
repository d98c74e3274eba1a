"""The command `adapt`: how a network of any shape is driven, found out and written as an adapter."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from compare.check.settings import Settings
from compare.commands.source import Source
from compare.errors import InputError


def adapt(
    subject: str,
    *,
    source: Source = Source(),
    settings: Annotated[Settings, Parameter(name="*")] = Settings(),
    out: Path | None = None,
) -> int:
    """Write the adapter by which `check` drives a network of any shape.

    This runs the code in FILE.py, in a process of its own. Examples: `keras-parity adapt net.py`,
    `keras-parity adapt net.py:Network --out adapter.py`, then `keras-parity check adapter.py`.

    Parameters
    ----------
    subject
        FILE.py, or FILE.py:NAME where more than one thing in it could be meant.
    out
        A new file for it, beside FILE.py; by default it is printed, to be pasted below the network.
    """
    from compare.check.subject.loading import split_target

    path, name = split_target(subject, name_wanted=False)
    if out is not None:
        _check_new(out, path)
    from compare.check.planning import described
    from compare.check.report.pasted import pasted
    from compare.check.subject.drivers import Isolated
    from compare.show.terminal.lines import say

    memory = None if source.memory_limit is None else int(source.memory_limit * 1e9)
    with Isolated(path, name, source.time_limit, source.definitions_only, memory) as driver:
        said = described(driver, source.data, source.index_column, settings)
    if "error" in said:
        raise InputError(f"`subject` must be a network that can be driven. Received: {subject}; {said['error']}")
    code = said.get("adapter", "")
    if not code:
        say(f"# {path.name}:{name or said.get('name', '')} needs no adapter: it is driven as it is")
        return 0
    if activations := said.get("activations"):
        say(f"# check it with --activations {' '.join(activations)}")
    if out is None:
        say(pasted(code))
    else:
        out.write_text(pasted(code, path.stem) + "\n", encoding="utf-8")
    return 0


def _check_new(out: Path, path: Path) -> None:
    """Refuse a file that is there already, or from which the network could not be imported."""
    if out.exists() or out.suffix != ".py":
        raise InputError(f"`out` must be a new file, for example adapter.py. Received: {out}")
    if out.resolve().parent != path.parent or not path.stem.isidentifier():
        raise InputError(
            f"`out` must be in the folder of {path.name}, which it imports, and that a module's name. Received: {out}; "
            "leave `out` away, and paste what is printed"
        )
