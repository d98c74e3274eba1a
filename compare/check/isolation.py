"""Runs a subject in a process of its own, which may train, print, exit, loop or patch NumPy without doing harm.

The two processes exchange plain values and arrays only; nothing that the subject's process sends can run code.
"""

import dataclasses
import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO, Any

import numpy as np

from compare.check.driving import TOO_LONG, Did, Performance, Task, describe, perform
from compare.check.introduction import describe_subject
from compare.check.subjects import Plan

# Kept from before the subject's file is run, which may replace NumPy's functions.
_SAVE, _LOAD = np.save, np.load

ROOT = Path(__file__).resolve().parents[2]
START = "import sys; sys.path.append({root!r}); from compare.check.isolation import serve; serve()"


def encode(value: Any) -> bytes:
    """Plain values and arrays, as bytes: JSON, then the arrays in NumPy's format."""
    arrays: list[Any] = []

    def plain(one: Any) -> Any:
        if isinstance(one, np.ndarray):
            arrays.append(one)
            return {"array": len(arrays) - 1}
        if dataclasses.is_dataclass(one) and not isinstance(one, type):
            return {"map": {f.name: plain(getattr(one, f.name)) for f in dataclasses.fields(one)}}
        if isinstance(one, dict):
            return {"map": {str(key): plain(inner) for key, inner in one.items()}}
        if isinstance(one, list | tuple):
            return [plain(inner) for inner in one]
        if isinstance(one, np.generic):
            return one.item()
        return one

    text = json.dumps(plain(value)).encode()
    body = io.BytesIO()
    body.write(struct.pack("<Q", len(text)) + text)
    for array in arrays:
        _SAVE(body, array, allow_pickle=False)
    return body.getvalue()


def decode(data: bytes) -> Any:
    """The inverse of `encode`; data classes come back as dicts."""
    body = io.BytesIO(data)
    (size,) = struct.unpack("<Q", body.read(8))
    tree = json.loads(body.read(size))
    arrays = []
    while body.tell() < len(data):
        arrays.append(_LOAD(body, allow_pickle=False))

    def full(one: Any) -> Any:
        if isinstance(one, dict):
            return arrays[one["array"]] if "array" in one else {k: full(v) for k, v in one["map"].items()}
        return [full(inner) for inner in one] if isinstance(one, list) else one

    return full(tree)


def _send(stream: IO[bytes], value: Any) -> None:
    data = encode(value)
    stream.write(struct.pack("<Q", len(data)) + data)
    stream.flush()


def _receive(stream: IO[bytes]) -> Any:
    head = stream.read(8)
    if len(head) < 8:
        raise EOFError
    (size,) = struct.unpack("<Q", head)
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return decode(data)


def serve() -> None:
    """The subject's process: load the file that is named first, then answer until the other side is gone."""
    from compare.check.loading import load_target

    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)  # whatever is printed goes where errors go: to the log
    first = _receive(incoming)
    try:
        subject = load_target(Path(first["path"]), first["name"], first["definitions_only"])
    except (Exception, SystemExit) as error:
        _send(outgoing, {"error": f"its file cannot be loaded: {describe(error)}"})
        return
    _send(outgoing, {})
    while True:
        try:
            request = _receive(incoming)
        except EOFError:
            return
        if "describe" in request:
            _send(outgoing, describe_subject(subject, _plan(request["describe"])))
        else:
            task = request["task"]
            _send(outgoing, perform(subject, Task(**{**task, "plan": _plan(task["plan"])}), request["seconds"]))


def _plan(values: dict[str, Any]) -> Plan:
    return Plan(**{**values, "layer_sizes": tuple(values["layer_sizes"]), "activations": tuple(values["activations"])})


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

    def describe(self, plan: Plan) -> dict[str, Any]:
        """What the subject is and says about itself."""
        return self._ask({"describe": plan})

    def perform(self, task: Task) -> Performance:
        """Run a fresh subject through a task."""
        answer = self._ask({"task": task, "seconds": self.seconds})
        if "error" in answer:
            return Performance(refusal=answer["error"])
        return Performance(**{**answer, "steps": [Did(**did) for did in answer["steps"]]})

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if self.failed is not None:
            return self.failed
        if self.process is None:
            command = [sys.executable, "-c", START.format(root=str(ROOT))]
            environment = os.environ | {"MPLBACKEND": "Agg", "PYTHONSAFEPATH": "1"}
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, env=environment
            )
            answer = self._exchange(self.start)
            self.failed = answer if "error" in answer else None  # loading would fail again, perhaps after a minute
        return self.failed or self._exchange(request)

    def _exchange(self, request: dict[str, Any]) -> dict[str, Any]:
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
            _send(process.stdin, request)
            return _receive(process.stdout)
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
