"""The lines of a subject's own training: where its batches, or an epoch's loss, are first not Keras's."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from compare.check.lines.events import MAKING
from compare.check.lines.flow import RENAMING, Flow
from compare.check.lines.lines import Guilty
from compare.check.lines.saying import at, gone_through
from compare.check.steps.situations import cut
from compare.check.trials import Trial
from compare.mathematics.functions import Array


@dataclass(frozen=True)
class _Batch:
    """Rows of the data that a line took out of it, and the event that did."""

    event: int
    rows: list[int]


@dataclass(frozen=True)
class WrongLoss:
    """An epoch, from 0, whose loss is not Keras's: what was told, and what Keras tells."""

    epoch: int
    told: float
    expected: float


def training_lines(flow: Flow, trial: Trial, in_order: bool, loss: WrongLoss | None) -> tuple[Guilty, ...]:
    """Say which lines make other batches than Keras takes; where none do, which make an epoch's loss.

    Parameters
    ----------
    flow : Flow
        The whole training, as one step.
    trial : Trial
    in_order : bool
        Whether the order of the samples is known; where it is not, sizes are compared, and whether each row comes once.
    loss : WrongLoss or None
        The first loss that is wrong, if any is.
    """
    numbers: dict[bytes, list[int]] = {}
    for number, row in enumerate(trial.X):
        numbers.setdefault(row.tobytes(), []).append(number)
    passes = [
        [_rows(trial.X[batch], trial.X, numbers) or [] for batch in cut(order, trial.size)] for order in trial.orders
    ]
    seen = list(_batches(flow, trial, numbers))
    found = _other(flow, seen, passes, in_order) or _apart(flow, seen, trial)
    return found or (() if loss is None else _history(flow, loss))


def _batches(flow: Flow, trial: Trial, numbers: dict[bytes, list[int]]) -> Iterator[_Batch]:
    """What is taken out of the data, in order, each batch once."""
    last: list[int] = []
    for event in _making(flow):
        found = _rows(flow.values[flow.value(event)], trial.X, numbers)
        if found is None or found == last or len(found) == len(trial.X) > trial.size:
            continue  # all of the data, shuffled perhaps, is no batch yet
        last = found
        yield _Batch(event, found)


def _making(flow: Flow) -> list[int]:
    """The events that make something, and do not merely give it another name."""
    return [event for event in flow.events if (at := flow.place(event)).kind in MAKING and at.node not in RENAMING]


def _rows(value: Array, X: Array, numbers: dict[bytes, list[int]]) -> list[int] | None:
    """Which rows of the data an array holds, as rows or as columns; None if it holds anything else.

    Of rows that are equal, the one after the row before; else the first that is not there yet.
    """
    for turned in (value, value.T) if value.ndim == 2 else ():
        equal = [numbers.get(np.ascontiguousarray(row).tobytes(), []) for row in turned]
        if turned.shape[1] == X.shape[1] and all(equal):
            found: list[int] = []
            there: set[int] = set()
            for rows in equal:
                following = found[-1] + 1 if found else -1
                left = [row for row in rows if row not in there] or rows
                found.append(following if following in left else left[0])
                there.add(found[-1])
            return found
    return None


def _other(
    flow: Flow, seen: Sequence[_Batch], passes: Sequence[Sequence[Sequence[int]]], in_order: bool
) -> tuple[Guilty, ...]:
    """The line that takes the first batch that is not Keras's, or the loop that leaves one out."""
    left = list(seen)
    for batches in passes:
        taken: list[_Batch] = []
        for number, batch in enumerate(batches, 1):
            which = f"batch {number} of {len(batches)}" if len(batches) > 1 else "the batch"
            mine = left.pop(0) if left else None
            before = {row for one in taken for row in one.rows}
            if mine is None or len(before & {*mine.rows}) > len(mine.rows) / 2:  # the next pass has begun
                return _left_out(flow, taken[-1], which, len(batch)) if taken else ()
            taken.append(mine)
            if not _alike(mine.rows, batch, in_order):
                keras = f"{len(batch)}, {_told(batch)}" if in_order else f"{len(batch)}"
                says = f"makes {which} of {len(mine.rows)} samples, {_told(mine.rows)}, where Keras takes {keras}"
                return (at(flow, mine.event, says), *_taken_from(flow, mine))
    return ()


def _apart(flow: Flow, seen: Sequence[_Batch], trial: Trial) -> tuple[Guilty, ...]:
    """The line that takes the labels of a batch in another order than its samples."""
    making = _making(flow)
    for batch, after in zip_longest(seen, seen[1:]):
        right = trial.y[batch.rows]
        end = len(making) if after is None else bisect_left(making, after.event)
        for event in making[bisect_right(making, batch.event) : end]:
            value = flow.values[flow.value(event)]
            labels = value.argmax(axis=1) if value.ndim == 2 else value
            same = labels.shape == right.shape and np.array_equal(np.sort(labels), np.sort(right))
            if same and not np.array_equal(labels, right):
                return (at(flow, event, "makes the batch's labels in another order than its samples"),)
    return ()


def _taken_from(flow: Flow, batch: _Batch) -> Iterator[Guilty]:
    """Where a generator yields what the loop around a batch goes through."""
    for loop in flow.last(batch.event, "loop"):
        yield from (line for line in gone_through(flow, loop) if line.source.startswith("yield"))


def _alike(one: Sequence[int], other: Sequence[int], in_order: bool) -> bool:
    return sorted(one) == sorted(other) if in_order else len(one) == len(other) == len(set(one))


def _told(rows: Sequence[int]) -> str:
    """Row numbers in few words, from 1."""
    low, high = min(rows) + 1, max(rows) + 1
    if len(rows) == high - low + 1 == len(set(rows)):
        return f"row {low}" if low == high else f"rows {low} to {high}"
    return f"rows {', '.join(str(row + 1) for row in rows[:3])}{', ...' if len(rows) > 3 else ''}"


def _left_out(flow: Flow, last: _Batch, which: str, size: int) -> tuple[Guilty, ...]:
    """The loop that takes no more batches, and the line that took the last one."""
    loops = flow.last(last.event, "loop", "test")
    says = f"leaves out {which}, the last {f'{size} samples' if size > 1 else 'sample'}, which Keras takes"
    if not loops:
        return (at(flow, last.event, says),)
    made = at(flow, last.event, "takes the last batch before that")
    return (at(flow, loops[0], says), *gone_through(flow, loops[0]), made)


def _history(flow: Flow, loss: WrongLoss) -> tuple[Guilty, ...]:
    """The line that makes an epoch's loss."""
    for event in flow.events:
        value = flow.values[flow.value(event)]
        if flow.place(event).kind in MAKING and value.size == 1 and value.item() == loss.told:
            says = (
                f"makes the loss of epoch {loss.epoch + 1}, {loss.told:.9g}; Keras tells {loss.expected:.9g}, the mean "
                "over the epoch's samples of each batch's loss before its step"
            )
            return (at(flow, event, says), *_summed_in(flow, event))
    return ()


def _summed_in(flow: Flow, event: int) -> Iterator[Guilty]:
    """Where what an epoch's loss is made of was put last."""
    for read in flow.numbers(event):
        given = flow.set(flow.text(read), flow.value(read), event)
        if given is not None:
            yield at(flow, given, f"makes `{flow.text(read)}`, {flow.values[flow.value(read)].item():.6g}")
