"""What a subject's first steps show to be misread, and would otherwise look like faults of its training."""

from dataclasses import replace

import numpy as np

from compare.check.first_batch import FirstBatch, deviation
from compare.check.steps.situations import draw_weights
from compare.check.subject.drivers import Driver
from compare.check.subject.tasks import Did, Performance
from compare.mathematics.functions import Array
from compare.mathematics.rules import CORRECT, take_step
from compare.mathematics.step import Step
from compare.recipe.architecture import Architecture, Dense
from compare.recipe.recipe import Recipe

CLOSE = 1e-4  # what float32 may cost; the numbers that are told apart differ by far more


def misreading(driver: Driver, performance: Performance, recipe: Recipe, first: FirstBatch) -> str:
    """Say what is misread and what to do, or "".

    Recognised are accuracy told before the loss, accuracy told alone, kernels turned round where all are square, and a
    single output.
    """
    steps = [(did, right) for did, right in zip(performance.steps, first.right, strict=False) if did.error is None]
    told = [(did.loss, did.accuracy, right) for did, right in steps if did.loss is not None]
    if told and all(deviation(loss, right.loss) < CLOSE for loss, _, right in told):
        return ""
    return _accuracy(told) or _square(steps, recipe, first) or _one_output(driver, recipe, first)


def _accuracy(told: list[tuple[float, float | None, Step]]) -> str:
    """Accuracy where the loss should be."""
    if not told:
        return ""
    loss, accuracy, right = told[0]
    mended = "`step=lambda net, x, y: net.train_on_batch(x, y)[::-1]`"
    if all(second is not None and deviation(second, right.loss) < CLOSE for _, second, right in told):
        return (
            f"the step returned ({loss:.6g}, {accuracy:.6g}), and the loss of that batch is {right.loss:.6g}: accuracy "
            f"comes first. Return the loss first, or say so in the adapter: {mended}"
        )
    if all(abs(first - right.accuracy) < CLOSE for first, _, right in told):
        return (
            f"the step returned {loss:.6g}, which is the batch's accuracy; its loss is {right.loss:.6g}. Return the "
            "loss, or say in the adapter where it is: `loss=lambda net, x, y: net.loss(x, y)`"
        )
    return ""


def _square(steps: list[tuple[Did, Step]], recipe: Recipe, first: FirstBatch) -> str:
    """Kernels turned round, where no shape can show it."""
    sizes = recipe.architecture.sizes
    if len(set(sizes)) > 1 or not steps or steps[0][0].loss is None:
        return ""
    turned = [W.T if W.ndim == 2 else W for W in first.weights[0]]
    if deviation(steps[0][0].loss, take_step(CORRECT, recipe, turned, first.x, first.y, {}).loss) >= CLOSE:
        return ""
    return (
        "its loss is that of the transposed kernels: kernels are (units, inputs), which square ones do not show. Turn "
        'them round (`W.T`) in `get_weights` and in `set_weights`, or say so: `adapt(..., kernel="units_inputs")`'
    )


def _one_output(driver: Driver, recipe: Recipe, first: FirstBatch) -> str:
    """A sigmoid with labels 0 and 1: given one output, the subject does what such a network should."""
    architecture = _with_one_output(recipe.architecture)
    if architecture is None:
        return ""
    one = replace(recipe, architecture=architecture, labels="integer")
    # Numbers of its own: whether this is tried must not change what is drawn afterwards.
    weights = draw_weights(architecture, np.random.default_rng(0), first.x)
    labels = (first.y == first.y.max()).astype(np.int64)
    performance = driver.perform(replace(first.task(one, [weights]), y=labels))
    did = performance.steps[0] if performance.steps else None
    if did is None or did.error is not None:
        return ""
    step = take_step(CORRECT, one, weights, first.x, np.zeros_like(labels), {})
    if not _is_sigmoid_s(did, step, labels):
        return ""
    return (
        "it has one output, a sigmoid's: given one output and labels 0 and 1, it does what a sigmoid does, and with "
        f"{recipe.architecture.outputs} outputs nothing that is right. Declare it, on data of two classes: "
        "--output sigmoid --loss binary_crossentropy --data breast_cancer"
    )


def _with_one_output(architecture: Architecture) -> Architecture | None:
    last = architecture.layers[-1]
    if not isinstance(last, Dense) or last.units == 1:
        return None
    return replace(architecture, layers=(*architecture.layers[:-1], replace(last, units=1)))


def _is_sigmoid_s(did: Did, step: Step, labels: Array) -> bool:
    """Whether a loss is the binary cross-entropy's, or an update goes down a single output's loss."""
    z = step.Z[-1][:, 0]
    if did.loss is not None and deviation(did.loss, float(np.mean(np.logaddexp(0, z) - labels * z))) < CLOSE:
        return True
    if did.before is None or did.after is None:
        return False
    p = 1 / (1 + np.exp(-z))
    place = step.architecture.places[step.depth - 1, "kernel"]
    moved = (did.before[place] - did.after[place])[:, 0]
    # Of the binary cross-entropy, and of the squared error behind a sigmoid.
    return any(_along(moved, step.A[-1].T @ error) for error in (p - labels, (p - labels) * p * (1 - p)))


def _along(one: Array, other: Array) -> bool:
    """Whether two vectors of several numbers have one direction."""
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return one.size > 2 and np.isfinite(lengths) and lengths > 0 and float(one @ other) > (1 - 1e-9) * lengths
