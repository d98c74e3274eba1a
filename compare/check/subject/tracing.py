"""Runs steps of a subject with its own functions rewritten, and writes down every array that an expression makes.

The functions keep their identity: only their code is exchanged, and put back. So the same serves a file that was loaded
for a check, a class of a test, and a cell of a notebook. Nothing here needs more than NumPy: it runs where the subject
does.
"""

import builtins
import contextlib
import linecache
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import Annotated, Any, NamedTuple

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from compare.check.subject.rewriting import SEEN, Site, rewrite
from compare.sides.frozen import functions_of, installed

TOO_MANY, TOO_LONG = "more than", "longer than"
EVENTS = 200_000  # a step of a network of 100 lines has some hundred
MANY = Meta(max_length=2 * EVENTS)  # of anything in a trace
BYTES = 64 * 2**20
SECONDS = 3.0  # of the processor: others may be at work on it too
INSIDE = 64  # arrays looked at in a list or dict that an expression reads
Twins = tuple[CodeType, CodeType]
HERE = str(Path(__file__).resolve().parents[len(__name__.split(".")) - 1])
OURS = tuple(str(Path(HERE) / name) for name in (__name__.split(".")[0], "keras_parity"))


class Place(NamedTuple):
    """A site, as a trace tells it."""

    file: int
    first: int
    column: int
    last: int
    end: int
    statement: int
    statement_end: int
    function: str
    kind: str
    target: str
    node: str

    def within(self, lines: int) -> bool:
        """Whether it lies in a file of so many lines."""
        return 1 <= self.first <= self.last <= lines and 1 <= self.statement <= self.statement_end <= lines


@dataclass
class Trace:
    """What the lines of a subject did in some steps, in plain values.

    Attributes
    ----------
    files, sources : list of str
        The subject's own files, and their text.
    sites : list of Place
    events : array of shape (e, 3)
        Site, value and step, in order.
    reads : array of shape (r, 2)
        Event, and an event whose value it was computed from.
    values : list of arrays
        Every distinct value.
    not_traced : str or None
        Why there is no more.
    """

    files: Annotated[list[str], MANY] = field(default_factory=list)
    sources: Annotated[list[str], MANY] = field(default_factory=list)
    sites: Annotated[list[Place], MANY] = field(default_factory=list)
    events: NDArray[Any] = field(default_factory=lambda: np.empty((0, 3), np.int64))
    reads: NDArray[Any] = field(default_factory=lambda: np.empty((0, 2), np.int64))
    values: Annotated[list[NDArray[Any]], MANY] = field(default_factory=list)
    not_traced: str | None = None

    def coherent(self) -> bool:
        """Whether each number stands for what there is: it may come from another process."""
        lengths = [len(source.encode().splitlines()) for source in self.sources]
        return (
            len(self.files) == len(self.sources)
            and all(0 <= each.file < len(lengths) and each.within(lengths[each.file]) for each in self.sites)
            and _numbers(self.events, [len(self.sites), len(self.values), sys.maxsize])
            and _numbers(self.reads, [len(self.events)] * 2)
        )


def _numbers(table: NDArray[Any], below: Sequence[int]) -> bool:
    """Whether each column holds whole numbers from 0, below these."""
    whole = table.ndim == 2 and table.shape[1] == len(below) and table.dtype.kind == "i"
    return whole and bool(((table >= 0) & (table < np.array(below))).all())


