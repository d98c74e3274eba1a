"""Whatever a subject raises, in one line; and the one exception that is not the subject's: the user's Ctrl-C."""

import contextlib
import signal
import threading
import traceback
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import FrameType

from compare.check.subject.kinds import Refusal
from compare.phrases import short

HERE = Path(__file__).resolve().parents[len(__name__.split(".")) - 2]  # this package, whatever it is called


class Interrupted(KeyboardInterrupt):
    """A real interrupt by the user, told apart from a `KeyboardInterrupt` that a subject raises."""


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Let the user's interrupt through, where every other exception is taken for the subject's.

    A subject may swallow it: it is then raised at the end.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield  # interrupts go elsewhere, or nowhere
        return
    noted = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal noted
        try:
            before(number, frame)
        except KeyboardInterrupt:
            noted = True
            raise Interrupted from None

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if noted:
        raise Interrupted


def describe(error: BaseException) -> str:
    """Name an exception in one line, even one that cannot be printed."""
    if isinstance(error, SystemExit):
        return "it calls exit"
    if isinstance(error, Refusal):
        return short(str(error))
    return short(f"it raises {type(error).__name__}{_message(error)}{_place(error)}")


def _message(error: BaseException) -> str:
    try:
        text = " ".join(str(error).split())
    except Interrupted:
        raise
    except BaseException:
        return ", which cannot be printed"
    return f": {text[:200]}" if text else ""


def _place(error: BaseException) -> str:
    """The innermost line that is the user's own: not of a library, and not of this one."""
    try:
        frames = [(frame.f_code, line) for frame, line in traceback.walk_tb(error.__traceback__)]
        code, line = next((code, line) for code, line in reversed(frames) if not _elsewhere(code.co_filename))
    except Exception:
        return ""
    return f" ({Path(code.co_filename).name}, line {line}, in {code.co_name})"


@lru_cache(maxsize=256)
def _elsewhere(file: str) -> bool:
    path = Path(file)
    return "site-packages" in path.parts or path.is_relative_to(HERE) or not path.is_file()
