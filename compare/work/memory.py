"""How much memory there is: what is planned must fit in it, and what is strange must not take all of it."""

from contextlib import suppress
from pathlib import Path

LEAST = 2**30  # bytes: with less, a subject would not even be loaded
SHARE = 0.8  # of what is free: the rest is for the check beside it

# Where Linux tells of a container's limit and of what it has taken.
_CGROUP = Path("/sys/fs/cgroup")


def free() -> int:
    """Bytes of memory that can be had now, of the machine or of the container that this process is in."""
    import psutil  # which takes longer than all else that a command needs to refuse bad input

    found = int(psutil.virtual_memory().available)
    with suppress(OSError, ValueError):  # no container, or one without a limit
        most, taken = (int((_CGROUP / name).read_text()) for name in ("memory.max", "memory.current"))
        found = min(found, most - taken)
    return found


def usual_limit() -> int:
    """Bytes that a subject may take where nothing is said."""
    return max(LEAST, int(SHARE * free()))
