"""A subject's process, seen from the check: started, asked, and ended with all that it started."""

import itertools
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from compare.check.subject.messages import Answer, Made, Request, answers
from compare.check.subject.tasks import TOO_LONG, Did
from compare.check.subject.warden import MUCH
from compare.check.subject.wire import Garbled, answer, receive, send
from compare.work.lifetime import end_descendants

# Where this package is imported from, whatever it is called: the subject's process must find the same one.
ROOT = Path(__file__).resolve().parents[len(__name__.split(".")) - 1]
START = (
    "import sys; sys.path.append({root!r}); from {package}.warden import part; part({lifeline}, {memory}, {folder!r}); "
    "from {package}.serving import serve; serve()"
)
# The subject's own limit is looked at between its steps, and tells more; only then is its process ended.
GRACE = 0.5
PATIENCE = 0.4  # seconds for a warden to end all that there is


class Gone(Exception):
    """The process ended, or was ended, before it answered; the message says how. `late`: for it took too long."""

    def __init__(self, why: str, late: bool = False) -> None:
        super().__init__(why)
        self.late = late


class SubjectProcess:
    """A subject's process with its warden, which ends it, and whatever that has started, however this process ends.

    Parameters
    ----------
    memory : int
        Bytes that the subject, and all that it starts, may take.
    """

    def __init__(self, memory: int) -> None:
        self.memory = memory
        self.folder = tempfile.mkdtemp(prefix="keras-parity-")
        self.lifeline, theirs = socket.socketpair()
        with theirs:
            kept = {"lifeline": theirs.fileno(), "memory": memory, "folder": self.folder}
            command = [sys.executable, "-c", START.format(root=str(ROOT), package=__package__, **kept)]
            temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), self.folder)
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # nobody reads it; in a file it might fill the disk
                env=os.environ | {"MPLBACKEND": "Agg", "PYTHONSAFEPATH": "1"} | temporary,
                start_new_session=True,
                pass_fds=[theirs.fileno()] if hasattr(os, "fork") else [],
            )
        self.numbers = itertools.count()
        self.thread: threading.Thread | None = None

    def ask(self, request: Request, seconds: float, steps: list[Did]) -> Any:
        """Return the answer to a request; `steps` gets each step that is told on the way.

        Raises
        ------
        Gone
            If the process ends, or answers what it was not asked, or not in `seconds`.
        """
        arrived: queue.SimpleQueue[Any] = queue.SimpleQueue()
        number = next(self.numbers)
        self.thread = threading.Thread(target=self._exchange, args=(number, request, arrived), daemon=True)
        self.thread.start()
        until = time.monotonic() + seconds + GRACE
        while True:
            if time.monotonic() > until:
                raise Gone(f"{TOO_LONG}: more than {seconds:g} s", late=True)
            try:
                value = arrived.get(timeout=0.1)
            except queue.Empty:
                if not self._ended():
                    continue
                # What it told last may still be on its way.
                value = _next(arrived)
            if isinstance(value, BaseException):
                raise Gone(self._fate(value)) from None
            of, found = value
            if of != number or not answers(request, found, len(steps)):
                steps.clear()  # whose they are is not known either
                raise Gone("it answers what it was not asked: something else writes to where its process answers")
            if not isinstance(found, Made):
                return found
            steps.append(found.did)

    def _exchange(self, number: int, request: Request, arrived: "queue.SimpleQueue[Any]") -> None:
        """Send a request and pass on what comes, in a thread: either may wait for ever."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            send(self.process.stdin, number, request)
            found: Answer | None = None
            while found is None or isinstance(found, Made):
                of, data = receive(self.process.stdout)
                found = answer(data)
                arrived.put((of, found))
        except (EOFError, OSError, ValueError, Garbled) as error:
            arrived.put(error)

    def _ended(self) -> bool:
        """Whether the process has ended. It is left for `end`: until then its number belongs to its group alone."""
        if hasattr(os, "waitid") and self.process.returncode is None:
            return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        return self.process.poll() is not None

    def _fate(self, error: BaseException) -> str:
        if isinstance(error, Garbled):
            return "it writes to where its process answers"
        until = time.monotonic() + GRACE
        while not self._ended():
            if time.monotonic() > until:
                return "it closes what its process answers through"
            time.sleep(0.01)
        if self._told() == MUCH:
            return f"it takes too much memory: more than {self.memory / 1e9:.2g} GB"
        self.end()
        status = self.process.returncode
        if status >= 0:
            return f"its process ended with status {status}"
        names = {each.value: each.name for each in signal.Signals}
        return f"its process was killed by signal {names.get(-status, -status)}"

    def _told(self) -> bytes:
        """What the warden said when it ended."""
        self.lifeline.setblocking(False)
        with suppress(OSError):
            return self.lifeline.recv(len(MUCH))
        return b""

    def end(self) -> None:
        """End the process and all that it started."""
        if self.lifeline.fileno() < 0:
            return
        self.lifeline.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(PATIENCE)
        if self.process.returncode is None:  # there is no warden, or the subject has stopped it
            end_descendants(self.process.pid)
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.thread is not None:
            self.thread.join(PATIENCE)
            if self.thread.is_alive():  # what could not be ended holds the other ends, and these cannot be closed
                return
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            with suppress(OSError):  # what was not sent
                stream.close()


def _next(arrived: "queue.SimpleQueue[Any]") -> Any:
    try:
        return arrived.get(timeout=0.5)
    except queue.Empty:
        return EOFError()
