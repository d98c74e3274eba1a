"""Runs a subject through one situation and writes down what it did; the same code in this process and in another."""

import contextlib
import io
import random
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from compare.check.subject.exceptions import Interrupted, describe
from compare.check.subject.forks import LeavesFork, WatchForks
from compare.check.subject.generators import generators_kept
from compare.check.subject.handle import Handle
from compare.check.subject.kinds import Refusal, is_keras, make
from compare.check.subject.own_training import train
from compare.check.subject.predicting import predicted
from compare.check.subject.tasks import TOO_LONG, Did, Performance, Task
from compare.check.subject.tracing import Recorder, rewritten, watching
from compare.sides.quiet_keras import load_keras

ERRORS = 5  # in a row, and the situation is given up


@contextlib.contextmanager
def contained(seed: int = 0) -> Iterator[io.StringIO]:
    """Capture what is printed, silence warnings, seed the global random generators, and put all generators back."""
    state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    text = io.StringIO()
    try:
        with (
            contextlib.redirect_stdout(text),
            contextlib.redirect_stderr(text),
            warnings.catch_warnings(),
            np.errstate(all="ignore"),
            generators_kept(seed),
        ):
            warnings.simplefilter("ignore")
            yield text
    finally:
        random.setstate(state)
        np.random.set_state(numpy_state)  # noqa: NPY002


def perform(
    subject: Any, task: Task, seconds: float = np.inf, tell: Callable[[Did], None] = lambda did: None
) -> Performance:
    """Run a fresh subject through a task; never raises for what the subject does. `tell` gets each step once made."""
    if not task.trace:
        return _performed(subject, task, Recorder(), seconds, tell)
    with watching() as watch:
        done = _performed(subject, task, Recorder(), seconds, lambda did: None)
    recorder = Recorder()
    if done.refusal is None:  # it was a rehearsal, to see which functions run
        with rewritten(list(watch.codes), recorder):
            done = _performed(subject, task, recorder, seconds, tell)
    done.trace = recorder.trace()
    return done


def _performed(
    subject: Any, task: Task, recorder: Recorder, seconds: float, tell: Callable[[Did], None]
) -> Performance:
    done, deadline = Performance(), time.monotonic() + seconds
    try:
        with contained(task.seed) as text:
            try:
                with _original_state(subject):
                    _perform(subject, task, done, deadline, tell, recorder)
            except Interrupted:
                raise
            except BaseException as error:
                # What a subject raises is a finding, whatever it is.
                done.refusal = describe(error)
        done.output = "" if text.closed else text.getvalue()[-2000:]
    except Interrupted:
        raise
    except BaseException as error:
        done.refusal = done.refusal or f"it breaks what it runs in: {describe(error)}"
    return done


def _perform(
    subject: Any, task: Task, done: Performance, deadline: float, tell: Callable[[Did], None], recorder: Recorder
) -> None:
    with WatchForks():
        handle = Handle(make(subject, task.recipe), task.recipe)
        done.notes = handle.notes
        handle.set_weights(task.weights[0])
    if task.epochs:
        with WatchForks(), recorder.during(0, task.trace):
            train(handle, task, done)
    else:
        _steps(handle, task, done, deadline, tell, recorder)


@contextlib.contextmanager
def _original_state(subject: Any) -> Iterator[None]:
    """A Keras model is not copied, since each copy would be traced anew; its state is put back instead.

    It runs under the global precision that it was built with: otherwise Keras mixes two.
    """
    if not is_keras(subject):
        yield
        return
    variables = [*subject.variables, *subject.optimizer.variables]
    kept = [np.array(v) for v in variables]
    try:
        with load_keras().precision(str(subject.compute_dtype)):
            yield
    finally:
        for variable, value in zip(variables, kept, strict=True):
            variable.assign(value)


def _steps(
    handle: Handle, task: Task, done: Performance, deadline: float, tell: Callable[[Did], None], recorder: Recorder
) -> None:
    """Make the task's steps. Whatever ends them before the last is the performance's refusal."""
    for index, _ in enumerate(task.batches):
        did = Did()
        done.steps.append(did)
        try:
            with WatchForks():
                _step(handle, task, index, done.steps, recorder)
        except Interrupted:
            raise
        except BaseException as error:
            did.error = describe(error)
            if isinstance(error, LeavesFork) or (task.free and index + 1 < len(task.batches)):
                done.refusal = did.error
        tell(did)
        last = index + 1 == len(task.batches)
        if not last and all(step.error for step in done.steps[-ERRORS:]) and len(done.steps) >= ERRORS:
            done.refusal = f"{did.error}, in {ERRORS} steps in a row"
        elif not last and time.monotonic() > deadline:
            done.refusal = done.refusal or TOO_LONG
        if done.refusal:
            return


def _step(handle: Handle, task: Task, index: int, steps: list[Did], recorder: Recorder) -> None:
    did, rows = steps[index], task.batches[index]
    if index and not task.free:
        handle.set_weights(task.weights[index])
    did.before = handle.get_weights()
    if index and task.free:
        pairs = zip(did.before, steps[index - 1].after or [], strict=True)
        if not all(np.array_equal(now, then, equal_nan=True) for now, then in pairs):
            raise Refusal("its weights change between two steps: `get_weights` does not give what it gave just before")
    if task.gradients:
        did.gradients = handle.gradients(task.X[rows], task.y[rows])
        did.probabilities = handle.probabilities(task.X[rows])
    if task.predict:
        did.predicted = predicted(handle, task.X[rows])
    with recorder.during(index, task.trace):
        did.loss, did.accuracy = handle.step(task.X[rows], task.y[rows])
    did.masks, did.held = handle.masks(len(rows))
    did.after = handle.get_weights()