class Recorder:
    """Gets each value as it is made; it never changes one, and keeps copies."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.sources: list[str] = []
        self.sites: list[Site] = []
        self.owners: list[int] = []  # the file of each site
        self.events: list[tuple[int, int, int]] = []
        self.reads: list[tuple[int, int]] = []
        self.values: list[Any] = []
        self.numbers: dict[Any, int] = {}
        self.pending: dict[int, list[int]] = {}
        self.step = -1
        self.bytes = 0
        self.deadline = np.inf
        self.stopped: str | None = None

    @contextlib.contextmanager
    def during(self, step: int, wanted: Sequence[int]) -> Iterator[None]:
        """Write down what is seen meanwhile, if this step is wanted."""
        self.step = step if step in wanted else -1
        try:
            yield
        finally:
            self.step = -1
            self.pending.clear()

    def seen(self, site: int, value: Any) -> Any:
        """Note a value, and return it."""
        if self.step >= 0 and self.stopped is None:
            try:
                self._note(site, value)
            except Exception as error:  # a value that cannot be looked at is no reason to stop a subject
                self.stopped = f"a value could not be looked at: {type(error).__name__}"
        return value

    def _note(self, site: int, value: Any) -> None:
        kind, known = self.sites[site].kind, len(self.values)
        whole = self._keep(float(value) if kind == "test" and isinstance(value, bool | np.bool_) else value)
        found = [whole] if whole >= 0 else [self._keep(each) for each in _inside(value)]
        if not found and (kind == "loop" or (kind == "value" and self.sites[site].node == "Call")):
            found = [self._kept("nothing", np.zeros(()))]  # that it ran is told too
        if kind == "changed" and whole < 0:
            found = [number for number in found if number >= known]  # the others are as they were
        parts = self.sites[site].parts
        reads = [event for part in parts for event in self.pending.pop(part, ())]
        if kind == "loop":
            for part in parts:  # what is looped over stays read in every turn
                self.pending[part] = [event for event in reads if self.events[event][0] == part]
        if kind == "changed" and whole < 0 and parts:  # what else a list or a dict holds is not read
            reads = [event for event in reads if self.events[event][0] != parts[0]]
        for number in found:
            self.events.append((site, number, self.step))
            event = len(self.events) - 1
            self.pending.setdefault(site, []).append(event)
            self.reads += [(event, read) for read in reads]
        if not found:  # what was computed from the parts may be looked for behind it
            self.pending.setdefault(site, []).extend(reads)
        if len(self.events) > EVENTS:
            self.stopped = f"{TOO_MANY} {EVENTS:,} values in {self.step + 1} steps"
        elif self.bytes > BYTES:
            self.stopped = f"{TOO_MANY} {BYTES >> 20} MB of arrays"
        elif time.process_time() > self.deadline:
            self.stopped = f"{TOO_LONG} {SECONDS:g} s"

    def _keep(self, value: Any) -> int:
        """The number of a value; -1 for what is neither an array nor a number."""
        if isinstance(value, np.ndarray):
            if value.dtype.kind not in "fiub" or not value.size:
                return -1
            key: Any = (value.shape, value.dtype.char, value.tobytes())
        elif isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool):
            key = float(value)
            key = "nan" if key != key else key
        else:
            return -1
        return self._kept(key, value)

    def _kept(self, key: Any, value: Any) -> int:
        """The number of a value by its key; a copy is kept when it is first seen."""
        number = self.numbers.get(key)
        if number is None:
            number = self.numbers[key] = len(self.values)
            self.values.append(np.array(value))
            self.bytes += self.values[-1].nbytes
        return number

    def trace(self) -> Trace:
        """What was written down, in plain values."""
        sites = [
            Place(owner, *site.position, *site.statement, site.function, site.kind, site.target, site.node)
            for owner, site in zip(self.owners, self.sites, strict=True)
        ]
        events = np.array(self.events, np.int64).reshape(-1, 3)
        reads = np.array(self.reads, np.int64).reshape(-1, 2)
        return Trace(self.files, self.sources, sites, events, reads, self.values, self.stopped)


def _inside(value: Any) -> Iterator[Any]:
    """The arrays in a list, a tuple or a dict, and in those that it holds; and in the fields of records."""
    left = INSIDE
    waiting = [(value, 2)]
    while waiting and left:
        of, depth = waiting.pop(0)
        entries = list(of.values()) if type(of) is dict else list(of) if type(of) in (list, tuple) else []
        if isinstance(of, np.ndarray | np.void) and of.dtype.names:
            entries = [np.asarray(of[name]) for name in of.dtype.names]
        for each in entries[:INSIDE]:
            if isinstance(each, np.ndarray) and each.dtype.names is None:
                left -= 1
                yield each
            elif depth:
                waiting.append((each, depth - 1))


class Watch:
    """Notes which of the user's own functions run."""

    def __init__(self) -> None:
        self.codes: dict[CodeType, None] = {}
        self.foreign: set[str] = set()

    def __call__(self, frame: Any, event: str, argument: Any) -> None:
        """Be called as a profile function is."""
        code = frame.f_code
        if event == "call" and code not in self.codes and code.co_filename not in self.foreign:
            if own(code.co_filename):
                self.codes[code] = None
            else:
                self.foreign.add(code.co_filename)


