"""What the garbage collector leaves alone, and the user's functions in it, of which it then no longer tells.

TensorFlow makes half a million objects, which stay. To look through them for the functions that have some code takes
longer than most steps.
"""

import gc
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FunctionType
from weakref import WeakSet

LIBRARIES = tuple(
    {str(Path(path).resolve()) for name, path in sysconfig.get_paths().items() if name.endswith(("lib", "stdlib"))}
)
_kept: WeakSet[FunctionType] = WeakSet()


def installed(path: str) -> bool:
    """Whether a file is Python's own or an installed package's."""
    return "site-packages" in path or "dist-packages" in path or path.startswith(LIBRARIES)


@contextmanager
def freezing(collected: bool = True) -> Iterator[None]:
    """Have the garbage collector leave all alone that there is at the end of the block, in which it does not run.

    The user's functions that there are before are kept in mind: the block imports a library, and makes none of them.

    Parameters
    ----------
    collected : bool
        Whether it runs once at the end. Else what importing leaves in cycles stays, and with a traceback among it all
        that the functions hold in which it was imported.
    """
    functions = [each for each in gc.get_objects() if type(each) is FunctionType]
    files = {function.__code__.co_filename for function in functions}
    own = {path for path in files if not installed(path)}
    _kept.update(function for function in functions if function.__code__.co_filename in own)
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collected:
            gc.collect()
        gc.freeze()
        if collecting:
            gc.enable()


def functions_of(codes: Sequence[CodeType]) -> list[FunctionType]:
    """Return all the user's functions that have one of these codes."""
    if not codes:
        return []
    found = [*_kept, *(each for each in gc.get_referrers(*codes) if type(each) is FunctionType)]
    wanted = set(map(id, codes))
    return [function for function in found if id(function.__code__) in wanted]
