"""Messages between two processes, read against what they are declared to be; nothing that arrives can run code.

What may cross: numbers, text, lists, tuples, dicts, data classes, and arrays of numbers.
"""

import math
import struct
from collections.abc import Callable
from typing import IO, Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta, Struct

from compare.check.subject.messages import Answer, Request
from compare.phrases import all_visible
from compare.recipe.architecture import Dense, Given, Layer

# Kept from before the subject's file is run, which may replace NumPy's functions.
_ARRAY, _NUMBER, _DTYPE = np.ndarray, np.generic, np.dtype

MARK = b"parity\r\n"
HEAD = struct.Struct("<8sQQ")  # the mark, the request's number, and how many bytes come
LARGEST = 2**30  # bytes of one message; where more is announced, something else was written


class Garbled(Exception):
    """What came is no message."""


class _Elements(Struct, array_like=True):
    """An array of numbers, in C's order."""

    dtype: Annotated[str, Meta(pattern=r"^[<>|][biufc]\d{1,2}$")]
    shape: Annotated[list[Annotated[int, Meta(ge=0)]], Meta(max_length=32)]
    data: bytes


def _plain(value: Any) -> Any:
    if isinstance(value, _ARRAY):
        if value.dtype.kind not in "biufc":
            raise ValueError("an array of objects cannot be sent")
        return _Elements(value.dtype.str, list(value.shape), value.tobytes())
    if isinstance(value, _NUMBER):
        return value.item()
    raise NotImplementedError(f"a {type(value).__name__} cannot be sent")


def _made(kind: Any, value: Any) -> Any:
    if kind is Layer:
        return msgspec.convert(value, Dense if "units" in value else Given)
    elements = msgspec.convert(value, _Elements)
    dtype = _DTYPE(elements.dtype)
    if len(elements.data) != math.prod(elements.shape) * dtype.itemsize:
        raise ValueError("an array has other elements than it says")
    return _ARRAY(elements.shape, dtype, elements.data).copy()


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_plain)
_REQUEST: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request, dec_hook=_made)
_ANSWER: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer, dec_hook=_made)


def encode(message: Request | Answer) -> bytes:
    """A message as bytes."""
    try:
        return _ENCODER.encode(message)
    except UnicodeEncodeError:  # a subject's texts may hold half characters, which no bytes stand for
        return _ENCODER.encode(all_visible(msgspec.to_builtins(message, enc_hook=_plain, builtin_types=(bytes,))))


def request(data: bytes) -> Request:
    """The request that these bytes are; raises Garbled if they are none."""
    return _decoded(_REQUEST.decode, data)


def answer(data: bytes) -> Answer:
    """The answer that these bytes are; raises Garbled if they are none."""
    return _decoded(_ANSWER.decode, data)


def _decoded(decode: Callable[[bytes], Any], data: bytes) -> Any:
    try:
        return decode(data)
    except Exception as error:  # deep nesting and want of memory included
        raise Garbled from error


def send(stream: IO[bytes], number: int, message: Request | Answer) -> None:
    """Write a message, with the number of the request that it is or answers."""
    data = encode(message)
    stream.write(HEAD.pack(MARK, number, len(data)) + data)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[int, bytes]:
    """Read a message as it comes, and the number of its request.

    Raises
    ------
    EOFError
        If the other side is gone.
    Garbled
        If what comes is no message: something else was written to the stream.
    """
    mark, number, size = HEAD.unpack(_read(stream, HEAD.size))
    if mark != MARK or size > LARGEST:
        raise Garbled
    return number, _read(stream, size)


def _read(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data
