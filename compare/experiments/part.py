"""A part of a job: something that is trained, and what it found, in the form in which it is recorded."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Protocol

import pandas as pd

from compare.work.companion import Companion
from compare.work.engine import Failure

Advance = Callable[..., None]


class Status(IntEnum):
    """How a job went: the exit status of its command; 2 is bad input."""

    YES = 0
    NO = 1
    UNDECIDABLE = 3


@dataclass(frozen=True)
class Found:
    """What a part found.

    Attributes
    ----------
    status : Status
    verdicts : dict
        What the manifest's "verdicts" hold of it.
    tables : dict of str to DataFrame
        By the name of the file that each is recorded in.
    manifest : dict
        What else the manifest tells.
    failures : list of Failure
        The shards whose replicates are missing.
    """

    status: Status
    verdicts: dict[str, Any]
    tables: dict[str, pd.DataFrame]
    manifest: dict[str, Any] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)


class Part(Protocol):
    """A part of a job; `title` and `size` are what its progress shows, `here` whether this process trains Keras."""

    title: str
    size: int
    here: bool

    def begin(self, beside: Companion) -> None:
        """Let a companion begin, where it can."""

    def run(self, advance: Advance, beside: Companion) -> Found:
        """Train and judge; `advance` is called as the work goes on, `beside` has nothing else to do."""
