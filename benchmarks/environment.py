"""Where a benchmark ran: machine, threads, versions. No host name."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("numpy", "scikit-learn", "tensorflow", "keras", "torch", "jax")
VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
PEERS = {"pytorch": "torch", "jax_scan": "jax"}


@contextmanager
def limited_threads(threads: int) -> Iterator[None]:
    """Give every library the same number of threads, for as long as the context lasts.

    The variables have effect on what is imported inside. Where the system can, this thread and those it starts
    are also pinned to as many cores, which holds for any library.
    """
    before = dict(os.environ)
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    os.environ.update(dict.fromkeys(VARIABLES, str(threads)))
    os.environ.update(JAX_PLATFORMS="cpu", CUDA_VISIBLE_DEVICES="-1", TF_CPP_MIN_LOG_LEVEL="3")
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"  # as runs of ours have it; Keras's own `fit` is no slower without
    if threads == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    if cores:
        os.sched_setaffinity(0, sorted(cores)[:threads])
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        if cores:
            os.sched_setaffinity(0, cores)


def missing_peers() -> list[str]:
    """Names of optional contestants that are not installed."""
    return [contestant for contestant, package in PEERS.items() if _version(package) is None]


def describe(threads: int) -> dict[str, str]:
    """Say on what, and with what, the benchmark ran."""
    import numpy as np

    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "threads": f"{threads} for every library",
        "load": f"{os.getloadavg()[0]:.1f} processes on average in the last minute",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        **{package: _version(package) or "not installed" for package in PACKAGES},
        "blas": f"{blas['name']} {blas['version']}",
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    for line in cpuinfo.read_text().splitlines() if cpuinfo.exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "processor unknown"
