"""Tries edits of a subject's functions: drives it with one at a time, and tells those with which it does as Keras does.

What an edit mends, and what undoing it breaks again, is a line at fault beyond doubt, in whatever style it is written.
The functions keep their identity, as where they are traced: their code is exchanged, and put back.
"""

import builtins
import contextlib
import linecache
import signal
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Annotated, Any

import numpy as np

from compare.check.subject.edits import Edit, edits
from compare.check.subject.exceptions import Interrupted
from compare.check.subject.guard import guarded
from compare.check.subject.halves import Said, in_halves
from compare.check.subject.kinds import Array, is_keras
from compare.check.subject.performing import perform
from compare.check.subject.tasks import Did, Several, Task, Words
from compare.check.subject.tracing import Watch, own, watching
from compare.check.subject.units import Unit, units_of
from compare.check.subject.wordings import ARRAY, LIST, NUMBER, RATE, SAMPLES

Off = frozenset[tuple[int, int]]  # steps and their outputs

FOUND = 12  # repairs that are told
TOGETHER = 4  # edits that are needed one beside the other
SLOWER = 20  # times what the subject takes: an edit may make a loop endless
LEAST = 0.1  # seconds, at that
MEMORY = 2**30  # bytes that edits may take
LATER = 1.5  # ranks, that what is not suspected is tried later
SLOW = 0.01  # seconds of the processor that the first task takes, with which edits are too few
CLOSE = 8  # lines
TICK = 0.01  # seconds until it is tried again to end it, where a library's code ran
AGAIN = 0.2  # of the time, that is looked on at least, after what mends all was found
SURELY = 600  # edits, that are tried at least after that


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


class _Endless(Interrupted):
    """An edit made the subject go on for too long."""


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
        kept.enter_context(_little_memory())
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
        self.kinds: dict[str, dict[int, dict[str, str]]] = {}

    def codes(self) -> list[CodeType]:
        """The codes of the user's own functions that run in the first task."""
        with watching(_Kinds(self.kinds)) as watch:
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
            off.update((at, output) for output in _off(did, expected[at]))
            if before is not None and not off <= before:
                raise _Worse

        def tell(did: Did) -> None:
            nonlocal made
            made += 1
            if made <= len(expected):
                judge(did, made - 1)
            setattr(builtins, SAMPLES, len(task.batches[min(made, len(task.batches) - 1)]))

        with _limited(self.limit), _told(task):
            perform(self.subject, task, tell=tell)
        for at in range(made, len(expected)):
            judge(Did(error="not made"), at)
        return frozenset(off)

    def better(self, units: Sequence[Unit], turn: int) -> list[tuple[Repair, Off, tuple[Unit, Edit]]]:
        """The edits with which less is off in the first task in which something is, those with which least is first."""
        tasks = range(len(self.asked.tasks))
        wrong = ((which, off) for which in tasks if (off := self.off(which)))
        which, off = next(wrong, (0, frozenset()))
        if not off:
            return []
        sieve = tasks[-1] if self.slow and self.off(tasks[-1]) else which
        passing = self.off(sieve)
        ordered, seconds = self._ordered(units), self.until - time.process_time()

        def tried(first: int, step: int, said: Said) -> list[tuple[int, Off, bool]]:
            begun = time.process_time()  # of this process: a copy begins with none
            until = begun + seconds / step
            found: list[tuple[int, Off, bool]] = []
            waiting = deque(range(first, len(ordered), step))
            mended: set[str] = set()
            number = 0
            while waiting and time.process_time() <= until:
                here = waiting.popleft()
                number += 1
                left = self._left(ordered[here], (sieve, passing), (which, off))
                whole = left == frozenset() and all(self._with(*ordered[here], task, left) == left for task in tasks)
                if left is not None:
                    found.append((here, left, whole))
                if whole:
                    said.say(here)
                mends = here if whole else said.heard()
                now = time.process_time()
                if mends is not None and (whole or not mended):
                    function = _function(*ordered[mends])
                    if function not in mended:
                        waiting = deque(sorted(waiting, key=_beside(ordered, mends)))
                    mended.add(function)
                    # Others may do so too: as long again is enough to see the likeliest of them.
                    spent = now - begun
                    until = min(
                        until, now + max(spent, AGAIN * self.asked.seconds / step, SURELY / step / number * spent)
                    )
                elif left is not None and len(found) == 1:  # the rest is for what it leaves
                    until = now + (until - now) / 2
            return found

        found = []
        for place, left, whole in sorted(in_halves(tried, self.alone)):
            unit, edit = ordered[place]
            function = _function(unit, edit)
            repair = Repair(unit.file, edit.first, edit.last, function, edit.source, edit.says, turn, whole)
            found.append((repair, left, (unit, edit)))
        return sorted(found, key=lambda each: (not each[0].whole, len(each[1])))

    def _left(self, change: tuple[Unit, Edit], sieve: tuple[int, Off], first: tuple[int, Off]) -> Off | None:
        """What is off in a task with an edit, where that is less than without; tried in another task before."""
        left = self._with(*change, *sieve)
        if left is None or left == sieve[1] or self.off(sieve[0]) != sieve[1]:
            return None
        if sieve != first:
            left = self._with(*change, *first)
        return left if left != first[1] else None

    def _with(self, unit: Unit, edit: Edit, which: int, before: Off) -> Off | None:
        """What is off with an edit; None where that is more than before, or it makes no program that ends."""
        try:
            with edit, unit.installed():
                return self.off(which, before)
        except (SyntaxError, ValueError, TypeError, RecursionError, _Endless, _Worse):
            return None

    def _ordered(self, units: Sequence[Unit]) -> list[tuple[Unit, Edit]]:
        """The edits, in the order in which they are tried."""
        suspects = self.asked.suspects
        every = []
        for unit in units:
            for edit in edits(unit.node, unit.names, self.kinds.get(unit.file, {}), unit.idle, self.asked.factors):
                near = [
                    place
                    for place, (file, first, last) in enumerate(suspects)
                    if file == unit.file and edit.first <= last and edit.last >= first
                ]
                suspected = near[0] if near else len(suspects)
                every.append(((edit.rank + (0 if near else LATER), suspected), unit, edit))
        every.sort(key=lambda each: each[0])
        return [(unit, edit) for _, unit, edit in every]


