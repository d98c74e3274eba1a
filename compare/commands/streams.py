"""Standard output and error that never stop a command: what cannot be written is lost, and that it was is noted."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, TextIO


class Patient:
    """A stream that raises nothing: it may be closed, its disk full, its reader gone, its encoding too small.

    Attributes
    ----------
    failure : OSError or None
        Why something that was written is lost.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.failure: OSError | None = None
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")

    def write(self, text: str) -> int:
        """Write, if that is possible."""
        self._do(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        """Flush, if that is possible."""
        self._do(self._stream.flush)

    def _do(self, function: Callable[..., Any], *arguments: Any) -> None:
        try:
            function(*arguments)
        except OSError as error:
            self.failure = self.failure or error
            self._forget()

    def _forget(self) -> None:
        """Let what is still to be written go nowhere; a stream that fails keeps it, and would fail again."""
        with suppress(OSError), open(os.devnull, "wb") as nothing:  # a stream may have no number
            os.dup2(nothing.fileno(), self._stream.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def patient_streams() -> Iterator[Patient]:
    """Let a command write to streams that raise nothing; yield its standard output."""
    kept = sys.stdout, sys.stderr
    with ExitStack() as places:
        # A closed stream is given a place all the same: the next file that is opened would get its number, and with it
        # whatever a library prints.
        out, err = (Patient(stream or places.enter_context(open(os.devnull, "w", encoding="utf-8"))) for stream in kept)
        sys.stdout, sys.stderr = out, err  # as much of a stream as anyone asks for
        try:
            yield out
        finally:
            out.flush()
            err.flush()
            sys.stdout, sys.stderr = kept
