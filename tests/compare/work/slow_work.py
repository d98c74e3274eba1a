"""Functions for shards: quick, importable by a worker, and some of them fail."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pandas as pd

Seeds = list[np.random.SeedSequence]


def draw(epochs: int, seeds: Seeds) -> pd.DataFrame:
    """One number for each replicate and epoch."""
    values = np.array([np.random.default_rng(seed).random(epochs) for seed in seeds])
    replicate, epoch = np.indices(values.shape).reshape(2, -1)
    return pd.DataFrame({"replicate": replicate, "epoch": epoch, "loss": values.ravel()})


def fail_at(epochs: int, replicate: int, memory: str, seeds: Seeds) -> pd.DataFrame:
    """Fail in the shard that holds this replicate: always, or, given a file to remember it by, once."""
    if any(seed.spawn_key[-1] == replicate for seed in seeds):
        if memory and Path(memory).exists():
            return draw(epochs, seeds)
        if memory:
            Path(memory).touch()
        raise ArithmeticError(f"replicate {replicate} is broken")
    return draw(epochs, seeds)


def die_at(epochs: int, replicate: int, memory: str, seeds: Seeds) -> pd.DataFrame:
    """As `fail_at`, but the whole process is killed."""
    try:
        return fail_at(epochs, replicate, memory, seeds)
    except ArithmeticError:
        os.kill(os.getpid(), signal.SIGKILL)
        raise


def where(seconds: float, seeds: Seeds) -> pd.DataFrame:
    """Take a while, and tell in which process."""
    time.sleep(seconds)
    return draw(1, seeds).assign(pid=os.getpid())


def die_once(memory: str) -> int:
    """Kill this process the first time; then return its number."""
    if not Path(memory).exists():
        Path(memory).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()
