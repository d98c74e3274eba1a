"""What may be read as a file of data: one that ends, and that memory holds."""

import stat
from pathlib import Path

from compare import limits
from compare.errors import InputError

PER_BYTE = 12  # bytes of memory for each of the file: a cell of a few characters becomes a text, and then a number
SMALL = 2**20  # bytes: no machine is too small for that


def check_readable(path: Path) -> None:
    """Refuse a file that is none, or is too large, before anything of it is read.

    Raises
    ------
    FileNotFoundError or OSError
        If there is none, or it cannot be looked at.
    InputError
        If it is a folder, a pipe or a device, or would not fit in the memory that is free.
    """
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise InputError(f"`data` must be a file. Received: a directory, {str(path)!r}")
    if not stat.S_ISREG(found.st_mode):
        raise InputError(
            f"`data` must be a file that ends. Received: a pipe or a device, {str(path)!r}; save what it gives"
        )
    if found.st_size > SMALL:
        free = limits.free()
        if PER_BYTE * found.st_size > free:
            raise InputError(
                f"`data` must fit in the memory that is free, {free / 1e9:.2g} GB. Received: {str(path)!r}, of "
                f"{found.st_size / 1e9:.2g} GB, which takes about {PER_BYTE} times that; take a part of its rows"
            )
