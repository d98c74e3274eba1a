"""What may explain a subject: some faults together, which of several such sets are the best, how far to look."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from compare.check.causes.evidence import Causes, Item
from compare.faults.fault import Cause


class Reach(IntEnum):
    """What one item may need: one fault more; two of which one gives it but for a factor; an exchange; any two more."""

    ADD = 0
    COMPLETE = 1
    EXCHANGE = 2
    PAIRS = 3


@dataclass(frozen=True)
class Hypothesis:
    """Faults, what they explain of the items, and the items (by what they are about) that nothing explains."""

    causes: Causes = ()
    explained: frozenset[Item] = frozenset()
    left: frozenset[int] = frozenset()


def twice(cause: Cause, causes: Causes) -> bool:
    """Whether a fault is there already: the same one in another layer is another."""
    return any(cause.name == other.name and cause.place == other.place for other in causes)


def no_better(one: Hypothesis, plainer: Hypothesis) -> bool:
    """Whether something is left that fewer faults leave too."""
    fewer = len(plainer.causes) < len(one.causes)
    return bool(one.left) and fewer and plainer.explained >= one.explained


def best(found: Iterable[Hypothesis]) -> list[Hypothesis]:
    """Most explained first, then the fewest faults, then in the catalogue's order; one for each set of faults.

    Of faults that differ in a fitted number alone the first is kept.
    """
    ranked = sorted(found, key=lambda each: (-len(each.explained), len(each.left), len(each.causes)))
    distinct = list({variants(each.causes): each for each in reversed(ranked)}.values())[::-1]
    return [each for each in distinct if not any(_without_need(each, other) for other in distinct)]


def _without_need(one: Hypothesis, plainer: Hypothesis) -> bool:
    """Whether some of the faults explain as much without the others."""
    return set(plainer.causes) < set(one.causes) and plainer.explained >= one.explained and plainer.left <= one.left


def variants(causes: Causes) -> frozenset[tuple[object, ...]]:
    """The faults and their places, whatever the numbers that were fitted."""
    return frozenset(map(_variant, causes))


def _variant(cause: Cause) -> tuple[object, ...]:
    return (cause.name, *(each for each in cause.parameter if not isinstance(each, float)))
