"""The command line: one tool, `keras-parity`; what is wrong with the input is told in one line, with exit status 2."""

import errno
import gc
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, get_args

import cyclopts

from compare import __version__
from compare.commands.adapt import adapt
from compare.commands.check import check
from compare.commands.completion import Shell, complete
from compare.commands.completion import script as completion_script
from compare.commands.history import list_runs, show
from compare.commands.report import report
from compare.commands.run import run
from compare.commands.spelling import meant
from compare.commands.streams import patient_streams
from compare.commands.sweep import sweep
from compare.errors import InputError
from compare.phrases import complain
from compare.sides.quiet_keras import begin_process
from compare.work.lifetime import ENDING, own_temporary_folder


def _as_spelt(kind: Any, tokens: Sequence[cyclopts.Token]) -> Any:
    """Convert what an option was given, but no fraction to an integer, which would round it."""
    if holds(kind, int) and not holds(kind, float) and any("." in token.value for token in tokens):
        raise cyclopts.CoercionError(token=tokens[0], target_type=int)
    return cyclopts.convert(kind, tokens)


def holds(kind: Any, wanted: type) -> bool:
    """Whether an option of this kind takes values of the wanted one."""
    return kind is wanted or any(holds(each, wanted) for each in get_args(kind))


app = cyclopts.App(
    name="keras-parity",
    help="Does a from-scratch NumPy network train exactly like Keras, and if not, where and why?",
    version=__version__,
    help_epilogue="Exit status: 0 parity holds, 1 it does not, 2 bad input, 3 undecidable by rounding.",
    suppress_keyboard_interrupt=False,
    default_parameter=cyclopts.Parameter(
        consume_multiple=True, negative_iterable="", converter=_as_spelt, completer=complete
    ),
)
app.command(run)
app.command(sweep)
app.command(check)
app.command(adapt)
app.command(report)
app.command(list_runs, name="list")
app.command(show)


@app.command
def completion(shell: Shell, /) -> int:
    """Print the completion of commands, options, data sets and FILE.py:NAME for a shell. Nothing is installed.

    Examples: `source <(keras-parity completion bash)` for this session, or
    `keras-parity completion fish > ~/.config/fish/completions/keras-parity.fish`.

    Parameters
    ----------
    shell
        bash, zsh, fish or powershell.
    """
    print(completion_script(app, shell))
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.
    """
    begin_process()
    with patient_streams() as out:
        status = _answer(sys.argv[1:] if arguments is None else arguments)
        out.flush()
        if out.failure is not None:
            complain(f"not all could be told ({out.failure.strerror}); recorded runs are kept: keras-parity list")
            if out.failure.errno != errno.EPIPE:  # who reads no further has read enough
                status = status or 2
    return status


def _answer(arguments: Sequence[str]) -> int:
    asked: list[int] = []
    try:
        with _noting_signals(asked):
            status = app(
                arguments,
                exit_on_error=False,
                print_error=False,
                help_on_error=False,
                result_action="return_value",
            )
    except cyclopts.UnusedCliTokensError as error:
        left = " ".join(error.unused_tokens or [])
        complain(f"every other argument must belong to an option. Received: {left}; see --help")
        return 2
    except cyclopts.UnknownOptionError as error:
        typed = error.token.keyword or error.token.value
        option = meant(typed, [name for each in error.argument_collection if each.parse for name in each.names])
        complain(f"Unknown option: {typed}.{f' Did you mean {option}?' if option else ' See --help'}")
        return 2
    except (InputError, cyclopts.CycloptsError) as error:
        complain(f"{error}{_notes(error)}")
        return 2
    except BaseException as error:
        if asked or isinstance(error, KeyboardInterrupt):
            complain(f"interrupted{_notes(error) or '; nothing was kept'}")
            return 128 + (asked[0] if asked else signal.SIGINT)
        if not isinstance(error, OSError) or error.filename is None:
            raise
        complain(f"a path must be one that can be used. Received: {error.filename} ({error.strerror}){_notes(error)}")
        return 2
    return status or 0


def _notes(error: BaseException) -> str:
    return "".join(f"; {note}" for note in getattr(error, "__notes__", []))


class Asked(KeyboardInterrupt):
    """Asked to end. Python ends by SIGINT where `exec` has met a plain KeyboardInterrupt, though it was caught."""


@contextmanager
def _noting_signals(asked: list[int]) -> Iterator[None]:
    """Take `kill` and a closed terminal for a Ctrl-C, and note which came, besides raising KeyboardInterrupt.

    TensorFlow turns one that comes while it traces into another error.
    """
    usual = (signal.SIG_DFL, signal.default_int_handler)  # others are ignored, or somebody else's
    mine = threading.current_thread() is threading.main_thread()  # no other thread may handle signals
    before = {each: signal.getsignal(each) for each in ENDING if mine and signal.getsignal(each) in usual}

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        raise Asked

    for each in before:
        signal.signal(each, note)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def script(arguments: Sequence[str] | None = None) -> None:
    """Run as a process: the installed command, or with these arguments."""
    gc.set_threshold(100_000)  # most of what is made are modules, which stay: looking through them takes half a second
    own_temporary_folder()
    status = main(arguments)
    gc.freeze()  # and once more at the end, with all that TensorFlow made: another second
    sys.exit(status)
