"""Drives a subject's own epoch-level training, and judges its history and weights: right steps do not make it right."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from compare.check.causes.evidence import SLACK, Explanation
from compare.check.introduction import Introduction
from compare.check.steps.lockstep import Reference
from compare.check.steps.situations import Rows, draw_weights
from compare.check.subject.drivers import Driver
from compare.check.subject.tasks import Performance, Task
from compare.data.dataset import Dataset
from compare.faults import FAULTS, combine
from compare.faults.fault import Cause
from compare.mathematics.functions import Array
from compare.mathematics.rules import CORRECT, Rules, take_step
from compare.recipe.architecture import Architecture
from compare.recipe.recipe import Recipe
from compare.sides.quiet_keras import load_keras

EPOCHS = 4


@dataclass(frozen=True)
class Training:
    """A subject's own `train`, beside Keras: ratios are deviations in units of the tolerance.

    `controlled` says whether batches and their order were the reference's; if not, a difference proves nothing.
    """

    name: str
    history: list[float] | None
    expected: list[float]
    loss_ratio: float
    weights_ratio: float
    controlled: bool
    ragged: bool = False
    error: str | None = None
    explanations: tuple[Explanation, ...] = ()

    @property
    def wrong_weights(self) -> bool:
        """Whether the final weights are out of tolerance, or training failed."""
        return self.controlled and (self.error is not None or not self.weights_ratio <= 1)

    @property
    def wrong_history(self) -> bool:
        """Whether the history is out of tolerance."""
        return self.controlled and not self.loss_ratio <= 1


@dataclass(frozen=True)
class _Trial:
    """Data, starting weights, orders (epochs, n) and batch size of one training, and the calls it is made in."""

    X: Array
    y: Rows
    weights: list[Array]
    orders: Rows
    size: int
    calls: int = 1


def drive_training(
    driver: Driver,
    met: Introduction,
    reference: Reference,
    data: Dataset,
    known: Sequence[Explanation],
    rng: np.random.Generator,
) -> tuple[list[Training], list[str]]:
    """Train for some epochs in full batch and, where the order can be given, in ragged batches.

    `known` are the explanations of the subject's steps, which its training is expected to show too. Returns what was
    judged, and in words what was not.
    """
    options, y = set(met.train or ()), data.y
    n, batch = data.n, met.recipe.batch_size
    in_order: Rows = np.tile(np.arange(n), (EPOCHS, 1))
    plans: list[tuple[str, int, Rows, int]] = [
        ("train, full batch", n, in_order, 1),
        ("train called twice, full batch", n, in_order, 2),
    ]
    if "batch_size" in options and "batch_orders" in options:
        orders: Rows = np.stack([rng.permutation(n) for _ in range(EPOCHS)])
        plans.append((f"train, batches of {batch}", batch, orders, 1))
    elif "batch_size" in options and "shuffle" in options:
        plans.append((f"train, batches of {batch}, not shuffled", batch, in_order, 1))
    X = data.X.astype(reference.dtype).astype(np.float64)
    weights = draw_weights(met.recipe.architecture, rng, X, met.zero_biases)
    weights = [W.astype(reference.precision).astype(np.float64) for W in weights]
    found, notes = [], []
    for name, size, orders, calls in plans:
        trials = (_Trial(X, y, weights, orders[:epochs], size, calls) for epochs in (EPOCHS, 2, 1) if epochs >= calls)
        trial = next((trial for trial in trials if _steady(reference, trial)), None)
        if trial is None:
            notes.append(f"{name}: not judged, since rounding alone grows too fast at this learning rate")
            continue
        recipe = replace(met.recipe, batch_size=size)
        epochs = len(trial.orders)
        task = Task(recipe, X, y, [], [weights], epochs=epochs, calls=calls, batch_size=size, orders=trial.orders)
        performance, again = driver.perform(task), driver.perform(task)
        controlled = "batch_size" in options and (
            performance.history is None
            or again.history is None
            or np.array_equal(performance.history, again.history, equal_nan=True)
        )
        found.append(_judge(reference, name, performance, controlled, trial, known))
    return found, notes


def _steady(reference: Reference, trial: _Trial) -> bool:
    """Whether rounding grows by less than a factor of 10,000 in this training, so that its floor can be trusted."""
    plain = simulate(CORRECT, reference.rounded, trial)
    assert plain is not None
    if not np.isfinite(plain[0]).all() or not all(np.isfinite(W).all() for W in plain[1]):
        return False
    loss, floors = _noise(reference, trial)
    limit = 1e4 * float(np.finfo(reference.precision).eps)
    scales = [float(np.abs(W).max()) for W in (*trial.weights, *plain[1])]
    if max(scales) > 1e3 * max(scales[: len(trial.weights)]):
        return False
    pairs = zip(floors, plain[1], strict=True)
    return loss <= limit * max(1.0, *plain[0]) and all(f <= limit * (1e-3 + float(np.abs(W).max())) for f, W in pairs)


def _judge(
    reference: Reference,
    name: str,
    performance: Performance,
    controlled: bool,
    trial: _Trial,
    known: Sequence[Explanation],
) -> Training:
    ragged = len(trial.y) % trial.size != 0
    reference.model.set_weights(trial.weights)
    # `fit` reports an epoch's loss as the mean over its batches, weighted by their sizes.
    batches = [[rows for rows, _ in CORRECT.batches(order, 0, trial.size)] for order in trial.orders]
    losses = (
        load_keras()
        .steps_compiled(reference.model, trial.X, trial.y, [rows for epoch in batches for rows in epoch])
        .loss
    )
    sizes = [len(rows) for rows in batches[0]]
    expected = np.average(losses.reshape(len(batches), -1), axis=1, weights=sizes).astype(float).tolist()
    final = [np.asarray(W, np.float64) for W in reference.model.get_weights()]
    if performance.refusal is not None:
        # Where the faults of its steps explain that training fails, that is no news.
        expected_failure = any(simulate(combine(e.causes), reference.rounded, trial) is None for e in known)
        controlled = controlled and not expected_failure
        return Training(name, None, expected, 0.0, np.inf, controlled, ragged, performance.refusal)
    loss_floor, floors = _noise(reference, trial)
    history, after = performance.history, performance.steps[0].after
    assert after is not None
    loss_ratio = 0.0 if history is None else _largest([np.array(history)], [np.array(expected)], [loss_floor])
    judged = Training(name, history, expected, loss_ratio, _largest(after, final, floors), controlled, ragged)
    if not (judged.wrong_history or judged.wrong_weights):
        return judged
    explanations = []
    for causes in _candidates(reference.recipe.architecture, known):
        found = simulate(combine(causes), reference.rounded, trial)
        if found is None or _largest(after, found[1], floors) > SLACK:
            continue
        if history is None or _largest([np.array(history)], [np.array(found[0])], [loss_floor]) <= SLACK:
            explanations.append(Explanation(causes, len(history or [])))
    fewest = min((len(e.causes) for e in explanations), default=0)
    return replace(judged, explanations=tuple(e for e in explanations if len(e.causes) == fewest))


def _candidates(architecture: Architecture, known: Sequence[Explanation]) -> Iterator[tuple[Cause, ...]]:
    """The known faults alone, then with a fault of training or reporting besides."""
    bases = [e.causes for e in known] or [()]
    yield from (base for base in bases if base)
    more = [
        Cause(fault, parameter)
        for fault in FAULTS.values()
        if fault.training or fault.reporting
        for parameter in fault.parameters(architecture)
    ]
    for base in bases:
        yield from ((*base, extra) for extra in more if extra.name not in {cause.name for cause in base})


def _largest(seen: Sequence[Array], right: Sequence[Array], floors: Sequence[float]) -> float:
    with np.errstate(all="ignore"):
        ratios = [
            float(np.abs(a - b).max() / floor) if np.isfinite(a).all() and np.isfinite(b).all() else np.inf
            for a, b, floor in zip(seen, right, floors, strict=True)
        ]
    return max(ratios)


def _noise(reference: Reference, trial: _Trial) -> tuple[float, list[float]]:
    """How far this training may drift under rounding alone.

    Ten times what samples reversed inside their batches, and weights some ULP away, do to it; plus 200 ULP of
    the largest value, for what that one variation does not show.
    """
    eps = float(np.finfo(reference.precision).eps)
    plain = simulate(CORRECT, reference.rounded, trial)
    assert plain is not None
    loss, floors = 0.0, [0.0] * len(plain[1])
    for nudge in (1 + eps, 1 - eps, 1 + 2 * eps):
        nudged = replace(trial, weights=[W * nudge for W in trial.weights])
        turned = simulate(CORRECT, reference.rounded, nudged, True, reference.precision)
        assert turned is not None
        loss = max(loss, float(np.abs(np.subtract(plain[0], turned[0])).max()))
        floors = [max(f, float(np.abs(a - b).max())) for f, a, b in zip(floors, plain[1], turned[1], strict=True)]
    loss = 10 * loss + 200 * eps * max(1.0, *plain[0])
    floors = [10 * f + 200 * eps * float(np.abs(a).max() + 1e-3) for f, a in zip(floors, plain[1], strict=True)]
    return loss, floors


def simulate(
    rules: Rules, recipe: Recipe, trial: _Trial, reverse: bool = False, precision: str = "float64"
) -> tuple[list[float], list[Array]] | None:
    """Train by these rules; return history and final weights, or None where the faulty code would raise.

    `reverse` takes the samples of each batch from last to first; weights are kept in `precision`.
    """
    memory: dict[str, object] = {}
    history, weights = [], trial.weights
    recipe = replace(recipe, batch_size=trial.size)
    turn = slice(None, None, -1 if reverse else 1)
    try:
        for epoch, order in enumerate(trial.orders):
            losses, sizes = [], []
            for rows, labels in rules.batches(order, epoch, trial.size):
                step = take_step(rules, recipe, weights, trial.X[rows][turn], trial.y[labels][turn], memory)
                with np.errstate(over="ignore"):  # a run that diverges
                    weights = [W.astype(precision).astype(np.float64) for W in step.after]
                losses.append(step.loss)
                sizes.append(len(rows))
            history.append(rules.history(losses, sizes))
    except ValueError:
        return None
    return history, weights
