"""The check: puts a subject beside Keras in every situation, says whether they agree, and if not, where and why."""

import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from compare.agreement.tolerance import FLOAT32_PER_FLOAT64
from compare.check import samplewise
from compare.check.causes.diagnosis import Diagnosis, diagnose
from compare.check.causes.extremes import in_extremes, with_extremes
from compare.check.introduction import Introduction, meet
from compare.check.lines.finding import find_lines, find_training_lines
from compare.check.model_check import check_model
from compare.check.observer import UNHEARD, Observer
from compare.check.planning import plan, worded
from compare.check.report.report import Report
from compare.check.report.verdict import Found, wrong_ordinarily
from compare.check.settings import Settings
from compare.check.steps.lockstep import Driven, deciding, drive_all, every_ratio, rejudged
from compare.check.steps.reference import Reference, build_reference
from compare.check.steps.situations import ordinary, probes
from compare.check.subject.drivers import Driver, InProcess
from compare.check.subject.kinds import check_subject
from compare.check.trainers import PlainTrainer
from compare.check.training import Training
from compare.check.trainings import drive_training
from compare.data.dataset import REGRESSION, Dataset, as_given, load
from compare.errors import ParityWarning
from compare.faults.fault import Cause
from compare.faults.kinds import NO_BIASES

Source = str | Path | tuple[Any, Any]


def check_parity(
    subject: Any,
    data: Source = "iris",
    *,
    index_column: bool | None = None,
    layers: Sequence[int] | None = None,
    activations: Sequence[str] | None = None,
    learning_rate: float | None = None,
    dtype: Literal["float64", "float32"] | None = None,
    labels: Literal["auto", "integer", "onehot"] = "auto",
    steps: int = 50,
    batch_size: int = 32,
    tolerance: float = 1.0,
    seed: int = 0,
    strict: bool = False,
    reference: Any = None,
    output: str | None = None,
    loss: str | None = None,
    optimizer: str = "sgd",
    l1: float = 0.0,
    l2: float = 0.0,
    bias: bool = True,
    samplewise: bool = False,
    at_any_cost: bool = False,
) -> Report:
    """Check whether a network trains exactly as Keras does. This runs the subject's code.

    Parameters
    ----------
    subject : object, function or factory
        An object with `get_weights()`, `set_weights(list)` and `train_on_batch(x, y)`, which returns the loss, or
        loss and accuracy; a function `step(weights, x, y, learning_rate) -> (weights, loss)`; or a factory of
        either, with parameters named `layer_sizes`, `learning_rate` and, if it wants them, `n_samples`,
        `n_classes`, `batch_size`, `activations`. A Keras model is a subject as it is.
    data : str, Path or (X, y)
        As in `keras_parity.load`; it is used standardised and raw.
    index_column : bool, optional
        Whether a CSV file's first column is an index. By default it is one if it has no name, or if it is a running
        number; a note says what was made of it.
    layers : sequence of int, optional
        Units of each layer, the output's last; by default what the subject says, else 6-10-8 and the classes.
    activations : sequence of str, optional
        Of the hidden layers: relu, sigmoid, tanh, linear, leaky_relu, or leaky_relu(0.01) with its slope. By
        default what the subject says, else all relu.
    learning_rate : float, optional
        By default what the subject says, else 0.01.
    dtype : {"float64", "float32"}, optional
        Precision of the reference; by default float64, which shows most, or a Keras model's own.
    labels : {"auto", "integer", "onehot"}
        How the subject wants labels.
    steps : int
        Steps of each ordinary training.
    batch_size : int
        Nominal size of small batches; taken smaller if it leaves no ragged last batch.
    tolerance : float
        Multiplies the bound on rounding that each tensor is held to.
    seed : int
        Of weights and orders.
    strict : bool
        Whether a warning is a failure: something wrong in extreme situations alone, such as a loss that overflows.
    reference : keras.Model or callable, optional
        A compiled model of your own, with one input and one output, or a function that builds it: layers, loss,
        optimizer, regularizers and learning rate are then its own, and `data` what it takes, of any shape.
    output, loss, optimizer : str, optional
        Without a model, in Keras's words: "sigmoid" and "binary_crossentropy", "mse", "adam(learning_rate=0.001)".
    l1, l2 : float
        A penalty for each kernel, as Keras's regularizers have it.
    bias : bool
        Whether layers have biases.
    samplewise : bool
        Whether the subject makes a step of each sample of a batch, one after the other.
    at_any_cost : bool
        Whether to begin however much memory and time the steps are estimated to take.

    Returns
    -------
    Report
        `passed`, `warnings`, `verdict`, `divergence`, `diagnosis`; `str(report)` is the text.

    Raises
    ------
    InputError
        If an argument is out of range.
    """
    check_subject(subject)
    settings = Settings(
        layers=None if layers is None else tuple(layers),
        activations=None if activations is None else tuple(activations),
        learning_rate=learning_rate,
        dtype=dtype,
        labels=labels,
        steps=steps,
        batch_size=batch_size,
        tolerance=tolerance,
        seed=seed,
        strict=strict,
        output=output,
        loss=loss,
        optimizer=optimizer,
        l1=l1,
        l2=l2,
        bias=bias,
        samplewise=samplewise,
        at_any_cost=at_any_cost,
    )
    return check_driver(InProcess(subject), data, index_column, settings, reference=reference)


