"""Drives a subject's own `train` or `fit`, whatever its options are called."""

import inspect
from typing import Any

import numpy as np

from compare.check.subject.handle import Handle
from compare.check.subject.kinds import Refusal
from compare.check.subject.tasks import Did, Performance, Task

EPOCHS = ("epochs", "n_epochs", "num_epochs", "epoch", "iterations", "n_iter", "num_iterations")
HISTORIES = ("loss", "losses", "loss_history", "history", "costs", "train_loss")


def train_options(thing: Any) -> set[str] | None:
    """The parameters of the subject's own `train` or `fit`; None if it has neither."""
    method = getattr(thing, "train", None) or getattr(thing, "fit", None)
    if not callable(method):
        return None
    try:
        return set(inspect.signature(method).parameters)
    except (TypeError, ValueError):
        return set()


def train(handle: Handle, task: Task, done: Performance) -> None:
    """Let the subject train by itself, for the task's epochs in its calls; write down its history and weights."""
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
