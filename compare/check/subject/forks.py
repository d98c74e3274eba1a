"""Notices what a subject forks and leaves running: it would go on for ever, or go on with the check itself."""

import os
import time
from types import TracebackType

from compare.check.subject.kinds import Refusal
from compare.check.subject.tasks import LEFT_RUNNING

GRACE = 1.0  # seconds that a forked process may take to end


class LeavesFork(Refusal):
    """A process that was forked still runs."""


class WatchForks:
    """While this is entered, whoever is forked holds an end of a pipe; it must be let go soon after.

    Programs that are started (and not merely forked) do not inherit it. A forked copy that comes out here itself
    ends: what follows is not its business.
    """

    def __enter__(self) -> "WatchForks":
        self.forks = hasattr(os, "fork")
        if self.forks:
            self.process = os.getpid()
            self.incoming, self.outgoing = os.pipe()
            os.set_blocking(self.incoming, False)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if not self.forks:
            return
        if os.getpid() != self.process:
            os._exit(0)
        try:
            os.close(self.outgoing)
            held = self._held()
            os.close(self.incoming)
        except OSError:  # closed by the subject, with whatever else was open
            return
        if held:
            raise LeavesFork(LEFT_RUNNING) from None

    def _held(self) -> bool:
        until = time.monotonic() + GRACE
        while True:
            try:
                if not os.read(self.incoming, 1024):
                    return False
            except BlockingIOError:
                if time.monotonic() > until:
                    return True
                time.sleep(0.01)
