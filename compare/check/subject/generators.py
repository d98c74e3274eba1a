"""The random generators that the user's own modules keep: each task begins with them as they were before the first."""

import contextlib
import random
import sys
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from compare.check.subject import tracing


@contextlib.contextmanager
def generators_kept(seed: int) -> Iterator[None]:
    """Put every generator back afterwards; meanwhile, with a `seed` that is not 0, each is so many draws further."""
    kept = [_kept(each) for each in _GENERATORS.now()]
    try:
        for generator, _ in kept:
            for _ in range(seed):
                generator.random()
        yield
    finally:
        for _, put_back in kept:
            put_back()


def _kept(generator: Any) -> tuple[Any, Callable[[], object]]:
    """A generator, and what puts it back to where it is now."""
    if isinstance(generator, np.random.Generator):
        bits, state = generator.bit_generator, generator.bit_generator.state
        return generator, lambda: setattr(bits, "state", state)
    if isinstance(generator, np.random.RandomState):
        old = generator.get_state()
        return generator, lambda: generator.set_state(old)
    python = generator.getstate()
    return generator, lambda: generator.setstate(python)


class _Generators:
    """Those of the modules that there are; looked for again where there are others, since it takes milliseconds."""

    def __init__(self) -> None:
        self._modules: dict[str, Any] = {}
        self._found: list[Any] = []

    def now(self) -> list[Any]:
        """All that there are now."""
        if self._modules != sys.modules:
            self._modules = sys.modules.copy()
            own = [each for each in self._modules.values() if isinstance(each, ModuleType) and _is_own(each)]
            values = ((value, module.__name__) for module in own for value in list(vars(module).values()))
            found = [each for value, name in values for each in _inside(value, name)]
            self._found = list({id(each): each for each in found}.values())
        return self._found


_GENERATORS = _Generators()


def _is_own(module: ModuleType) -> bool:
    """Whether a module is the user's; that of a notebook has no file."""
    file = getattr(module, "__file__", None)
    return module.__name__ == "__main__" if file is None else tracing.own(file)


def _inside(value: Any, module: str) -> Iterator[Any]:
    """The generators that a module's value is, or that its class or function keeps."""
    if isinstance(value, np.random.Generator | np.random.RandomState | random.Random):
        yield value
    elif isinstance(value, FunctionType) and value.__module__ == module:
        for each in (*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()):
            yield from _inside(each, module)
    elif isinstance(value, type) and value.__module__ == module:
        for each in list(vars(value).values()):
            yield from _inside(each, module)
