"""The subject's process: loads a file, then does what it is asked, until the other side is gone."""

import os
import queue
import signal
import threading
from pathlib import Path
from types import ModuleType
from typing import IO

from compare.check.subject.exceptions import describe
from compare.check.subject.messages import (
    Answer,
    Describe,
    Described,
    Load,
    Loaded,
    Made,
    Perform,
    Performed,
    Tried,
    Try,
)
from compare.check.subject.performing import perform
from compare.check.subject.target import Target, loaded_target
from compare.check.subject.trying import attempt
from compare.check.subject.wire import receive, request, send


def serve() -> None:
    """Answer each request with its number; of a task, each step is told as soon as it is made."""
    # A job in the background ignores interrupts, and so would all that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)  # whatever is printed goes where errors go: to the log
    requests: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(incoming, requests), daemon=True).start()
    process = os.getpid()
    target = Target(ModuleType("nothing"))
    while True:
        number, data = requests.get()

        def tell(answer: Answer, number: int = number) -> None:
            send(outgoing, number, answer)

        match request(data):
            case Load(path, name, definitions_only, adapter):
                loaded = Loaded()
                try:
                    target = loaded_target(Path(os.fsdecode(path)), name, definitions_only, adapter)
                except BaseException as error:
                    loaded = Loaded(f"its file cannot be loaded: {describe(error)}")
                if os.getpid() != process:
                    os._exit(0)  # a copy that the file forked
                tell(loaded)
            case Describe(recipe):
                tell(Described(target.describe(recipe)))
            case Perform(task, seconds):
                done = perform(target.subject, task, seconds, lambda did: tell(Made(did)))
                if not task.epochs:
                    done.steps = []  # they were told
                tell(Performed(done))
            case Try(asked):
                tell(Tried(attempt(target.subject, asked, alone=True)))


def _listen(incoming: IO[bytes], requests: "queue.SimpleQueue[tuple[int, bytes]]") -> None:
    """Read requests; once the other side is gone, end this process, whatever it is doing."""
    try:
        while True:
            requests.put(receive(incoming))
    except EOFError:
        os._exit(0)
    except OSError:
        return  # closed by the subject: the time limit will end it
