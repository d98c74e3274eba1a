"""Runs a subject in a process of its own, which may train, print, exit, loop or patch NumPy without doing harm.

The two processes exchange plain values and arrays only; nothing that the subject's process sends can run code.
"""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, Protocol

from msgspec import structs

from compare.check.subject.attempts import Attempt, Repair
from compare.check.subject.description import Description, describe_subject
from compare.check.subject.exceptions import interruptible
from compare.check.subject.messages import Describe, Load, Perform, Request, Try
from compare.check.subject.performing import perform
from compare.check.subject.process import Gone, SubjectProcess
from compare.check.subject.tasks import LEFT_RUNNING, TOO_LONG, Did, Performance, Task
from compare.check.subject.trying import attempt
from compare.limits import usual_limit
from compare.recipe.recipe import Recipe


class Driver(Protocol):
    """Where a subject lives: in this process, or in one of its own."""

    def describe(self, recipe: Recipe) -> Description:
        """What the subject is and says about itself."""

    def perform(self, task: Task) -> Performance:
        """Run a fresh subject through a task."""

    def perform_all(self, tasks: Iterable[Task]) -> Iterator[Performance]:
        """Run a fresh subject through each task, up to the first that takes too long."""

    def attempt(self, asked: Attempt) -> list[Repair]:
        """Try edits of the subject's functions, and tell those that mend something."""


class Isolated:
    """A subject in a process of its own, and in a fresh one after each that ended.

    No request outlasts `seconds`; the subject, with all that it starts, may take `memory` bytes.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        seconds: float = 60.0,
        definitions_only: bool = False,
        memory: int | None = None,
    ) -> None:
        self.memory = memory or usual_limit()
        self.start = Load(os.fsencode(path), name, definitions_only)
        self.seconds = seconds
        self.known: Description = {}  # the subject's name and adapter, where they were found out
        self.process: SubjectProcess | None = None
        self.loaded = False
        self.failed: str | None = None

    def close(self) -> None:
        """End the subject's process, and all that it started."""
        process, self.process, self.loaded = self.process, None, False
        if process is not None:
            process.end()

    def __enter__(self) -> "Isolated":
        self.process = SubjectProcess(self.memory)  # while it starts, others may import what they need
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def describe(self, recipe: Recipe) -> Description:
        """What the subject is and says about itself."""
        try:
            found: Description = self._ask(Describe(recipe), []).description
        except Gone as gone:
            return {"error": str(gone)}
        if found.get("error") == LEFT_RUNNING:
            self.close()
        if "error" not in found:
            self._keep(found)
        return {**self.known, **found}

    def _keep(self, found: Description) -> None:
        """Keep what was found out, for a fresh process: what was tried may have left its traces in this one."""
        if "name" in found:
            self.known = {"name": found["name"]}
        if "adapter" in found:
            self.known = {**self.known, "adapter": found["adapter"], "certain": found.get("certain", False)}
            if "activations" in found:
                self.known["activations"] = found["activations"]
            self.close()
        name, adapter = self.known.get("name", self.start.name), self.known.get("adapter", "")
        self.start = structs.replace(self.start, name=name, adapter=adapter)

    def perform(self, task: Task) -> Performance:
        """Run a fresh subject through a task."""
        steps: list[Did] = []
        try:
            done: Performance = self._ask(Perform(task, self.seconds), steps).done
        except Gone as gone:
            if not gone.late and not task.epochs and len(steps) < len(task.batches):
                before = task.weights[0] if task.free else task.weights[len(steps)]
                before = (steps[-1].after or before) if task.free and steps else before
                steps.append(Did(before=before, error=str(gone)))
            return Performance(steps, refusal=str(gone))
        done.steps = done.steps if task.epochs else steps
        if done.refusal == LEFT_RUNNING:
            self.close()
        return done

    def perform_all(self, tasks: Iterable[Task]) -> Iterator[Performance]:
        """Run a fresh subject through each task, up to the first that takes too long; meanwhile the next is drawn."""
        late = False

        def perform(task: Task) -> Performance:
            nonlocal late
            done = Performance() if late else self.perform(task)
            late = late or _late(done)
            return done

        executor, none = ThreadPoolExecutor(1), Future[Performance]()
        try:
            begun = (executor.submit(perform, task) for task in tasks)
            yield from _until_late(under_way.result() for under_way, _ in pairwise(chain(begun, [none])))
        finally:
            executor.shutdown(wait=False, cancel_futures=True)

    def attempt(self, asked: Attempt) -> list[Repair]:
        """Try edits of the subject's functions, and tell those that mend something; none, if one ends its process."""
        try:
            found: list[Repair] = self._ask(Try(asked), []).repairs
        except Gone:
            return []
        self.close()  # what was tried may have left its traces in this process
        return found

    def _ask(self, request: Request, steps: list[Did]) -> Any:
        """Return the answer; `steps` gets those that are told on the way.

        Raises
        ------
        Gone
            If there is none: the process ended, or was ended.
        """
        if self.failed is not None:
            raise Gone(self.failed)
        if self.process is None:
            self.process = SubjectProcess(self.memory)
        if not self.loaded:
            try:
                self.failed = self.process.ask(self.start, self.seconds, []).error
                self.loaded = True
            except Gone as gone:
                self.failed = f"its file cannot be loaded: {gone}"
            if self.failed is not None:  # loading would fail again, perhaps after a minute
                self.close()
                raise Gone(self.failed)
        try:
            return self.process.ask(request, self.seconds, steps)
        except BaseException:
            self.close()
            raise


class InProcess:
    """A subject in this process; `seconds` bounds each situation, looked at between steps."""

    def __init__(self, subject: Any, seconds: float = 60.0) -> None:
        self.subject, self.seconds = subject, seconds

    def describe(self, recipe: Recipe) -> Description:
        """What the subject is and says about itself."""
        with interruptible():
            return describe_subject(self.subject, recipe)

    def perform(self, task: Task) -> Performance:
        """Run a fresh subject through a task."""
        with interruptible():
            return perform(self.subject, task, self.seconds)

    def perform_all(self, tasks: Iterable[Task]) -> Iterator[Performance]:
        """Run a fresh subject through each task, up to the first that takes too long."""
        return _until_late(map(self.perform, tasks))

    def attempt(self, asked: Attempt) -> list[Repair]:
        """Try edits of the subject's functions, and tell those that mend something."""
        with interruptible():
            return attempt(self.subject, asked)


def _until_late(performances: Iterable[Performance]) -> Iterator[Performance]:
    for done in performances:
        yield done
        if _late(done):
            return


def _late(done: Performance) -> bool:
    return TOO_LONG in (done.refusal or "")
