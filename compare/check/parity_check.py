"""The check: puts a subject beside Keras in every situation, says whether they agree, and if not, where and why."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from compare.check.diagnosis import Diagnosis, diagnose
from compare.check.driving import TOO_LONG, Performance, Task, perform
from compare.check.epochs import drive_training
from compare.check.introduction import Driver, Introduction, describe_subject, meet
from compare.check.lockstep import Reference, Run, build_reference, compare, run_situation
from compare.check.probes import Situation, ordinary, probes
from compare.check.report import Report, judge
from compare.check.rounding import rounding
from compare.check.settings import Settings, plan
from compare.check.subjects import Plan, check_subject
from compare.data import Dataset, load
from compare.progress import silent

Source = str | Path | tuple[Any, Any]
FLOAT32_PER_FLOAT64 = 2.0**29


class InProcess:
    """A subject in this process; `seconds` bounds each situation, looked at between steps."""

    def __init__(self, subject: Any, seconds: float = 60.0) -> None:
        self.subject, self.seconds = subject, seconds

    def describe(self, plan: Plan) -> dict[str, Any]:
        """What the subject is and says about itself."""
        return describe_subject(self.subject, plan)

    def perform(self, task: Task) -> Performance:
        """Run a fresh subject through a task."""
        return perform(self.subject, task, self.seconds)


def check_parity(
    subject: Any,
    data: Source = "iris",
    *,
    index_column: bool = True,
    layers: Sequence[int] | None = None,
    activations: Sequence[str] | None = None,
    learning_rate: float | None = None,
    dtype: str | None = None,
    labels: str = "auto",
    steps: int = 50,
    batch_size: int = 32,
    tolerance: float = 1.0,
    seed: int = 0,
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
        As in `compare.data.load`; it is used standardised and raw.
    index_column : bool
        Whether a CSV file's first column is an index.
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

    Returns
    -------
    Report
        `passed`, `verdict`, `divergence`, `diagnosis`; `str(report)` is the text.

    Raises
    ------
    InputError
        If an argument is out of range.
    """
    check_subject(subject)
    settings = Settings(
        layers=layers,
        activations=activations,
        learning_rate=learning_rate,
        dtype=dtype,
        labels=labels,
        steps=steps,
        batch_size=batch_size,
        tolerance=tolerance,
        seed=seed,
    )
    return check_driver(InProcess(subject), data, index_column, settings)


def assert_parity(subject: Any, data: Source = "iris", **options: Any) -> Report:
    """Check as `check_parity` does, and raise AssertionError with the report's text unless it passed."""
    __tracebackhide__ = True
    report = check_parity(subject, data, **options)
    if not report.passed:
        raise AssertionError(str(report))
    return report


def check_driver(
    driver: Driver, data: Source, index_column: bool, settings: Settings, stage: Callable[[str, int], Any] = silent
) -> Report:
    """Check a subject wherever it lives; `stage` shows what is being done (`compare.progress`)."""
    raw = load(data, index_column=index_column)
    standard = load(data, index_column=index_column, standardise=True)
    planned, dtype, told = plan(driver, raw, settings)
    rng = np.random.default_rng(settings.seed)
    with stage("meeting the network", 1):
        met = meet(driver, planned, dtype, standard.X, standard.y, rng)
    met.notes = told + met.notes
    if met.refusal is not None:
        return judge(met, raw, [], Diagnosis(), [])
    with stage("loading TensorFlow", 1):
        reference = build_reference(met.plan, dtype, met.precision, settings.tolerance)
    situations = _situations(met, standard, raw, settings.steps, rng)
    with stage("situations", len(situations)) as advance:
        runs = _run_all(driver, reference, situations, advance)
    if met.random:
        return judge(met, raw, runs, Diagnosis(), [])
    # Deviations that single precision explains are no company of faults.
    ratios = [ratio for run in runs for s in run.steps for ratio in (s.loss_ratio, *s.ratios)]
    company = met.precision == "float32" or not all(ratio < FLOAT32_PER_FLOAT64 for ratio in ratios)
    wrong = any(run.first_wrong is not None for run in runs)
    with stage("diagnosis", 1) if wrong else nullcontext():
        diagnosis = diagnose(runs, reference.setting, met.plan.layer_sizes, met.precision, company)
        if not diagnosis.explanations and met.precision == "float64" and wrong:
            diagnosis, reference = _in_float32(met, reference, runs)
    trainings = []
    if met.train is not None:
        trainings = drive_training(driver, met, reference, standard.X, standard.y, diagnosis.explanations, rng)
    return judge(met, raw, runs, diagnosis, trainings)


