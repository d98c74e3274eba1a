"""Lets nothing be written, deleted, started or sent while edits of a subject are tried: nobody wrote that program."""

import contextlib
import os
import sys
from collections.abc import Iterator

REFUSED = ("os.", "shutil.", "subprocess.", "socket.", "ctypes.", "pty.", "ftplib.", "smtplib.", "urllib.", "sqlite3.")
READS = frozenset(("os.listdir", "os.scandir", "os.walk", "os.fwalk", "os.add_dll_directory"))
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class _Guard:
    """An audit hook. It cannot be taken away again, so it stands aside while nothing is tried."""

    added = False
    active = False

    def __call__(self, event: str, given: tuple[object, ...]) -> None:
        """Refuse what reaches beyond the process."""
        if not self.active:
            return
        if event == "open":
            _, mode, flags = given
            writes = isinstance(mode, str) and set(mode) & set("wax+")
            if writes or (isinstance(flags, int) and flags & WRITES):
                raise PermissionError("nothing is written while edits are tried")
        elif event.startswith(REFUSED) and event not in READS:
            raise PermissionError(f"{event} is not done while edits are tried")


_guard = _Guard()


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Refuse meanwhile whatever reaches beyond the process."""
    if not _guard.added:
        sys.addaudithook(_guard)
        _guard.added = True
    _guard.active = True
    try:
        yield
    finally:
        _guard.active = False


@contextlib.contextmanager
def aside() -> Iterator[None]:
    """Have the guard stand aside, where it is not an edit that reaches beyond the process."""
    before, _guard.active = _guard.active, False
    try:
        yield
    finally:
        _guard.active = before
