"""Runs a subject through one situation and writes down what it did; the same code in this process and in another."""

import contextlib
import io
import random
import time
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.check.handle import Handle
from compare.check.subjects import Array, Plan, Refusal, is_keras, make

Rows = NDArray[Any]
HERE = Path(__file__).resolve().parents[1]
TOO_LONG = "it takes too long"


@dataclass(frozen=True)
class Task:
    """A situation to run a fresh subject through.

    `weights` holds the weights to set before each step, or only the first step's if `free`. With `gradients`, the
    subject's own `gradients` and `predict_proba` are asked before each step, if it has them. With `epochs`, the
    subject's own epoch-level training is driven instead of its steps, for that many epochs in `calls` calls. `seed` is
    that of the global generators, which are put back afterwards.
    """

    plan: Plan
    X: Array
    y: NDArray[np.integer]
    batches: list[Rows]
    weights: list[list[Array]]
    free: bool = False
    gradients: bool = False
    epochs: int = 0
    calls: int = 1
    batch_size: int = 0
    orders: Rows | None = None
    seed: int = 0


@dataclass
class Did:
    """What the subject did in one step; None where it does not tell."""

    loss: float | None = None
    accuracy: float | None = None
    before: list[Array] | None = None
    after: list[Array] | None = None
    gradients: list[Array] | None = None
    probabilities: Array | None = None
    error: str | None = None


@dataclass
class Performance:
    """What the subject did in a task: its steps, oddities, and why it stopped early, if it did."""

    steps: list[Did] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refusal: str | None = None
    history: list[float] | None = None
    output: str = ""


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
                handle = Handle(make(subject, task.plan), task.plan)
                done.notes = handle.notes
                if task.epochs:
                    _train(handle, task, done)
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
    from keras_ref.precision import precision

    variables = [*subject.variables, *subject.optimizer.variables]
    kept = [np.array(v) for v in variables]
    try:
        with precision(str(subject.compute_dtype)):
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


EPOCHS = ("epochs", "n_epochs", "num_epochs", "epoch", "iterations", "n_iter", "num_iterations")
HISTORIES = ("loss", "losses", "loss_history", "history", "costs", "train_loss")


def train_options(thing: Any) -> set[str] | None:
    """The parameters of the subject's own `train` or `fit`; None if it has neither."""
    import inspect

    method = getattr(thing, "train", None) or getattr(thing, "fit", None)
    if not callable(method):
        return None
    try:
        return set(inspect.signature(method).parameters)
    except (TypeError, ValueError):
        return set()


def _train(handle: Handle, task: Task, done: Performance) -> None:
    thing, options = handle.thing, train_options(handle.thing)
    if options is None:
        raise Refusal("it has neither `train` nor `fit`")
    count = next((name for name in EPOCHS if name in options), None)
    if count is None:
        raise Refusal("its `train` takes no number of epochs")
    method = getattr(thing, "train", None) or thing.fit
    each = task.epochs // task.calls
    keywords: dict[str, Any] = {count: each}
    for name, value in (("batch_size", task.batch_size), ("shuffle", False), ("verbose", 0)):
        if name in options:
            keywords[name] = value
    handle.set_weights(task.weights[0])
    done.history = []
    for call in range(task.calls):
        if "batch_orders" in options and task.orders is not None:
            keywords["batch_orders"] = task.orders[call * each : (call + 1) * each]
        result = method(np.array(task.X), handle.labels(task.y), **keywords)
        found = _history(thing, result, each, each * (call + 1))
        if found is None or done.history is None:
            done.history = None
        else:  # some tell this call's epochs, some all so far
            done.history = done.history + found if len(found) == each else found
    done.steps.append(Did(before=task.weights[0], after=handle.get_weights()))


def _history(thing: Any, result: Any, *epochs: int) -> list[float] | None:
    """The loss history of the last call, which has one of these lengths."""
    candidates = [result, *(getattr(thing, name, None) for name in HISTORIES)]
    for found in candidates:
        if found is None:
            continue
        if hasattr(found, "history"):
            found = found.history
        if isinstance(found, dict):
            found = found.get("loss", found.get("losses"))
        if isinstance(found, tuple) and len(found) and np.ndim(found[0]) == 1:
            found = found[0]
        try:
            values = [float(v) for v in np.asarray(found, dtype=np.float64).reshape(-1)]
        except (TypeError, ValueError):
            continue
        if len(values) in epochs:
            return values
    return None
