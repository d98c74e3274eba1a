"""The way to a Dask cluster, checked before work is sent there."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from compare.errors import InputError
from compare.runs import provenance

ANSWER = 10.0  # seconds for a scheduler to answer
FIRST_WORKER = 600.0  # seconds: a cluster may take minutes to start one


@contextmanager
def connected(scheduler: str) -> Iterator[Any]:
    """Connect to a Dask cluster whose workers have this process's versions of what the numbers depend on.

    Yields
    ------
    distributed.Client

    Raises
    ------
    InputError
        If Dask is not installed, the scheduler does not answer, or its workers are none, lack keras-parity, or have
        other versions.
    """
    try:
        from distributed import Client
    except ImportError:
        raise InputError(
            f"`scheduler` needs Dask. Received: {scheduler}; install the extra: pip install 'keras-parity[cluster]'"
        ) from None
    try:
        client = Client(scheduler, timeout=ANSWER, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split()) or "no answer"
        raise InputError(
            f"`scheduler` must be the address of a running Dask scheduler, as tcp://HOST:8786. "
            f"Received: {scheduler} ({reason})"
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=FIRST_WORKER)
        except TimeoutError:
            raise InputError(
                f"`scheduler` must have a worker. Received: {scheduler}, which had none for {FIRST_WORKER:.0f} s; "
                f"start one: dask worker {scheduler} --nthreads 1"
            ) from None
        for worker, theirs in _versions(client, scheduler).items():
            differing = [
                f"{name} {theirs.get(name)}" for name, ours in provenance.versions().items() if theirs.get(name) != ours
            ]
            if differing:
                raise InputError(
                    f"`scheduler` must have workers with the versions used here. Received: {', '.join(differing)} "
                    f"on {worker}; install the same there"
                )
        yield client


def _versions(client: Any, scheduler: str) -> dict[str, dict[str, str]]:
    """Each worker's versions."""
    try:
        found: dict[str, dict[str, str]] = client.run(provenance.versions)
    except Exception as error:  # Dask says with a plain one that a worker does not find our module
        reason = " ".join(str(error).split())
        raise InputError(
            "`scheduler` must have workers that have keras-parity as it is here, from a wheel or from a checkout. "
            f"Received: {scheduler}, where {provenance.versions.__module__} does not load ({reason})"
        ) from None
    return found
