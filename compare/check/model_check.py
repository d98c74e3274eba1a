"""The check beside any compiled Keras model: layers, loss, optimizer and penalties are what the model says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from compare.check import samplewise
from compare.check.causes.diagnosis import Diagnosis, Warned
from compare.check.causes.variants import name_variants
from compare.check.first_batch import ModelFirstBatch
from compare.check.introduction import Introduction, meet
from compare.check.lines.finding import find_lines, find_training_lines
from compare.check.model_trials import ModelTrainer
from compare.check.observer import Observer
from compare.check.otherwise import one_by_one, otherwise, rounded_constants
from compare.check.planning import check_cost
from compare.check.predictions import drive_predictions
from compare.check.report.report import Report
from compare.check.report.verdict import Found, wrong_ordinarily
from compare.check.settings import Settings
from compare.check.steps.lockstep import Driven, drive_all
from compare.check.steps.model_reference import ModelReference
from compare.check.steps.model_situations import MOST, draw, model_situations
from compare.check.steps.situations import Rows, ragged_size
from compare.check.subject.drivers import Driver
from compare.check.subject.kinds import is_keras
from compare.check.trainings import Trainings, drive_training
from compare.data.dataset import Dataset
from compare.errors import InputError
from compare.mathematics.functions import Array
from compare.recipe.architecture import Architecture
from compare.recipe.recipe import Recipe
from compare.sides.models import described
from compare.sides.quiet_keras import import_quietly, load_keras


def check_model(
    driver: Driver,
    model: Any,
    data: Dataset,
    settings: Settings,
    observer: Observer,
    given: bool = True,
    told: Sequence[str] = (),
) -> Report:
    """Check a subject beside a compiled Keras model.

    Parameters
    ----------
    driver : Driver
    model : keras.Model or callable
        Compiled, with one input and one output; or what builds it.
    data : Dataset
        As the model takes it.
    settings : Settings
        Layers, activations and learning rate are the model's.
    observer : Observer
    given : bool
        Whether the model is the user's own, and not one in the project's words.
    told : sequence of str
        What was read off the subject.
    """
    stage = observer.stage
    with stage("loading TensorFlow", 1):
        observer.loading()
        import_quietly()
        reference, exact = _references(_built(model), data, settings, given)
    check_cost(reference.recipe.architecture, data, settings)
    rng = np.random.default_rng(settings.seed)
    rows = rng.permutation(data.n)[:MOST]
    X, y = data.X[rows], data.y[rows]

    def first(x: Any, labels: Any) -> ModelFirstBatch:
        weights = [draw(reference, rng) for _ in range(2)]
        return ModelFirstBatch(reference.recipe, x, labels, weights, reference=reference)

    with stage("meeting the network", 1):
        met = meet(driver, reference.recipe, X, y, rng, first)
    met = met.noting(*data.notes, *told, *([] if data.n <= MOST else [f"checked on {MOST} of {data.n} samples"]))
    if met.refusal is not None:
        return Report.of(met, data, Found(), settings.strict)
    if settings.samplewise:
        met = met.noting(f"samplewise, as declared: {samplewise.DIFFERS}")
    reference = replace(reference, recipe=met.recipe, precision=met.precision)
    other = met.takes_rate and not reference.scheduled
    situations = model_situations(reference, X, y, settings.steps, rng, met.zero_biases, other)
    with stage("situations", len(situations)) as advance:
        runs = drive_all(reference, situations, driver.perform_all, advance, gradients=False)
    if met.random:
        return Report.of(met, data, Found(runs), settings.strict)
    if wrong_ordinarily(runs):
        met, reference, runs = otherwise(met, reference, exact, runs)
    diagnosis = Diagnosis()
    if wrong_ordinarily(runs):
        with stage("diagnosis", 1):
            diagnosis = one_by_one([reference, exact], runs) or name_variants(runs, reference)
        met = met.noting(*samplewise.notes(diagnosis, runs))
    with stage("inference", 1):
        predictions = drive_predictions(driver, met, reference, runs)
    trained = Trainings()
    if met.train is not None:
        with stage("its own training", 1):
            trained = _own_training(driver, met, reference, X, y, rng, bool(wrong_ordinarily(runs)))
    met = met.noting(*predictions.notes, *trained.notes, *(f"not driven: {what}" for what in trained.not_driven))
    found = Found(runs, diagnosis, trained.judged, _warned(runs), predictions=predictions)
    observer.judged(Report.of(met, data, found, settings.strict))
    with stage("lines", 1):
        # Of several steps in one, each from where the last one was left, no quantity is any one step's.
        single = settings.samplewise or samplewise.NAME in diagnosis.names
        shown = [run for run in runs if not single or all(len(b) == 1 for b in run.situation.batches)]
        found_lines = find_lines(driver, reference, shown, effort=settings.effort or 1.0)
        lines = find_training_lines(driver, trained.judged, found_lines)
    return Report.of(met, data, replace(found, lines=lines), settings.strict)


def _own_training(
    driver: Driver,
    met: Introduction,
    reference: ModelReference,
    X: Array,
    y: Rows,
    rng: np.random.Generator,
    wrong: bool,
) -> Trainings:
    """Drive the subject's own training, where its steps are right and Keras can make the same ones."""
    if wrong:
        return Trainings(not_driven=("its own training: its steps are not Keras's already",))
    if reference.drops:
        return Trainings(not_driven=("its own training: its dropout draws masks that Keras cannot be given",))
    if reference.scheduled and "learning_rate" in (met.train or ()):
        return Trainings(not_driven=("its own training: it takes one learning rate, and the model has a schedule",))
    reference = reference.at(met.recipe)
    return drive_training(driver, met, ModelTrainer(reference), X, y, (), rng)


