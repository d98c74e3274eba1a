"""A subject's own `train` or `fit`: what its parameters mean, whatever they are called, and how it is driven."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from compare.check.subject.factories import BATCHES, RATES
from compare.check.subject.handle import Handle
from compare.check.subject.kinds import Refusal
from compare.check.subject.tasks import Did, Performance, Task

METHODS = ("train", "fit")
# What parameters mean, in the usual names, and what they are called.
NAMES: dict[str, Sequence[str]] = {
    "epochs": (
        *("epochs", "n_epochs", "num_epochs", "nb_epochs", "epoch", "n_epoch", "num_epoch", "nb_epoch"),
        *("iterations", "n_iterations", "num_iterations", "n_iter", "n_iters", "num_iters", "max_iter", "max_iters"),
    ),
    "batch_size": (*BATCHES, "batchsize", "minibatch_size", "mini_batch_size", "batch"),
    "batch_orders": ("batch_orders",),
    "shuffle": ("shuffle",),
    "learning_rate": RATES,
    "verbose": ("verbose", "print_cost", "print_loss", "verbosity"),
}
LABELS = ("y", "labels", "targets", "target", "t", "y_train", "train_y", "train_labels")
HISTORIES = ("loss", "losses", "loss_history", "history", "costs", "train_loss")


@dataclass(frozen=True)
class Method:
    """A `train` or `fit`: `names` maps a usual name to the parameter's own; `trouble` is why it is not called."""

    signature: str
    names: dict[str, str] = field(default_factory=dict)
    trouble: str | None = None


def own_method(thing: Any) -> tuple[Any, Method] | None:
    """The subject's own `train` or `fit`, the first that is understood; None if it has neither."""
    found = []
    for name in METHODS:
        method = getattr(thing, name, None)
        if callable(method):
            found.append((method, understood(name, method)))
    return min(found, key=lambda pair: pair[1].trouble is not None, default=None)


def understood(name: str, method: Any) -> Method:
    """What a method's parameters mean."""
    try:
        parameters = list(inspect.signature(method).parameters.values())
    except (TypeError, ValueError):
        return Method(f"{name}(...)", trouble="does not say what it takes")
    signature = f"{name}({', '.join(_told(p) for p in parameters if p.name not in NAMES['verbose'])})"
    known = {own: usual for usual, all_names in NAMES.items() for own in all_names}
    named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    names: dict[str, str] = {}
    for p in named:
        if p.name.lower() in known:
            names.setdefault(known[p.name.lower()], p.name)
    rest = [p for p in named if p.name not in names.values()]
    needed = [p.name for p in rest if p.default is p.empty]
    # Samples and labels are the first two that mean nothing else; labels may have a default.
    if len(rest) > 1 and (rest[1].default is rest[1].empty or rest[1].name.lower() in LABELS):
        names |= {"x": rest[0].name, "y": rest[1].name}
        needed = [one for one in needed if one not in (rest[0].name, rest[1].name)]
    trouble = (
        "takes no samples and labels"
        if "x" not in names
        else f"needs {' and '.join(needed)}"
        if needed
        else "takes no number of epochs"
        if "epochs" not in names
        else None
    )
    return Method(signature, names, trouble)


def _told(p: inspect.Parameter) -> str:
    return ("*" if p.kind is p.VAR_POSITIONAL else "**" if p.kind is p.VAR_KEYWORD else "") + p.name


def train(handle: Handle, task: Task, done: Performance) -> None:
    """Let the subject train by itself, for the task's epochs in its calls; write down its history and weights."""
    found = own_method(handle.thing)
    if found is None:
        raise Refusal("it has neither `train` nor `fit`")
    method, meant = found
    if meant.trouble is not None:
        raise Refusal(f"its {meant.signature} {meant.trouble}")
    each = task.epochs // task.calls
    given: dict[str, Any] = {
        "epochs": each,
        "batch_size": task.batch_size,
        "shuffle": task.shuffle,
        "learning_rate": task.recipe.architecture.learning_rate,
        "verbose": 0,
    }
    keywords = {meant.names[usual]: value for usual, value in given.items() if usual in meant.names}
    done.history = []
    for call in range(task.calls):
        if "batch_orders" in meant.names and task.orders is not None:
            keywords[meant.names["batch_orders"]] = task.orders[call * each : (call + 1) * each]
        X, y = np.array(task.X), handle.labels(task.y)
        result = _call(method, meant, X, y, keywords)
        history = _history(handle.thing, result, each, each * (call + 1))
        if history is None or done.history is None:
            done.history = None
        else:  # some tell this call's epochs, some all so far
            done.history = done.history + history if len(history) == each else history
    done.steps.append(Did(before=task.weights[0], after=handle.get_weights()))


def _call(method: Any, meant: Method, X: Any, y: Any, keywords: dict[str, Any]) -> Any:
    first = list(inspect.signature(method).parameters)[:2]
    if first == [meant.names["x"], meant.names["y"]]:
        return method(X, y, **keywords)
    return method(**{meant.names["x"]: X, meant.names["y"]: y}, **keywords)


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