def assert_parity(subject: Any, data: Source = "iris", **options: Any) -> Report:
    """Check as `check_parity` does, and raise AssertionError with the report's text unless it passed.

    Warnings of the report are given as a `ParityWarning`.
    """
    __tracebackhide__ = True
    report = check_parity(subject, data, **options)
    if not report.passed:
        raise AssertionError(str(report))
    if report.warnings:
        warnings.warn(report.headline, ParityWarning, stacklevel=2)
    return report


def check_driver(
    driver: Driver,
    data: Source,
    index_column: bool | None,
    settings: Settings,
    reference: Any = None,
    observer: Observer = UNHEARD,
) -> Report:
    """Check a subject wherever it lives, beside a plain network, one in Keras's words, or a model of the user's."""
    if reference is not None:
        given = as_given(*data) if isinstance(data, tuple) and len(data) == 2 else _loaded(data, index_column)
        return check_model(driver, reference, given, settings, observer)
    if not settings.plain or (isinstance(data, str) and data in REGRESSION):
        given = _loaded(data, index_column)
        model, told = worded(driver, given, settings)
        return check_model(driver, model, given, settings, observer, given=False, told=told)
    return _check_plain(driver, data, index_column, settings, observer)


def _loaded(data: Source, index_column: bool | None) -> Dataset:
    return load(data, index_column=index_column, standardise=True, values=True)


