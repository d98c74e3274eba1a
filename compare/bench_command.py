"""The `bench` command: the benchmarks, which come with the project's checkout and not with the installed package."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from compare.errors import InputError


def bench(
    *,
    quick: Annotated[bool, Parameter(negative="")] = False,
    threads: int = 1,
    whole_process: Annotated[bool, Parameter(negative="")] = False,
    out: Path = Path("benchmarks/results"),
) -> int:
    """Measure speed beside scikit-learn, PyTorch, JAX and Keras, in one run: a table, two plots.

    Needs a checkout of the project; `make bench` installs the peers. Exit status 1: a bar is missed.

    Parameters
    ----------
    quick
        See that everything runs; the figures mean nothing.
    threads
        Threads, and cores, of every library.
    whole_process
        Also time the main job from the shell, which takes minutes.
    out
        The folder for table and plots.
    """
    if threads < 1:
        raise InputError(f"`threads` must be a positive integer. Received: {threads}")
    try:
        from benchmarks.__main__ import main
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("benchmarks"):
            raise
        raise InputError(
            "`bench` must run in a checkout of the project. Received: an installed package without its benchmarks; "
            "clone the project and run `make bench` there"
        ) from None
    flags = [name for name, wanted in (("--quick", quick), ("--whole-process", whole_process)) if wanted]
    return main([*flags, "--threads", str(threads), "--out", str(out)])
