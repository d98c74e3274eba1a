"""Plain values and arrays as bytes, between two processes; nothing that arrives can run code.

What may cross: numbers, text, lists, tuples, dicts with text as keys, arrays, and the few data classes of `VALUES`.
"""

import dataclasses
import struct
from json import dumps, loads
from typing import IO, Any

import numpy as np

from compare.check.subject.tasks import Did, Performance, Task
from compare.check.subject.tracing import Trace
from compare.recipe.architecture import Architecture, Dense, Given, Optimizer, Penalty
from compare.recipe.recipe import Recipe

VALUES = {
    each.__name__: each
    for each in (Task, Performance, Did, Trace, Recipe, Architecture, Dense, Given, Optimizer, Penalty)
}

# Kept from before the subject's file is run, which may replace NumPy's functions.
_ARRAY, _DTYPE = np.ndarray, np.dtype

MARK = b"parity\r\n"
LARGEST = 2**30  # bytes of one value; where more is announced, something else was written


class Garbled(Exception):
    """What came is no value."""


def encode(value: Any) -> bytes:
    """Plain values and arrays, as bytes: JSON, which tells type and shape of each array, then their elements."""
    arrays: list[bytes] = []

    def plain(one: Any) -> Any:
        if isinstance(one, np.ndarray):
            if one.dtype.hasobject:
                raise ValueError("an array of objects cannot be sent")
            arrays.append(one.tobytes())
            return {"array": one.dtype.str, "shape": one.shape}
        if dataclasses.is_dataclass(one) and not isinstance(one, type):
            fields = [field.name for field in dataclasses.fields(one) if field.init]
            return {"value": type(one).__name__, "map": {name: plain(getattr(one, name)) for name in fields}}
        if isinstance(one, dict):
            return {"map": {str(key): plain(inner) for key, inner in one.items()}}
        if isinstance(one, tuple):
            return {"tuple": [plain(inner) for inner in one]}
        if isinstance(one, list):
            return [plain(inner) for inner in one]
        if isinstance(one, np.generic):
            return one.item()
        return one

    text = dumps(plain(value)).encode()
    return b"".join([struct.pack("<Q", len(text)), text, *arrays])


def decode(data: bytes) -> Any:
    """The inverse of `encode`.

    Raises
    ------
    Garbled
        If these bytes are no value.
    """
    try:
        return _decode(data)
    except Exception as error:
        raise Garbled from error


def _decode(data: bytes) -> Any:
    (size,) = struct.unpack_from("<Q", data)
    place = 8 + size
    tree = loads(data[8:place])

    def array(of: str, shape: list[int]) -> Any:
        nonlocal place
        found = _ARRAY(shape, _DTYPE(of), data, place).copy()
        place += found.nbytes
        return found

    def full(one: Any) -> Any:
        if isinstance(one, list):
            return [full(inner) for inner in one]
        if not isinstance(one, dict):
            return one
        if "array" in one:
            return array(one["array"], one["shape"])
        if "tuple" in one:
            return tuple(full(inner) for inner in one["tuple"])
        found = {name: full(inner) for name, inner in one["map"].items()}
        return VALUES[one["value"]](**found) if "value" in one else found

    return full(tree)


def send(stream: IO[bytes], value: Any) -> None:
    """Write one value: a mark, its length, and the value."""
    data = encode(value)
    stream.write(MARK + struct.pack("<Q", len(data)) + data)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Read one value.

    Raises
    ------
    EOFError
        If the other side is gone.
    Garbled
        If what comes is no value: something else was written to the stream.
    """
    return decode(receive_bytes(stream))


def receive_bytes(stream: IO[bytes]) -> bytes:
    """Read one value as it comes; raises what `receive` does."""
    head = _read(stream, len(MARK) + 8)
    (size,) = struct.unpack("<Q", head[len(MARK) :])
    if not head.startswith(MARK) or size > LARGEST:
        raise Garbled
    return _read(stream, size)


def _read(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data
