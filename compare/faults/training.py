"""Known bugs of a whole training: its batches and the updates in them, its history, its starting weights."""

from dataclasses import replace
from enum import StrEnum

import numpy as np

from compare.faults.fault import Fault
from compare.mathematics.functions import Array, Rows
from compare.mathematics.rules import Rules, take_step
from compare.mathematics.step import Step
from compare.recipe.architecture import Architecture


def last_batch_dropped(rules: Rules) -> Rules:
    """A ragged last batch is left out."""

    def batches(order: Rows, epoch: int, size: int) -> list[tuple[Rows, Rows]]:
        return [pair for pair in rules.batches(order, epoch, size) if len(pair[0]) == min(size, len(order))]

    return replace(rules, batches=batches)


def not_shuffled(rules: Rules) -> Rules:
    """Every epoch takes the samples as they lie."""
    return replace(rules, batches=lambda order, epoch, size: rules.batches(np.sort(order), epoch, size))


def labels_not_shuffled(rules: Rules) -> Rules:
    """X is shuffled, y is not."""

    def batches(order: Rows, epoch: int, size: int) -> list[tuple[Rows, Rows]]:
        return [
            (rows, labels)
            for (rows, _), (_, labels) in zip(
                rules.batches(order, epoch, size), rules.batches(np.sort(order), epoch, size), strict=True
            )
        ]

    return replace(rules, batches=batches)


def unweighted_history(rules: Rules) -> Rules:
    """The epoch's loss is the plain mean of its batches' losses."""
    return replace(rules, history=lambda losses, sizes, now: float(np.mean(losses)))


def last_loss(rules: Rules) -> Rules:
    """The epoch's loss is its last batch's."""
    return replace(rules, history=lambda losses, sizes, now: losses[-1])


def loss_after_epoch(rules: Rules) -> Rules:
    """The epoch's loss is measured on the whole data set, after the epoch."""
    return replace(rules, history=lambda losses, sizes, now: now())


class Row(StrEnum):
    """A row that is left out."""

    FIRST = "first"
    LAST = "last"

    @property
    def rest(self) -> slice:
        """The other rows."""
        return slice(1, None) if self == Row.FIRST else slice(None, -1)


def row_dropped(rules: Rules, which: Row) -> Rules:
    """One row of every batch is left out."""

    def update(step: Step) -> list[Array]:
        rest = which.rest if step.n > 1 else slice(None)
        fewer = take_step(rules, step.recipe, step.weights, step.X[rest], step.y[rest], step.memory)
        step.within["loss of fewer"] = fewer.loss
        return fewer.after

    return replace(rules, update=update, report=lambda step: step.within["loss of fewer"])


def row_of_data_dropped(rules: Rules, which: Row) -> Rules:
    """One row of the data set is never seen."""
    return replace(rules, batches=lambda order, epoch, size: rules.batches(order[which.rest], epoch, size))


def sample_by_sample(rules: Rules) -> Rules:
    """The batch's samples are taken one after the other, with an update for each; the loss is their mean."""

    def update(step: Step) -> list[Array]:
        weights, losses = step.weights, []
        for row in range(step.n):
            one = take_step(rules, step.recipe, weights, step.X[row : row + 1], step.y[row : row + 1], step.memory)
            weights = one.after
            losses.append(one.loss)
        step.within["mean loss"] = float(np.mean(losses))
        return weights

    return replace(rules, update=update, report=lambda step: step.within["mean loss"])


def equal_weights(rules: Rules, value: float) -> Rules:
    """All initial kernels hold one value, so that all units of a layer stay alike."""

    def initial(architecture: Architecture, weights: list[Array]) -> list[Array]:
        tensors = zip(architecture.weights, weights, strict=True)
        return [np.full_like(W, value) if weight.role == "kernel" else W for weight, W in tensors]

    return replace(rules, initial=initial)


TRAINING_FAULTS: tuple[Fault, ...] = (
    Fault(
        "last partial batch dropped",
        "the epoch's ragged last batch is left out: a step is missing",
        "loop to ceil(n / batch_size)",
        last_batch_dropped,
        training=True,
    ),
    Fault(
        "not shuffled as given",
        "the given order of the samples is ignored: every epoch takes them as they lie",
        "index X and y by the epoch's order",
        not_shuffled,
        training=True,
    ),
    Fault(
        "labels not shuffled with X",
        "X is shuffled and y is not",
        "index X and y by the same permutation",
        labels_not_shuffled,
        training=True,
    ),
    Fault(
        "epoch loss not weighted by batch size",
        "every step is right; the epoch's loss is the plain mean over batches, so the ragged last one weighs too much",
        "weight each batch's loss by its number of samples",
        unweighted_history,
        reporting=True,
        training=True,
    ),
    Fault(
        "epoch loss of the last batch",
        "every step is right; the epoch's loss is that of its last batch only",
        "average the batches' losses, weighted by their sizes",
        last_loss,
        reporting=True,
        training=True,
    ),
    Fault(
        "epoch loss measured after the epoch",
        "every step is right; the epoch's loss is measured after it on all samples, where Keras averages its batches",
        "average the batches' losses, each taken before its update",
        loss_after_epoch,
        reporting=True,
        training=True,
    ),
    Fault(
        "a row of the data dropped",
        "the {0} row of the data is never trained on",
        "loop over all n samples",
        row_of_data_dropped,
        lambda architecture: [(which,) for which in Row],
        training=True,
        example=(Row.LAST,),
    ),
    Fault(
        "a row of the batch dropped",
        "the {0} row of every batch is left out",
        "use every row of the batch",
        row_dropped,
        lambda architecture: [(which,) for which in Row],
        example=(Row.LAST,),
        ordered=True,
    ),
    Fault(
        "updated sample by sample",
        "the weights are updated after each sample of the batch, not once for the batch",
        "sum the gradients over the batch, divide by its size, and update once",
        sample_by_sample,
        ordered=True,
        slow=True,
    ),
    Fault(
        "weights all zero or all equal",
        "all initial kernels are {0}: the units of a layer then stay alike for ever",
        "draw the initial kernels at random",
        equal_weights,
        lambda architecture: [],
        training=True,
        example=(0.0,),
    ),
)
