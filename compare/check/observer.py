"""Who follows a check while it goes on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from compare.show.terminal.progress import silent

if TYPE_CHECKING:
    from compare.check.report.report import Report


def _unheard(*_: Any) -> None:
    pass


@dataclass(frozen=True)
class Observer:
    """Is told how far a check is; by default nobody is.

    Attributes
    ----------
    stage : callable
        (name, total) -> context of what is being done, which yields `advance(done=1)`.
    loading : callable
        Called before Keras is loaded, which takes long and one processor.
    judged : callable
        Called with the report as it will be, but for the lines that make it wrong, which are looked for next.
    """

    stage: Callable[[str, int], Any] = silent
    loading: Callable[[], object] = _unheard
    judged: "Callable[[Report], object]" = _unheard


UNHEARD = Observer()
