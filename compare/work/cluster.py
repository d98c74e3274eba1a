"""The way to a Dask cluster, checked before work is sent there."""

import logging
import socket
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from compare.errors import InputError
from compare.phrases import complain
from compare.runs import provenance

ANSWER = 2.0  # seconds for a scheduler to answer
FIRST_WORKER = 600.0  # seconds: a cluster may take minutes to start one
LOST_WORKERS = 60.0  # seconds that a cluster may be without any, once it had some


class Lost(Exception):
    """A cluster that is no longer there; the message says what of it."""


class Cluster:
    """A Dask cluster, as an executor that says whether there is still someone behind it."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.executor: Executor = client.get_executor(pure=False)
        self._seen: set[str] = set()
        self._last = time.monotonic()

    def workers(self) -> int:
        """Return how many calls can be made at a time; tell of workers that are gone.

        Raises
        ------
        Lost
            If there is no scheduler any more, or there has been no worker for long.
        """
        if self._client.status != "running":
            raise Lost("which answers no more")
        found = self._client.scheduler_info(n_workers=-1)["workers"]
        for gone in self._seen - set(found):
            complain(f"the worker {gone} is gone; what it had is run by another")
        self._seen = set(found)
        if found:
            self._last = time.monotonic()
        elif time.monotonic() - self._last > LOST_WORKERS:
            raise Lost(f"which has had no worker for {LOST_WORKERS:.0f} s")
        return sum(each["nthreads"] for each in found.values())


@contextmanager
def connected(scheduler: str) -> Iterator[Cluster]:
    """Connect to a Dask cluster whose workers have this process's versions of what the numbers depend on.

    Raises
    ------
    InputError
        If Dask is not installed, the scheduler does not answer, or its workers are none, lack keras-parity, or have
        other versions.
    """
    try:
        _greeted(scheduler)
        from distributed import Client

        for name in [name for name in logging.root.manager.loggerDict if name.split(".")[0] == "distributed"]:
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters of it is told here
        client = Client(scheduler, timeout=ANSWER, set_as_default=False)
    except ImportError:
        raise InputError(
            f"`scheduler` needs Dask. Received: {scheduler}; install the extra: pip install 'keras-parity[cluster]'"
        ) from None
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split()) or "no answer"
        raise InputError(
            f"`scheduler` must be the address of a running Dask scheduler, as tcp://HOST:8786. "
            f"Received: {scheduler} ({reason})"
        ) from None
    with client:
        if not client.nthreads():
            complain(f"{scheduler} has no worker yet; waiting for one")
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
        yield Cluster(client)


def _greeted(scheduler: str) -> None:
    """Wait for what a Dask scheduler says first, since its client waits for ever for one who only listens.

    Raises
    ------
    OSError or ValueError
        If it does not come.
    """
    address = urlsplit(scheduler if "://" in scheduler else f"tcp://{scheduler}")
    if address.scheme != "tcp":
        return
    if not address.hostname or not address.port:
        raise ValueError("it has no host, or no port")
    with socket.create_connection((address.hostname, address.port), ANSWER) as connection:
        if not connection.recv(1):
            raise ConnectionError("it hangs up")


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
