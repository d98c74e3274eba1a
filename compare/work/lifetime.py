"""How processes end together, and leave nothing: a helper ends with who started it, and with it all it has started."""

import ctypes
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

# Of Linux's prctl; there the system itself sees to what other systems' processes have to watch for.
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36

HAVE_THREADS = ("tensorflow", "torch", "jax")  # once they compute

INTERVAL = 0.5  # seconds between two looks at a parent, where the system does not tell that it is gone
PATIENCE = 2.0  # seconds for what a killed process has started to end

# What asks a process to end: a command does so cleanly, and those that clean up after one ignore it.
ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def _prctl(option: int, value: int) -> bool:
    return sys.platform == "linux" and ctypes.CDLL(None).prctl(option, value, 0, 0, 0) == 0


def may_be_copied() -> bool:
    """Whether a copy of this process can go on as it can: it lacks the threads that some libraries have."""
    return hasattr(os, "fork") and not any(name in sys.modules for name in HAVE_THREADS)


def adopt_orphans() -> bool:
    """Become the parent of every descendant whose own parent ends, so that none gets lost; whether that is possible."""
    return _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent(parent: int) -> None:
    """Let this process end when its parent does, however that ends.

    Parameters
    ----------
    parent : int
        The process that started this one. It is not asked for here: by now it may be gone, and another in its place.
    """
    if not _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) and hasattr(os, "fork"):
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if hasattr(os, "fork") and os.getppid() != parent:
        os._exit(1)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(INTERVAL)
    os._exit(1)


def end_descendants(ancestor: int, seconds: float = 1.0) -> None:
    """End all that a process has started, and what that has started, with the groups that they are in.

    A group is ended at once, so that nothing in it can start more meanwhile; the group of this process is left alone.

    Parameters
    ----------
    ancestor : int
    seconds : float
        After which to give up: a process in the middle of a system call ends later.
    """
    import psutil  # which takes as long as all else that a subject's process needs before NumPy

    until = time.monotonic() + seconds
    with suppress(psutil.Error):
        process = psutil.Process(ancestor)
        while time.monotonic() < until:
            found = process.children(recursive=True)
            _end_groups([each.pid for each in found])  # those of the dead too: others may live in them
            living = []
            for each in found:
                with suppress(psutil.Error):
                    if each.status() != psutil.STATUS_ZOMBIE:
                        living.append(each)
                        each.kill()
            if not living:
                return
            psutil.wait_procs(living, timeout=0.05)


def _end_groups(processes: list[int]) -> None:
    if not hasattr(os, "killpg"):
        return
    for process in processes:
        with suppress(ProcessLookupError, PermissionError):
            group = os.getpgid(process)
            if group != os.getpgrp():
                os.killpg(group, signal.SIGKILL)


def own_temporary_folder() -> None:
    """Have this process, and all that it starts, keep temporary files in a folder that goes when this process ends.

    However it ends: a copy of it, forked now, while it is small, waits for that. TensorFlow leaves such files where it
    is killed. Without fork, as on Windows, nothing is done.
    """
    if not hasattr(os, "fork"):
        return
    try:
        folder = tempfile.mkdtemp(prefix="keras-parity-")
    except OSError:  # there is no room, and so nothing to remove
        return
    gone, kept = os.pipe()  # the other end is open for as long as this process lives
    if os.fork():
        os.close(gone)
        os.environ["TMPDIR"] = tempfile.tempdir = folder
        return
    os.setsid()
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    for descriptor in (0, 1, 2, kept):
        os.close(descriptor)
    os.read(gone, 1)
    until = time.monotonic() + PATIENCE
    while Path(folder).exists() and time.monotonic() < until:  # a helper may write into it while it ends
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.05)
    os._exit(0)
