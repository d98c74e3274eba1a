"""A subject's predictions beside a Keras model: inference from given weights, before steps and after them."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from compare.agreement.tolerance import FACTOR, ulp
from compare.check.introduction import Introduction
from compare.check.steps.lockstep import Driven, deciding, posed
from compare.check.steps.model_reference import ModelReference
from compare.check.subject.drivers import Driver
from compare.check.subject.tasks import Predicted
from compare.mathematics.functions import Array
from compare.phrases import listed
from compare.sides.quiet_keras import load_keras

STEPS = 3  # of a situation from given weights; of one that goes on by itself, all
OFFER = "give it `predict(X)`, which returns what Keras's `model.predict` does"
IN_TRAINING = "they are what Keras makes in training: of the batch's own statistics, where the moving averages belong"
DRAWN = "two calls on the same samples differ: dropout, or another random number, is on"
CHANGES = "it changes the weights"
DISTURBS = "the steps after it are others than without it"


@dataclass(frozen=True)
class Prediction:
    """What a subject predicted before one step that is not what Keras predicts: the element that is furthest off.

    `tolerances` is the deviation in units of the tolerance; `why` is what is known of it, if anything is.
    """

    method: str
    situation: str
    step: int
    samples: int
    element: tuple[int, ...] = ()
    value: float | None = None
    expected: float | None = None
    tolerances: float = np.inf
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    def __str__(self) -> str:
        where = f"`{self.method}`, {self.situation}, before step {self.step + 1}, of {self.samples} samples"
        if self.value is None:
            return f"{where}: {self.why}"
        at = f"[{', '.join(map(str, self.element))}]"
        off = f"; {self.tolerances:.2g} tolerances" if np.isfinite(self.tolerances) else ""
        return f"{where}{at}: {self.value:.12g}; Keras {self.expected:.12g}{off}{f'; {self.why}' if self.why else ''}"


@dataclass(frozen=True)
class Predictions:
    """Which methods were judged, what of them is wrong, and notes on what was not judged."""

    judged: tuple[str, ...] = ()
    wrong: tuple[Prediction, ...] = ()
    notes: tuple[str, ...] = ()


def drive_predictions(
    driver: Driver, met: Introduction, reference: ModelReference, runs: Sequence[Driven]
) -> Predictions:
    """Ask for predictions before the steps of two ordinary situations, which are driven once more for that.

    In one the weights are given before every step, in the other the network goes on, from batches of one size to
    those of another: what is asked before a step is then asked after the last one.
    """
    if not met.predicts:
        layers = load_keras().layers_with_modes(reference.model)
        why = f"{listed(layers)} behave{'s' * (len(layers) == 1)} otherwise there than in training"
        return Predictions(notes=(f"its inference was not judged, and {why}: {OFFER}",) if layers else ())
    ordinary = deciding(runs)
    given, going_on = ([run for run in ordinary if run.situation.free == free] for free in (False, True))
    wrong: list[Prediction] = []
    notes: list[str] = []
    judged: list[str] = []
    for run in (*given[:1], *going_on[-1:]):
        batches = run.situation.batches if run.situation.free else run.situation.batches[:STEPS]
        situation = replace(run.situation, batches=batches, each=run.situation.each[: len(batches)])
        again = posed(reference, situation, gradients=False)
        asked = again.judge(driver.perform(replace(again.task, predict=True)))
        judged += [each.method for step in asked.steps for each in step.did.predicted]
        wrong += _wrong(reference, asked)
        if asked.first_wrong is not None and run.first_wrong is None:
            name = " or ".join(met.predicts)
            wrong.append(Prediction(name, situation.name, asked.first_wrong, asked.steps[0].step.n, why=DISTURBS))
        notes += asked.performance.notes
        if asked.ended is not None:
            notes.append(f"its inference was not judged to the end of {situation.name!r}: {asked.ended}")
    notes = [note for note in notes if note not in {each for run in runs for each in run.performance.notes}]
    if not judged:
        notes.append(f"its inference was not judged: {OFFER}")
    return Predictions(tuple(dict.fromkeys(judged)), tuple(wrong), tuple(dict.fromkeys(notes)))


def _wrong(reference: ModelReference, run: Driven) -> Iterator[Prediction]:
    for index, (rows, step) in enumerate(zip(run.situation.batches, run.steps, strict=False)):
        X, weights = run.situation.X[rows].astype(reference.dtype).astype(np.float64), step.step.weights
        known = _Known(reference, X, weights) if step.did.predicted else None
        for each in step.did.predicted if known is not None else ():
            assert known is not None
            found = known.furthest(each)
            if found is not None:
                yield replace(found, situation=run.situation.name, step=index)
            elif not each.keeps:
                yield Prediction(each.method, run.situation.name, index, len(rows), why=CHANGES)


class _Known:
    """What Keras predicts from one set of weights, in each form that a subject may tell it in."""

    def __init__(self, reference: ModelReference, X: Array, weights: Sequence[Array]) -> None:
        self.reference, self.X, self.weights = reference, X, weights
        self.outputs, self.drift = reference.predictions(X, weights)

    def furthest(self, told: Predicted) -> Prediction | None:
        """Return where a prediction is furthest off, if it is out of tolerance."""
        several = told.values.shape == self.outputs.shape and told.values.shape[-1] > 1
        if several and told.values.dtype.kind == "i" and "categorical" in self.reference.recipe.architecture.loss:
            told = replace(told, values=told.values.argmax(axis=-1))  # they were one-hot
        ratios, right = min(self._each(told, self.outputs), key=lambda pair: float(pair[0].max()))
        worst = float(ratios.max())
        if worst <= 1:
            return None
        element = tuple(int(i) for i in np.unravel_index(int(np.argmax(ratios)), ratios.shape))
        why = DRAWN if not told.repeats else CHANGES if not told.keeps else self._explained(told)
        value, expected = float(told.values[element]), float(right[element])
        return Prediction(told.method, "", 0, len(self.X), element, value, expected, worst, why)

    def _explained(self, told: Predicted) -> str:
        trained = load_keras().predictions(self.reference.model, self.weights, self.X, training=True)
        return IN_TRAINING if any(off.max() <= 1 for off, _ in self._each(told, trained.astype(np.float64))) else ""

    def _each(self, told: Predicted, outputs: Array) -> Iterator[tuple[Array, Array]]:
        """How far it is off in each form that it may have, in units of the tolerance, and what would be right."""
        logits = self.reference.takes_logits
        if told.values.dtype.kind == "i":
            yield self._as_classes(told.values, outputs, 0.0 if logits else 0.5)
            return
        if not (logits and told.method == "predict_proba"):
            yield self._as_numbers(told.values, outputs)
        if logits:
            yield self._as_numbers(told.values, _probabilities(outputs))
        if outputs.shape[-1] == 1 and np.isin(told.values, (0, 1)).all():
            yield self._as_classes(told.values, outputs, 0.0 if logits else 0.5)

    def _allowed(self, values: Array) -> float:
        """What is tolerated; of numbers that single precision holds, in that: they may be told so."""
        single = np.array_equal(values, values.astype(np.float32).astype(values.dtype))
        one = ulp("float32" if single and values.dtype.kind == "f" else self.reference.precision)
        return one * self.reference.tolerance * FACTOR * self.drift

    def _as_numbers(self, values: Array, right: Array) -> tuple[Array, Array]:
        off = np.abs(values - right) / self._allowed(values)
        return np.where(np.isnan(off), np.inf, off), right

    def _as_classes(self, values: Array, outputs: Array, threshold: float) -> tuple[Array, Array]:
        """Off is a class by how far its output is from deciding for it: at a tie, either is right."""
        allowed = 2 * self._allowed(values)
        if values.shape != outputs.shape:
            known = (values >= 0) & (values < outputs.shape[-1])
            chosen = np.take_along_axis(outputs, np.where(known, values, 0)[..., np.newaxis], axis=-1)[..., 0]
            off = np.where(known, outputs.max(axis=-1) - chosen, np.inf)
            return off / allowed, outputs.argmax(axis=-1)
        right = outputs > threshold
        off = np.where(values == right, 0.0, np.abs(outputs - threshold))
        return np.where(np.isin(values, (0, 1)), off, np.inf) / allowed, right


def _probabilities(logits: Array) -> Array:
    """What the loss makes of logits."""
    if logits.shape[-1] == 1:
        return np.asarray(1 / (1 + np.exp(-logits)))
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))
