"""The subject's process: loads a file, then does what it is asked, until the other side is gone."""

import os
import queue
import signal
import threading
from pathlib import Path
from typing import IO, Any

from compare.check.subject.description import describe_subject
from compare.check.subject.exceptions import describe
from compare.check.subject.loading import load_target
from compare.check.subject.performing import perform
from compare.check.subject.tasks import Did, Performance
from compare.check.subject.wire import decode, receive_bytes, send


def serve() -> None:
    """Answer each request with its number; of a task, each step is told as soon as it is made."""
    # A job in the background ignores interrupts, and so would all that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)  # whatever is printed goes where errors go: to the log
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(incoming, requests), daemon=True).start()
    process = os.getpid()
    first = decode(requests.get())
    answer: dict[str, Any] = {}
    try:
        subject = load_target(Path(first["path"]), first["name"], first["definitions_only"])
    except BaseException as error:
        answer = {"error": f"its file cannot be loaded: {describe(error)}"}
    if os.getpid() != process:
        os._exit(0)  # a copy that the file forked
    send(outgoing, {"number": first["number"], "answer": answer})
    while "error" not in answer:
        request = decode(requests.get())
        number = request["number"]

        def tell(did: Did, number: int = number) -> None:
            send(outgoing, {"number": number, "step": did})

        if "describe" in request:
            send(outgoing, {"number": number, "answer": describe_subject(subject, request["describe"])})
        else:
            done: Performance = perform(subject, request["task"], request["seconds"], tell)
            if not request["task"].epochs:
                done.steps = []  # they were told
            send(outgoing, {"number": number, "answer": done})


def _listen(incoming: IO[bytes], requests: "queue.SimpleQueue[bytes]") -> None:
    """Read requests; once the other side is gone, end this process, whatever it is doing."""
    try:
        while True:
            requests.put(receive_bytes(incoming))
    except EOFError:
        os._exit(0)
    except OSError:
        return  # closed by the subject: the time limit will end it
