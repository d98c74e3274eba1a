"""What a machine can do: what is planned must fit in its memory and in a day, and a subject must not take all of it."""

from contextlib import suppress
from pathlib import Path

from compare.errors import InputError
from compare.phrases import complain

LEAST = 2**30  # bytes: with less, a subject would not even be loaded
SHARE = 0.8  # of what is free: the rest is for the check beside it
LONGEST = 24 * 3600.0  # seconds
LONG = 300.0  # seconds: what takes longer says so before it begins
UNITS = (("years", 365 * 86400.0), ("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0))

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


def check_within(seconds: float, needed: float, at_any_cost: bool = False, quiet: bool = False) -> None:
    """Say what is long, and refuse what does not fit in this machine, or in a day, unless it is wanted at any cost.

    Parameters
    ----------
    seconds, needed : float
        What it takes, in time and in bytes of memory, by an estimate.
    at_any_cost, quiet : bool

    Raises
    ------
    InputError
        If it is too much.
    """
    has = free()
    told = f"about {duration(seconds)} and {needed / 1e9:.2g} GB of memory, by a rough estimate"
    if not at_any_cost and (seconds > LONGEST or needed > has):
        raise InputError(
            f"what is asked for must fit in {has / 1e9:.2g} GB of free memory and {duration(LONGEST)}. "
            f"Received: {told}; ask for less, or say --at-any-cost (at_any_cost=True)"
        )
    if seconds > LONG and not quiet:
        complain(f"this takes {told}")


def duration(seconds: float) -> str:
    """Say a time in words, roughly."""
    for name, size in UNITS:
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {name}"
    return f"{seconds:.0f} seconds"