def _situations(
    met: Introduction, standard: Dataset, raw: Dataset, steps: int, rng: np.random.Generator
) -> list[Situation]:
    plan = met.plan
    scales = {"standardised": standard.X, "raw": raw.X}
    arguments = (plan.layer_sizes, plan.activations)
    return [
        *ordinary(scales, raw.y, *arguments, steps, plan.batch_size, rng, met.zero_biases),
        *probes(standard.X, raw.y, *arguments, plan.batch_size, rng, met.zero_biases),
    ]


def _run_all(
    driver: Driver, reference: Reference, situations: Sequence[Situation], advance: Callable[[], None]
) -> list[Run]:
    runs: list[Run] = []
    for situation in situations:
        runs.append(run_situation(reference, situation, driver.perform))
        if runs[-1].performance.refusal and TOO_LONG in runs[-1].performance.refusal:
            break
        advance()
    return runs


def _in_float32(met: Introduction, reference: Reference, runs: list[Run]) -> tuple[Diagnosis, Reference]:
    """Nothing explains it in float64: judge again as if the subject computed in float32 somewhere."""
    coarse = replace(reference, precision="float32")
    # Single precision shows in tensors that are otherwise right: off, but by no more than it explains.
    ratios = [ratio for run in runs for s in run.steps for ratio in (s.loss_ratio, *s.ratios)]
    if sum(1 < ratio < FLOAT32_PER_FLOAT64 for ratio in ratios) < 0.1 * len(ratios):
        return Diagnosis(), reference
    before = [[(s.loss_ratio, s.ratios, s.gradient_ratios, s.bounds) for s in run.steps] for run in runs]
    for run in runs:
        for step in run.steps:
            step.bounds = rounding(step.step, coarse.eps, run.situation.exact)
            compare(step)
    if all(run.first_wrong is None for run in runs):
        met.precision = "float32"
        met.notes.append(_where_float32(runs))
        return Diagnosis(), coarse
    diagnosis = diagnose(runs, coarse.setting, met.plan.layer_sizes, "float32")
    if diagnosis.explanations:
        met.precision = "float32"
        met.notes.append(_where_float32(runs))
        return diagnosis, coarse
    for run, kept in zip(runs, before, strict=True):
        for step, (loss_ratio, ratios, gradient_ratios, bounds) in zip(run.steps, kept, strict=True):
            step.loss_ratio, step.ratios, step.gradient_ratios, step.bounds = (
                loss_ratio,
                ratios,
                gradient_ratios,
                bounds,
            )
    return Diagnosis(), reference


def _where_float32(runs: Sequence[Run]) -> str:
    """Where single precision can be seen from outside."""
    dids = [step.did for run in runs for step in run.steps if step.did.after is not None]
    places = []
    if dids and all(np.array_equal(W, W.astype(np.float32)) for did in dids for W in did.after or []):
        places.append("the new weights are float32 numbers")
    if dids and all(did.loss is None or did.loss == float(np.float32(did.loss)) for did in dids):
        places.append("the losses are float32 numbers")
    return "it computes in float32 somewhere: " + (" and ".join(places) or "inside the step, behind float64 results")
