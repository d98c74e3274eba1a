"""The process between the check and a subject: whichever of them ends, it ends all that the subject has started.

It watches from outside, so that it does not matter what the subject does: hold the interpreter for ever, ignore
signals, start processes in sessions of their own, or leave them to nobody.
"""

import os
import select
import shutil
import signal
import time
from contextlib import suppress

from compare.work.lifetime import ENDING, adopt_orphans, end_descendants, end_with_parent

INTERVAL = 0.25  # seconds between two looks at how much memory is taken
MUCH = b"memory"  # what the check is told where that was too much


def part(lifeline: int, memory: int, folder: str) -> None:
    """Part this process in two: the copy returns and becomes the subject's, this one watches over it and ends with it.

    Without fork, as on Windows, there is no warden: the subject's process ends when what it is asked through is closed.

    Parameters
    ----------
    lifeline : int
        The descriptor of a socket whose other end the check alone holds: it closes when the check is gone.
    memory : int
        Bytes that the subject, and all that it starts, may take.
    folder : str
        For its temporary files; it is removed in the end.
    """
    if not hasattr(os, "fork"):
        return
    warden = os.getpid()
    adopt_orphans()
    subject = os.fork()
    if subject:
        os._exit(_watch(subject, lifeline, memory, folder))
    end_with_parent(warden)
    os.setsid()
    os.close(lifeline)
    _limit(memory)


def _limit(memory: int) -> None:
    """Have the system refuse what is too much for one process, which then can say where; Linux alone does."""
    import resource

    with suppress(ValueError, OSError):  # a lower limit holds already
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))


def _watch(subject: int, lifeline: int, memory: int, folder: str) -> int:
    """Wait for the end of the subject or of the check; return the subject's exit status, or end by its signal."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    ended, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)  # the descriptor tells
    for descriptor in (0, 1):
        os.close(descriptor)  # the subject's: each of them ends with it
    status = None
    while status is None:
        readable, _, _ = select.select([lifeline, ended], [], [], INTERVAL)
        if ended in readable:
            os.read(ended, 4096)
        status = _reaped(subject)
        if lifeline in readable:
            break
        if status is None and _taken() > memory:
            with suppress(OSError):
                os.write(lifeline, MUCH)
            break
    end_descendants(os.getpid())
    _reaped(subject)  # and whatever was adopted: who comes after might take its time
    shutil.rmtree(folder, ignore_errors=True)
    if status is None:
        return 1
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        _die_by(-code)
    return code


def _reaped(subject: int) -> int | None:
    """Let go of the processes that have ended; return the subject's status, if it is one of them."""
    status = None
    with suppress(ChildProcessError):
        while True:
            process, its = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                break
            if process == subject:
                status = its
    return status


def _taken() -> int:
    """Bytes of memory that the subject, and all that it has started, take."""
    import psutil  # in this process alone, while the subject's is being loaded

    total = 0
    for each in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            total += each.memory_info().rss
    return total


def _die_by(number: int) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # if anyone's, the subject's is of interest
    with suppress(OSError, ValueError):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    time.sleep(1)