@cache  # there are thousands of modules, and all are asked about again and again
def _resolved(filename: str) -> str:
    return str(Path(filename).resolve())


def own(filename: str) -> bool:
    """Whether a file is the user's: not Python's, not installed, not ours, and its text can be had."""
    if filename.startswith("<") and not linecache.getlines(filename):
        return False
    path = _resolved(filename) if not filename.startswith("<") else filename
    return not installed(path) and not path.startswith(OURS) and bool(linecache.getlines(filename))


@contextlib.contextmanager
def watching(watch: Watch | None = None) -> Iterator[Watch]:
    """Note which of the user's functions run meanwhile; none, where a profiler runs already."""
    watch = watch or Watch()
    if sys.getprofile() is not None:
        yield watch
        return
    sys.setprofile(watch)
    try:
        yield watch
    finally:
        sys.setprofile(None)


@contextlib.contextmanager
def rewritten(codes: Sequence[CodeType], recorder: Recorder) -> Iterator[None]:
    """Exchange the code of these functions, and of those of the same files, for code that is recorded; put it back."""
    recorder.deadline = time.process_time() + SECONDS
    new: dict[CodeType, CodeType] = {}
    for filename in dict.fromkeys(code.co_filename for code in codes):
        new |= _exchange(filename, [code for code in codes if code.co_filename == filename], recorder)
    setattr(builtins, SEEN, recorder.seen)
    try:
        with exchanged((function, new[function.__code__]) for function in functions_of(list(new))):
            yield
    finally:
        delattr(builtins, SEEN)


@contextlib.contextmanager
def exchanged(codes: Iterable[tuple[FunctionType, CodeType]]) -> Iterator[None]:
    """Have functions run other code meanwhile."""
    before: list[tuple[FunctionType, CodeType]] = []
    try:
        for function, code in codes:
            before.append((function, function.__code__))
            function.__code__ = code
        yield
    finally:
        for function, code in before:
            function.__code__ = code


def _exchange(filename: str, codes: Sequence[CodeType], recorder: Recorder) -> dict[CodeType, CodeType]:
    """For each code of a file, the rewritten one."""
    source = "".join(linecache.getlines(filename))
    try:
        pairs, sites = _twins(source, filename, len(recorder.sites))
    except (SyntaxError, ValueError, RecursionError) as error:
        recorder.stopped = f"{Path(filename).name} cannot be read again: {error}"
        return {}
    recorder.owners += [len(recorder.files)] * len(sites)
    recorder.sites += sites
    recorder.files.append(filename)
    recorder.sources.append(source)
    found = {}
    for code in codes:
        near = pairs.get((code.co_qualname, code.co_firstlineno), [])
        exact = [other for one, other in near if one == code] or [other for _, other in near]
        if exact and exact[0].co_freevars == code.co_freevars:
            found[code] = exact[0]
    return found


@lru_cache(maxsize=8)  # a file has many subjects, and a subject is traced in several situations
def _twins(source: str, filename: str, first: int) -> tuple[dict[tuple[str, int], list[Twins]], list[Site]]:
    """Each code of a file with its rewritten twin, by name and line, and the sites, numbered from `first` on."""
    plain = compile(source, filename, "exec", dont_inherit=True)
    tree, sites = rewrite(source, filename, first)
    pairs: dict[tuple[str, int], list[Twins]] = {}
    for one, other in _paired(plain, compile(tree, filename, "exec", dont_inherit=True)):
        pairs.setdefault((one.co_qualname, one.co_firstlineno), []).append((one, other))
    return pairs, sites


def _paired(one: CodeType, other: CodeType) -> Iterator[Twins]:
    """The codes of a module, each with its rewritten twin: they stand in the same order."""
    mine, theirs = ([each for each in of.co_consts if isinstance(each, CodeType)] for of in (one, other))
    for a, b in zip(mine, theirs, strict=True):
        yield a, b
        yield from _paired(a, b)
