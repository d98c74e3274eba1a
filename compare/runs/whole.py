"""Files that are there whole or not at all, whatever happens while they are written."""

import errno
import os
from pathlib import Path

LARGEST = 2**28  # bytes of a file that is read as one text; none that is written comes near


def read(path: Path) -> bytes:
    """Read a file that was written here: no pipe or device, which may never end, and nothing that is larger.

    Raises
    ------
    OSError
        If it is something else, or cannot be read.
    """
    if not path.is_file() or path.stat().st_size > LARGEST:
        raise OSError(errno.EINVAL, "no file that was written here", str(path))
    return path.read_bytes()


def write(path: Path, content: bytes) -> None:
    """Write a file: under another name, flushed to the disk, and only then renamed.

    Raises
    ------
    OSError
        If it cannot be written; nothing of it is left then, nor if it is interrupted.
    """
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8; what no UTF-8 text can hold, half characters, as Python writes it."""
    write(path, text.encode(errors="backslashreplace"))
