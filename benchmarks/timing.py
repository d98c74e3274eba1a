"""Paired timing: contestants take turns, so that a busy moment of the machine hits all of them alike."""

import time
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Seconds = NDArray[np.float64]


def interleaved(contestants: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, Seconds]:
    """Call each contestant once unmeasured, then all in turn `repeats` times; the seconds of every call.

    Compilation, allocation and caches fall into the first call, which does not count.
    """
    for call in contestants.values():
        call()
    seconds = {name: np.empty(repeats) for name in contestants}
    for repeat in range(repeats):
        for name, call in contestants.items():
            start = time.perf_counter()
            call()
            seconds[name][repeat] = time.perf_counter() - start
    return seconds
