"""Tries edits of a subject's functions: drives it with one at a time, and tells those with which it does as Keras does.

What an edit mends, and what undoing it breaks again, is a line at fault beyond doubt, in whatever style it is written.
The functions keep their identity, as where they are traced: their code is exchanged, and put back.
"""

import builtins
import contextlib
import threading
import time
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import CodeType
from typing import Any

import numpy as np

from compare.check.subject.attempts import Attempt, Repair, outputs_off
from compare.check.subject.confining import Endless, limited, little_memory
from compare.check.subject.exceptions import Interrupted
from compare.check.subject.guard import guarded
from compare.check.subject.halves import Said, in_halves
from compare.check.subject.kinds import is_keras
from compare.check.subject.likeliest import Change, Kinds, WatchKinds, beside, function_of, ordered
from compare.check.subject.performing import perform
from compare.check.subject.tasks import Did, Task
from compare.check.subject.tracing import watching
from compare.check.subject.units import Unit, units_of
from compare.check.subject.wordings import RATE, SAMPLES

Off = frozenset[tuple[int, int]]  # steps and their outputs

FOUND = 12  # repairs that are told
TOGETHER = 4  # edits that are needed one beside the other
SLOWER = 20  # times what the subject takes: an edit may make a loop endless
LEAST = 0.1  # seconds, at that
SLOW = 0.01  # seconds of the processor that the first task takes, with which edits are too few
AGAIN = 0.2  # of the time, that is looked on at least, after what mends all was found
SURELY = 600  # edits, that are tried at least after that


class _Worse(Interrupted):
    """With an edit, something is off that was not."""


def attempt(subject: Any, asked: Attempt, alone: bool = False) -> list[Repair]:
    """Try edits until the time is over; the likeliest repairs of each round first.

    `alone`: this process is the subject's own, and a copy of it may do half of it.
    """
    if is_keras(subject) or threading.current_thread() is not threading.main_thread() or not asked.tasks:
        return []
    trial = _Trial(subject, asked, alone)
    found: list[Repair] = []
    installed: list[Repair] = []
    with contextlib.ExitStack() as kept:
        kept.enter_context(guarded())
        kept.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")  # what is compiled may look like a mistake
        kept.enter_context(little_memory())
        units = units_of(trial.codes())
        for turn in range(TOGETHER):
            better = trial.better(units, turn)
            found += [repair for repair, _, _ in better][:FOUND]
            if not better:
                break
            best, _, (unit, edit) = better[0]
            if best.whole:
                return [replace(each, whole=True) if each in installed else each for each in found]
            installed.append(best)
            kept.enter_context(edit)
            kept.enter_context(unit.installed())
    return found


class _Trial:
    """Drives the subject with what is installed, and says what is off."""

    def __init__(self, subject: Any, asked: Attempt, alone: bool) -> None:
        self.subject, self.asked, self.alone = subject, asked, alone
        self.until = time.process_time() + asked.seconds
        self.limit, self.slow = np.inf, False
        self.kinds: Kinds = {}
        self.tasks = range(len(asked.tasks))

    def codes(self) -> list[CodeType]:
        """The codes of the user's own functions that run in the first task."""
        with watching(WatchKinds(self.kinds)) as watch:
            begun = time.process_time()
            self.off()
            took = time.process_time() - begun
        begun = time.process_time()
        self.off()  # once more, unwatched
        self.slow = time.process_time() - begun > SLOW
        self.limit = max(LEAST, SLOWER * took)
        return list(watch.codes)

    def off(self, which: int = 0, before: Off | None = None) -> Off:
        """The steps and outputs that are not Keras's, in a task: the loss, the accuracy, the weights.

        Raises
        ------
        _Worse
            With the first step in which something is off that was not `before`.
        """
        task, expected = self.asked.tasks[which], self.asked.expected[which]
        off: set[tuple[int, int]] = set()
        made = 0

        def judge(did: Did, at: int) -> None:
            off.update((at, output) for output in outputs_off(did, expected[at]))
            if before is not None and not off <= before:
                raise _Worse

        def tell(did: Did) -> None:
            nonlocal made
            made += 1
            if made <= len(expected):
                judge(did, made - 1)
            setattr(builtins, SAMPLES, len(task.batches[min(made, len(task.batches) - 1)]))

        with limited(self.limit), _told(task):
            perform(self.subject, task, tell=tell)
        for at in range(made, len(expected)):
            judge(Did(error="not made"), at)
        return frozenset(off)

    def better(self, units: Sequence[Unit], turn: int) -> list[tuple[Repair, Off, Change]]:
        """The edits with which less is off in the first task in which something is, those with which least is first."""
        wrong = ((which, off) for which in self.tasks if (off := self.off(which)))
        which, off = next(wrong, (0, frozenset()))
        if not off:
            return []
        sieve = self.tasks[-1] if self.slow and self.off(self.tasks[-1]) else which
        search = _Search(self, ordered(units, self.asked, self.kinds), (which, off), (sieve, self.off(sieve)))
        found = []
        for place, left, whole in sorted(in_halves(search.part, self.alone)):
            unit, edit = search.changes[place]
            function = function_of(unit, edit)
            repair = Repair(unit.file, edit.first, edit.last, function, edit.source, edit.says, turn, whole)
            found.append((repair, left, (unit, edit)))
        return sorted(found, key=lambda each: (not each[0].whole, len(each[1])))

    def changed(self, change: Change, which: int, before: Off) -> Off | None:
        """What is off with an edit; None where that is more than before, or it makes no program that ends."""
        unit, edit = change
        try:
            with edit, unit.installed():
                return self.off(which, before)
        except (SyntaxError, ValueError, TypeError, RecursionError, Endless, _Worse):
            return None


