"""Runs a subject in a process of its own, which may train, print, exit, loop or patch NumPy without doing harm.

The two processes exchange plain values and arrays only; nothing that the subject's process sends can run code.
"""

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, Protocol

from compare.check.subject.description import describe_subject
from compare.check.subject.performing import describe, perform
from compare.check.subject.tasks import TOO_LONG, Performance, Task
from compare.check.subject.wire import receive, send
from compare.recipe.recipe import Recipe


class Driver(Protocol):
    """Where a subject lives: in this process, or in one of its own."""

    def describe(self, recipe: Recipe) -> dict[str, Any]:
        """What the subject is and says about itself."""

    def perform(self, task: Task) -> Performance:
        """Run a fresh subject through a task."""


# Where this package is imported from, whatever it is called: the subject's process must find the same one.
ROOT = Path(__file__).resolve().parents[len(__name__.split(".")) - 1]
START = "import sys; sys.path.append({root!r}); from {module} import serve; serve()"


def serve() -> None:
    """The subject's process: load the file that is named first, then answer until the other side is gone."""
    from compare.check.subject.loading import load_target

    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)  # whatever is printed goes where errors go: to the log
    first = receive(incoming)
    try:
        subject = load_target(Path(first["path"]), first["name"], first["definitions_only"])
    except (Exception, SystemExit) as error:
        send(outgoing, {"error": f"its file cannot be loaded: {describe(error)}"})
        return
    send(outgoing, {})
    while True:
        try:
            request = receive(incoming)
        except EOFError:
            return
        if "describe" in request:
            send(outgoing, describe_subject(subject, request["describe"]))
        else:
            send(outgoing, perform(subject, request["task"], request["seconds"]))


class Isolated:
    """A subject in a process of its own; no request may take longer than `seconds`."""

    def __init__(self, path: Path, name: str, seconds: float = 60.0, definitions_only: bool = False) -> None:
        self.start = {"path": str(path), "name": name, "definitions_only": definitions_only}
        self.seconds = seconds
        self.process: subprocess.Popen[bytes] | None = None
        self.failed: dict[str, Any] | None = None
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the process)

    def close(self) -> None:
        """End the subject's process."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for stream in (self.process.stdin, self.process.stdout):
                if stream is not None:
                    stream.close()
            self.process = None
        self.log.close()

    def __enter__(self) -> "Isolated":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def describe(self, recipe: Recipe) -> dict[str, Any]:
        """What the subject is and says about itself."""
        return self._ask({"describe": recipe})

    def perform(self, task: Task) -> Performance:
        """Run a fresh subject through a task."""
        answer = self._ask({"task": task, "seconds": self.seconds})
        return answer if isinstance(answer, Performance) else Performance(refusal=answer["error"])

    def _ask(self, request: dict[str, Any]) -> Any:
        if self.failed is not None:
            return self.failed
        if self.process is None:
            command = [sys.executable, "-c", START.format(root=str(ROOT), module=__name__)]
            environment = os.environ | {"MPLBACKEND": "Agg", "PYTHONSAFEPATH": "1"}
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, env=environment
            )
            answer = self._exchange(self.start)
            self.failed = answer if "error" in answer else None  # loading would fail again, perhaps after a minute
        return self.failed or self._exchange(request)

    def _exchange(self, request: dict[str, Any]) -> Any:
        process = self.process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        # A little longer than the subject's own limit, which is looked at between steps and tells more.
        timer = threading.Timer(self.seconds + 2, stop)
        timer.start()
        try:
            send(process.stdin, request)
            return receive(process.stdout)
        except (EOFError, OSError):
            status = process.wait()
            for stream in (process.stdin, process.stdout):
                stream.close()
            self.process = None
            if late.is_set():
                return {"error": f"{TOO_LONG}: more than {self.seconds:g} s"}
            return {"error": f"its process ended with status {status}"}
        finally:
            timer.cancel()


class InProcess:
    """A subject in this process; `seconds` bounds each situation, looked at between steps."""

    def __init__(self, subject: Any, seconds: float = 60.0) -> None:
        self.subject, self.seconds = subject, seconds

    def describe(self, recipe: Recipe) -> dict[str, Any]:
        """What the subject is and says about itself."""
        return describe_subject(self.subject, recipe)

    def perform(self, task: Task) -> Performance:
        """Run a fresh subject through a task."""
        return perform(self.subject, task, self.seconds)