class _Kinds(Watch):
    """Notes of what kind the variables of the user's functions are, and the attributes of the objects among them."""

    def __init__(self, kinds: dict[str, dict[int, dict[str, str]]]) -> None:
        super().__init__()
        self.kinds = kinds

    def __call__(self, frame: Any, event: str, argument: Any) -> None:
        """Be called as a profile function is."""
        super().__call__(frame, event, argument)
        code = frame.f_code
        if event == "return" and code in self.codes:
            values = dict(frame.f_locals)
            found = self.kinds.setdefault(code.co_filename, {}).setdefault(code.co_firstlineno, {})
            found |= {name: _kind(value) for name, value in values.items()}
            for value in values.values():
                if not isinstance(value, type | FunctionType | ModuleType):
                    found |= {f".{name}": _kind(each) for name, each in getattr(value, "__dict__", {}).items()}


def _kind(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{ARRAY}{value.ndim}"
    if isinstance(value, int | float | np.number):
        return NUMBER
    return LIST if isinstance(value, list | tuple) else type(value).__name__


def _function(unit: Unit, edit: Edit) -> str:
    """The function that an edit is in, by the lines of those of its unit."""
    found = ""
    for _, name, first in unit.functions:
        found = name if first <= edit.first and not name.endswith(">") else found
    return found


def _beside(ordered: Sequence[tuple[Unit, Edit]], place: int) -> Callable[[int], int]:
    """Return how soon another edit is tried after one that mends all.

    The same change elsewhere, then where its function is called, then what is close by.
    """
    unit, mends = ordered[place]
    function, change = _function(unit, mends), mends.change
    call = f"{function.rpartition('.')[2]}("

    def soon(another: int) -> int:
        other = ordered[another]
        its, edit = _function(*other), other[1]
        if other[0].file == unit.file:
            if function == its and change and edit.change == change:
                return 0
            if call in linecache.getline(unit.file, edit.first):
                return 1
            if function == its and abs(edit.first - mends.first) <= CLOSE:
                return 2
        return 3

    return soon


def _off(did: Did, right: Expected) -> Iterator[int]:
    """Which outputs of a step are off: 0 the loss, 1 the accuracy, then the tensors."""
    lost = did.error is not None or did.after is None or len(did.after) != len(right.after)
    if right.loss is not None and (lost or did.loss is None or not abs(did.loss - right.loss) <= right.loss_bound):
        yield 0
    if right.accuracy is not None and (lost or did.accuracy is None or not abs(did.accuracy - right.accuracy) < 1e-6):
        yield 1
    for place, (value, bound) in enumerate(zip(right.after, right.bounds, strict=True), 2):
        if lost or not (np.abs((did.after or [])[place - 2] - value) <= bound).all():
            yield place


@contextlib.contextmanager
def _little_memory() -> Iterator[None]:
    """Let this process take little more memory than it has: an edit may ask for any amount."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    least = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (least if soft < 0 else min(soft, least), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@contextlib.contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Raise what no program catches, after so many seconds of the processor."""
    if not np.isfinite(seconds) or not hasattr(signal, "setitimer"):
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        if frame is not None and own(frame.f_code.co_filename):  # not amid a library's own, or a collector's call
            raise _Endless

    before = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, seconds, TICK)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


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