class _Search:
    """Goes through edits, in one process or in two.

    Parameters
    ----------
    trial : _Trial
    changes : list of (Unit, Edit)
        The likeliest first.
    wrong : (int, Off)
        The first task in which something is off, and what.
    sieve : (int, Off)
        A task that is quicker, where there is one, and what is off in it.
    """

    def __init__(self, trial: _Trial, changes: list[Change], wrong: tuple[int, Off], sieve: tuple[int, Off]) -> None:
        self.trial, self.changes, self.wrong, self.sieve = trial, changes, wrong, sieve
        self.seconds = trial.until - time.process_time()

    def part(self, first: int, step: int, said: Said) -> list[tuple[int, Off, bool]]:
        """Try each `step`-th edit from one on; return those that mend something, and what is off then."""
        begun = time.process_time()  # of this process: a copy begins with none
        until = begun + self.seconds / step
        found: list[tuple[int, Off, bool]] = []
        waiting = deque(range(first, len(self.changes), step))
        mended: set[str] = set()
        number = 0
        while waiting and time.process_time() <= until:
            here = waiting.popleft()
            number += 1
            left = self._left(self.changes[here])
            whole = left == frozenset() and self._mends_all(self.changes[here])
            if left is not None:
                found.append((here, left, whole))
            if whole:
                said.say(here)
            mends = here if whole else said.heard()
            now = time.process_time()
            if mends is not None and (whole or not mended):
                function = function_of(*self.changes[mends])
                if function not in mended:
                    waiting = deque(sorted(waiting, key=beside(self.changes, mends)))
                mended.add(function)
                # Others may do so too: as long again is enough to see the likeliest of them.
                spent, least = now - begun, AGAIN * self.trial.asked.seconds
                until = min(until, now + max(spent, least / step, SURELY / step / number * spent))
            elif left is not None and len(found) == 1:  # the rest is for what it leaves
                until = now + (until - now) / 2
        return found

    def _left(self, change: Change) -> Off | None:
        """What is off with an edit, where that is less than without; tried in a quicker task before."""
        left = self.trial.changed(change, *self.sieve)
        if left is None or left == self.sieve[1] or self.trial.off(self.sieve[0]) != self.sieve[1]:
            return None
        if self.sieve != self.wrong:
            left = self.trial.changed(change, *self.wrong)
        return left if left != self.wrong[1] else None

    def _mends_all(self, change: Change) -> bool:
        """Whether nothing is off with an edit, in any task."""
        return all(self.trial.changed(change, which, frozenset()) == frozenset() for which in self.trial.tasks)


@contextlib.contextmanager
def _told(task: Task) -> Iterator[None]:
    """Let edits speak of the number of samples and of the learning rate."""
    setattr(builtins, SAMPLES, len(task.batches[0]))
    setattr(builtins, RATE, task.recipe.architecture.learning_rate)
    try:
        yield
    finally:
        delattr(builtins, SAMPLES)
        delattr(builtins, RATE)
