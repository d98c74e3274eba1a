"""What edits of a subject are tried for, and what is told of those that mend something: plain values that cross."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np

from compare.check.subject.kinds import Array
from compare.check.subject.tasks import Did, Several, Task, Words


@dataclass(frozen=True)
class Expected:
    """What Keras makes of a step: its loss, accuracy and weights, and how far each may be off; None is not judged."""

    loss: float | None
    loss_bound: float
    accuracy: float | None
    after: Annotated[list[Array], Several]
    bounds: Annotated[list[Array], Several]


@dataclass(frozen=True)
class Attempt:
    """What to try.

    Attributes
    ----------
    tasks : list of Task
        The first is tried with each edit, the others with those that mend something in it. Where it takes long, the
        last is tried before it, which is of fewer samples.
    expected : list of lists of Expected
        Of each task's steps.
    suspects : list of (file, first line, last line)
        Looked at first, in this order; elsewhere the likeliest edits are tried before the remote ones of these.
    seconds : float
        Of the processor, that all may take.
    factors : list of float
        By which something on the way is too large.
    """

    tasks: Annotated[list[Task], Several]
    expected: Annotated[list[list[Expected]], Several]
    suspects: Annotated[list[tuple[str, int, int]], Several]
    seconds: float
    factors: Annotated[list[float], Several] = field(default_factory=list)


@dataclass(frozen=True)
class Repair:
    """An edit with which more is as Keras has it, and nothing less.

    `whole`: all is, with one of each round that is so. `round`: from 0; it was tried with the best repairs of the
    rounds before in place.
    """

    file: Words
    first: int
    last: int
    function: Words
    source: Words
    says: Words
    round: int
    whole: bool


def outputs_off(did: Did, right: Expected) -> Iterator[int]:
    """Yield which outputs of a step are off: 0 the loss, 1 the accuracy, then the tensors."""
    lost = did.error is not None or did.after is None or len(did.after) != len(right.after)
    if right.loss is not None and (lost or did.loss is None or not abs(did.loss - right.loss) <= right.loss_bound):
        yield 0
    if right.accuracy is not None and (lost or did.accuracy is None or not abs(did.accuracy - right.accuracy) < 1e-6):
        yield 1
    for place, (value, bound) in enumerate(zip(right.after, right.bounds, strict=True), 2):
        if lost or not (np.abs((did.after or [])[place - 2] - value) <= bound).all():
            yield place
