"""What the check and a subject's process say to each other, declared; and whether an answer is one to its request.

A subject shares its process with what answers, and can write there whatever it likes. So an answer is held to its
types first, and then to what was asked: nothing behind this has to expect another shape than that of the layers.
"""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Annotated

from msgspec import Struct

from compare.check.subject.attempts import Attempt, Repair
from compare.check.subject.description import Description
from compare.check.subject.kinds import Array
from compare.check.subject.masks import dropout_layers
from compare.check.subject.predicting import fits_outputs
from compare.check.subject.tasks import Did, Performance, Several, Task, Words
from compare.recipe.recipe import Recipe


class Load(Struct, tag=True):
    """Asks for a file to be loaded; its path as the system has it, which may be no text.

    `name` is "" where it is to be found out. `adapter` is what was found out in a process that has ended.
    """

    path: bytes
    name: str
    definitions_only: bool
    adapter: str = ""


class Loaded(Struct, tag=True):
    """Says that it was, or why not."""

    error: Words | None = None


class Describe(Struct, tag=True):
    """Asks what a subject is."""

    recipe: Recipe


class Described(Struct, tag=True):
    """Says what it is."""

    description: Description


class Perform(Struct, tag=True):
    """Asks for a task to be performed, in so many seconds."""

    task: Task
    seconds: float


class Made(Struct, tag=True):
    """Tells of one step of a task, as soon as it is made."""

    did: Did


class Performed(Struct, tag=True):
    """Says what was done in a task, but for the steps that were told."""

    done: Performance


class Try(Struct, tag=True):
    """Asks for edits of the subject to be tried."""

    asked: Attempt


class Tried(Struct, tag=True):
    """Says which ones mend something."""

    repairs: Annotated[list[Repair], Several]


Request = Load | Describe | Perform | Try
Answer = Loaded | Described | Made | Performed | Tried


def answers(request: Request, answer: Answer, told: int) -> bool:
    """Whether this answers a request, of whose steps so many were told before."""
    if isinstance(request, Try):
        return isinstance(answer, Tried) and all(1 <= each.first <= each.last for each in answer.repairs)
    if not isinstance(request, Perform):
        return isinstance(answer, Loaded if isinstance(request, Load) else Described)
    task = request.task
    if isinstance(answer, Made):
        return told < len(task.batches) and _fits(answer.did, task, len(task.batches[told]))
    return isinstance(answer, Performed) and _ends(answer.done, task, told)


def _ends(done: Performance, task: Task, told: int) -> bool:
    """Whether a task may end so: with all its steps, unless it is said why not."""
    steps = len(done.steps)
    if not task.epochs:
        whole = steps == 0 and (done.refusal is not None or told == len(task.batches))
    else:
        whole = steps == (done.refusal is None) and (done.history is None or len(done.history) == task.epochs)
    return whole and all(_fits(did, task, 0) for did in done.steps) and (done.trace is None or done.trace.coherent())


def _fits(did: Did, task: Task, samples: int) -> bool:
    """Whether a step's arrays are of the forms that its layers have, and all there unless it failed."""
    architecture = task.recipe.architecture
    weights = [weight.shape for weight in architecture.weights]
    outputs = [(samples, *layer.outputs) for _, layer in dropout_layers(architecture)]
    return (
        (did.error is not None or (did.before is not None and did.after is not None))
        and all(_have(tensors, weights) for tensors in (did.before, did.after, did.gradients))
        and _have(did.masks, outputs)
        and all(array.shape in outputs and array.dtype.kind == "f" for array in did.held.values())
        and _have(None if did.probabilities is None else [did.probabilities], [(samples, architecture.outputs)])
        and all(fits_outputs(each.values, samples, architecture.shapes[-1]) for each in did.predicted)
    )


def _have(arrays: Sequence[Array] | None, shapes: Sequence[tuple[int, ...]]) -> bool:
    """Whether these, if there are any, are floats of these shapes."""
    pairs = zip_longest([] if arrays is None else arrays, shapes)
    return arrays is None or all(
        array is not None and array.shape == shape and array.dtype.kind == "f" for array, shape in pairs
    )