def _check_plain(
    driver: Driver,
    data: Source,
    index_column: bool | None,
    settings: Settings,
    observer: Observer,
) -> Report:
    """Check beside dense layers, a softmax, categorical cross-entropy and plain SGD: every phase is known."""
    raw = load(data, index_column=index_column)
    standard = load(data, index_column=index_column, standardise=True)
    recipe, told = plan(driver, raw, settings)
    rng, stage = np.random.default_rng(settings.seed), observer.stage
    with stage("meeting the network", 1):
        met = meet(driver, recipe, standard.X, standard.y, rng)
    met = replace(met, notes=(*raw.notes, *told, *met.notes))
    if met.refusal is not None:
        return Report.of(met, raw, Found(), settings.strict)
    with stage("loading TensorFlow", 1):
        observer.loading()
        reference = build_reference(met.recipe, met.precision, settings.tolerance)
    situations = [
        *ordinary(met.recipe, {"standardised": standard.X, "raw": raw.X}, raw.y, settings.steps, rng, met.zero_biases),
        *probes(met.recipe, standard.X, raw.y, rng, met.zero_biases, met.takes_rate),
    ]
    with stage("situations", len(situations)) as advance:
        runs = drive_all(reference, situations, driver.perform_all, advance)
    if met.random:
        return Report.of(met, raw, Found(runs), settings.strict)
    architecture = met.recipe.architecture
    effort = settings.effort or 1.0
    with stage("diagnosis", 1) if _any_wrong(runs) else nullcontext():
        met, reference, runs, diagnosis = _diagnosed(met, reference, runs, effort)
        if wrong_ordinarily(runs) and not diagnosis.explanations and effort < 1:
            met = met.noting(f"known bugs were searched for with {effort:g} of the usual effort: --effort 1 tries more")
        if met.no_biases and not _any_kernel_wrong(deciding(runs)):
            diagnosis = Diagnosis(kind=Cause(NO_BIASES))
        warned = in_extremes([run for run in runs if run.situation.extreme], diagnosis, architecture, met.precision)
        diagnosis = with_extremes(diagnosis, warned, deciding(runs), architecture, met.precision)
        met = met.noting(*samplewise.notes(diagnosis, runs))
    trainings: list[Training] = []
    if met.train is not None and diagnosis.kind is None:
        trainer, explained = PlainTrainer(reference), diagnosis.explanations
        driven = drive_training(driver, met, trainer, standard.X, standard.y, explained, rng)
        trainings = list(driven.judged)
        met = met.noting(*driven.notes, *(f"not driven: {what}" for what in driven.not_driven))
    found = Found(runs, diagnosis, trainings, warned)
    observer.judged(Report.of(met, raw, found, settings.strict))
    with stage("lines", 1):
        lines = find_training_lines(driver, trainings, find_lines(driver, reference, runs, effort))
    return Report.of(met, raw, replace(found, lines=lines), settings.strict)


def _any_wrong(runs: Sequence[Driven]) -> bool:
    return any(run.first_wrong is not None for run in runs)


def _any_kernel_wrong(runs: Sequence[Driven]) -> bool:
    """Whether anything but biases differs."""
    steps = [step for run in runs for step in run.steps]
    return any(
        step.did.error is not None or step.wrong_loss or not ratio <= 1
        for step in steps
        for weight, ratio in zip(step.step.architecture.weights, step.ratios, strict=False)
        if weight.role != "bias"
    )


def _diagnosed(
    met: Introduction, reference: Reference, runs: list[Driven], effort: float
) -> tuple[Introduction, Reference, list[Driven], Diagnosis]:
    """Find what explains the runs; where nothing does in float64, judge them as if computed in float32 somewhere."""
    architecture = reference.recipe.architecture
    # Deviations that single precision explains are no company of faults.
    off = every_ratio(deciding(runs))
    company = met.precision == "float32" or not all(ratio < FLOAT32_PER_FLOAT64 for ratio in off)
    diagnosis = diagnose(deciding(runs), architecture, met.precision, company, effort)
    if diagnosis.explanations or met.precision != "float64" or not _any_wrong(runs):
        return met, reference, runs, diagnosis
    # Single precision shows in tensors that are otherwise right: off, but by no more than it explains.
    slightly = [1 < ratio < FLOAT32_PER_FLOAT64 for ratio in every_ratio(runs)]
    if sum(slightly) < 0.1 * len(slightly):
        return met, reference, runs, diagnosis
    coarse = replace(reference, precision="float32")
    again = rejudged(runs, coarse)
    still = _any_wrong(deciding(again))
    found = diagnose(deciding(again), architecture, "float32", effort=effort) if still else Diagnosis()
    if still and not found.explanations:
        return met, reference, runs, diagnosis
    return met.noting(_where_float32(runs), precision="float32"), coarse, again, found


def _where_float32(runs: Sequence[Driven]) -> str:
    """Where single precision can be seen from outside."""
    dids = [step.did for run in runs for step in run.steps if step.did.after is not None]
    places = []
    if dids and all(np.array_equal(W, W.astype(np.float32)) for did in dids for W in did.after or []):
        places.append("the new weights are float32 numbers")
    if dids and all(did.loss is None or did.loss == float(np.float32(did.loss)) for did in dids):
        places.append("the losses are float32 numbers")
    return "it computes in float32 somewhere: " + (" and ".join(places) or "inside the step, behind float64 results")