def _warned(runs: Sequence[Driven]) -> tuple[Warned, ...]:
    """What goes wrong in extreme situations alone."""
    if wrong_ordinarily(runs):
        return ()
    wrong = [run for run in runs if run.situation.extreme and run.first_wrong is not None]
    return tuple(Warned(run.situation.name, _warning(run)) for run in wrong)


def _warning(run: Driven) -> str:
    """What goes wrong in an extreme situation, in few words."""
    if any(step.did.error is not None for step in run.steps):
        return f"with {run.situation.special} it raises"
    moved = any(step.wrong_weights for step in run.steps)
    return f"with {run.situation.special} its {'update' if moved else 'loss'} is not Keras's"


def _built(model: Any) -> Any:
    """The model, or what a function of no arguments returns, if it is compiled."""
    if not hasattr(model, "get_weights") and callable(model):
        try:
            model = model()
        except Exception as error:
            raise InputError(
                f"`reference` must build a Keras model. It raised {type(error).__name__}: {error}"
            ) from None
    if not is_keras(model):
        raise InputError(
            "`reference` must be a compiled Keras model, or a function that builds one. "
            f"Received: {type(model).__name__}"
        )
    return model


def _references(
    model: Any, data: Dataset, settings: Settings, given: bool
) -> tuple[ModelReference, ModelReference | None]:
    """The model in the precision of the check; and where Keras rounds constants of it, with those as they are."""
    dtype = settings.dtype or "float64"
    kept_copy = load_keras().kept_copy
    try:
        plain = kept_copy(model, dtype)
    except ValueError as error:
        raise InputError(f"`reference` must be a compiled Keras model with one input and one output: {error}") from None
    if not load_keras().has_one_path(plain):
        raise InputError(
            "`reference` must be a built Sequential or functional model, from one input to one output, which a layer "
            "makes that nothing else reads: begin a Sequential with keras.Input(shape). Received: another"
        )
    architecture = described(plain)
    if tuple(data.X.shape[1:]) != architecture.inputs:
        raise InputError(
            f"`data` must fit the reference, which takes samples of shape {architecture.inputs}. "
            f"Received: samples of shape {tuple(data.X.shape[1:])}"
        )
    _check_targets(data, architecture)
    labels = settings.labels
    if data.y.ndim > 1 or data.y.dtype.kind == "f" or architecture.shapes[-1][-1] == 1:
        labels = "integer"  # they are given as they are
    n = min(data.n, MOST)
    recipe = Recipe(architecture, n, ragged_size(n, settings.batch_size), labels, given)

    def computed(exact: bool) -> ModelReference:
        other = kept_copy(model, dtype, exact, otherwise=True) if load_keras().knows_otherwise(plain) else None
        own = kept_copy(model, dtype, exact=True) if exact else plain
        return ModelReference(own, recipe, dtype, settings.tolerance, settings.samplewise, other)

    reference = computed(exact=False)
    rounds = dtype == "float64" and (rounded_constants(plain, architecture) or reference.scheduled)
    return reference, computed(exact=True) if rounds else None


def _check_targets(data: Dataset, architecture: Architecture) -> None:
    """Refuse targets that the model's loss does not take."""
    shape, outputs, integers = data.y.shape[1:], architecture.shapes[-1], data.y.dtype.kind in "iu"
    if not shape and integers and outputs[-1] > 1:
        low, high = int(data.y.min()), int(data.y.max())
        if low < 0 or high >= outputs[-1]:
            raise InputError(
                f"`data` must fit the reference, with labels from 0 to {outputs[-1] - 1}. Received: {low} to {high}"
            )
    elif shape != outputs and not (not shape and outputs == (1,)) and "sparse" not in architecture.loss:
        raise InputError(
            f"`data` must fit the reference, with targets of shape (samples, {', '.join(map(str, outputs))}). "
            f"Received: shape {data.y.shape}"
        )
