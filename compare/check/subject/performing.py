"""Runs a subject through one situation and writes down what it did; the same code in this process and in another."""

import contextlib
import io
import random
import time
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from compare.check.subject.handle import Handle
from compare.check.subject.kinds import Refusal, is_keras, make
from compare.check.subject.own_training import train
from compare.check.subject.tasks import TOO_LONG, Did, Performance, Task
from compare.sides.quiet_keras import load_keras

HERE = Path(__file__).resolve().parents[len(__name__.split(".")) - 2]  # this package, whatever it is called


@contextlib.contextmanager
def contained(seed: int = 0) -> Iterator[io.StringIO]:
    """Capture what is printed, silence warnings, seed the global random generators, and put them back."""
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
        ):
            warnings.simplefilter("ignore")
            yield text
    finally:
        random.setstate(state)
        np.random.set_state(numpy_state)  # noqa: NPY002


def perform(subject: Any, task: Task, seconds: float = np.inf) -> Performance:
    """Run a fresh subject through a task; never raises for what the subject does."""
    done = Performance()
    with contained(task.seed) as text:
        try:
            with _original_state(subject):
                handle = Handle(make(subject, task.recipe), task.recipe)
                done.notes = handle.notes
                if task.epochs:
                    train(handle, task, done)
                else:
                    _steps(handle, task, done, time.monotonic() + seconds)
        except Refusal as error:
            done.refusal = str(error)
        except (Exception, SystemExit) as error:
            done.refusal = describe(error)
    done.output = text.getvalue()[-2000:]
    return done


def describe(error: BaseException) -> str:
    """Name an exception in one line."""
    if isinstance(error, SystemExit):
        return "it calls exit"
    text = " ".join(str(error).split())
    # The innermost line that is the user's own: not of a library, and not of this one.
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _elsewhere(Path(frame.filename))]
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno}, in {frames[-1].name})" if frames else ""
    return f"it raises {type(error).__name__}: {text[:200]}{place}"


def _elsewhere(path: Path) -> bool:
    return "site-packages" in path.parts or path.is_relative_to(HERE) or not path.is_file()


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


def _steps(handle: Handle, task: Task, done: Performance, deadline: float) -> None:
    handle.set_weights(task.weights[0])
    for index, rows in enumerate(task.batches):
        did = Did()
        done.steps.append(did)
        try:
            if index and not task.free:
                handle.set_weights(task.weights[index])
            did.before = handle.get_weights()
            if task.gradients:
                did.gradients = handle.gradients(task.X[rows], task.y[rows])
                did.probabilities = handle.probabilities(task.X[rows])
            did.loss, did.accuracy = handle.step(task.X[rows], task.y[rows])
            did.after = handle.get_weights()
        except Refusal as error:
            did.error = str(error)
        except (Exception, SystemExit) as error:
            did.error = describe(error)
        if did.error and (task.free or _same_errors(done.steps, 5)):
            return
        if time.monotonic() > deadline:
            done.refusal = TOO_LONG
            return


def _same_errors(steps: list[Did], count: int) -> bool:
    return len(steps) >= count and all(step.error for step in steps[-count:])
