"""Drives a subject's own epoch-level training, and judges its history and weights: right steps do not make it right."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from compare.agreement.tolerance import Tolerance
from compare.check.causes.diagnosis import Explanation
from compare.check.introduction import Introduction
from compare.check.steps.situations import Rows
from compare.check.subject.drivers import Driver
from compare.check.subject.tasks import Task
from compare.check.trainers import Trainer
from compare.check.training import DrivenTraining, Training, judge
from compare.check.trials import Trial
from compare.mathematics.functions import Array
from compare.mathematics.rules import CORRECT

EPOCHS = 4
GOES_ON = (
    "right in one call, and not in a second: what it keeps, an optimizer's moments and count of steps say, must go on "
    "from call to call, as Keras's does"
)
TOGETHER = "right in the samples' order, and not where it shuffles: each label must stay with its sample"
# So few samples that every order of theirs can be tried: 30 an epoch, in batches of 2, 2 and 1.
FEW, SMALL = 5, 2


@dataclass(frozen=True)
class Trainings:
    """What was judged of a subject's own training; what was odd; and what was not driven or not judged, and why."""

    judged: tuple[Training, ...] = ()
    notes: tuple[str, ...] = ()
    not_driven: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Stage:
    """What a subject's own training is driven and judged with; `options` are the usual names of what it takes."""

    driver: Driver
    met: Introduction
    trainer: Trainer
    known: Sequence[Explanation]
    method: str
    options: frozenset[str]

    @property
    def ordered(self) -> bool:
        """Whether the order of the samples can be told."""
        return bool(self.options & {"shuffle", "batch_orders"})

    def drive(
        self, name: str, trial: Trial, allowed: Tolerance, search: Sequence[int] = (), shuffle: bool = False
    ) -> tuple[Training, Trial]:
        """Train as the trial says, and judge; with `search`, by the order and the one of these sizes that fit.

        `shuffle`: the subject is told to put the samples in an order of its own.
        """
        recipe = replace(self.met.recipe, batch_size=trial.size, n_samples=len(trial.y))
        epochs, size = len(trial.orders), trial.size
        task = Task(
            recipe, trial.X, trial.y, [], [trial.weights], epochs=epochs, calls=trial.calls, batch_size=size,
            orders=trial.orders, shuffle=shuffle,
        )  # fmt: skip
        performance = self.driver.perform(task)
        if search and performance.refusal is None:
            trial = self.trainer.likeliest(CORRECT, trial, search, performance.steps[0].after or []) or trial
            allowed = self.trainer.tolerated(trial) or allowed
        judged = judge(self.trainer, name, performance, trial, allowed, self.known, search)
        return replace(judged, driven=DrivenTraining(task, performance, trial, not (search or shuffle))), trial


def drive_training(
    driver: Driver,
    met: Introduction,
    trainer: Trainer,
    X: Array,
    y: Rows,
    known: Sequence[Explanation],
    rng: np.random.Generator,
) -> Trainings:
    """Train for some epochs in full batch, in two calls, and in ragged batches where their size can be told.

    In full batch, the order in which it shuffles does not matter: there it must be right shuffled too.
    Where the order cannot be told, it is taken to be that of the samples; a training that shuffles by itself is
    judged over few samples, by every order there is. `known` are the explanations of the subject's steps, which its
    training is expected to show too.
    """
    said = driver.describe(met.recipe)
    method = said.get("method")
    if method is None:
        return Trainings(not_driven=(f"its own training: {said.get('error', 'it is not there any more')}",))
    if method["trouble"] is not None:
        return Trainings(not_driven=(f"its {method['signature']} {method['trouble']}",))
    n, reference = len(y), trainer.reference
    X = X.astype(reference.dtype).astype(np.float64)
    weights = trainer.draw(rng, X, met.zero_biases)
    weights = [W.astype(reference.precision).astype(np.float64) for W in weights]
    name = method["signature"].split("(")[0]
    stage = _Stage(driver, met, trainer, known, name, frozenset(said.get("train", ())))
    in_order: Rows = np.tile(np.arange(n), (EPOCHS, 1))
    whole = Trial(X, y, weights, in_order, n)
    few = _few(trainer, Trial(X, y, weights, in_order, SMALL), rng)
    plans = [(f"{name}, full batch", whole), (f"{name} called twice, full batch", replace(whole, calls=2))]
    if "batch_size" in stage.options:
        batch = met.recipe.batch_size
        orders = np.stack([rng.permutation(n) for _ in range(EPOCHS)])
        words = "" if "batch_orders" in stage.options else ", not shuffled" if stage.ordered else ", in order"
        given = orders if "batch_orders" in stage.options else in_order
        plans.append((f"{name}, batches of {batch}{words}", Trial(X, y, weights, given, batch)))
    shuffled = f"{name}, full batch, shuffled"
    if "shuffle" in stage.options and not trainer.order_matters:
        plans.append((shuffled, whole))
    judged: list[Training] = []
    notes: list[str] = []
    not_driven: list[str] = []
    for words, plan in plans:
        shorter = (replace(plan, orders=plan.orders[:e]) for e in (EPOCHS, 2, 1) if e >= plan.calls)
        steady = ((one, allowed) for one in shorter if (allowed := trainer.tolerated(one)) is not None)
        if (found := next(steady, None)) is None:
            not_driven.append(f"{words}: rounding alone grows too fast at this learning rate")
            continue
        trial, allowed = found
        if (epochs := len(trial.orders)) < EPOCHS:
            notes.append(f"{words}: judged over {epochs} of {EPOCHS} epochs, since rounding alone carries more too far")
        training, _ = stage.drive(words, trial, allowed, shuffle=words == shuffled)
        if training.history is None and training.error is None:
            notes.append(f"its {name} tells no loss for each epoch: its weights alone are judged")
        judged.append(training)
    once, twice = (
        [t.wrong for t in judged if t.driven and (t.driven.task.calls > 1) == more] for more in (False, True)
    )
    if once and not any(once) and any(twice):
        notes.append(f"its {name} is {GOES_ON}")
    if [t.name for t in judged if t.wrong] == [shuffled]:
        notes.append(f"its {name} is {TOGETHER}")
    return _with_own_orders(stage, few, Trainings(tuple(judged), tuple(dict.fromkeys(notes)), tuple(not_driven)))


def _with_own_orders(stage: _Stage, few: Trial | None, found: Trainings) -> Trainings:
    """Where order or sizes of the batches cannot be told, judge by all that there may be, over few samples.

    That it differs from what was assumed is then no fault, if it shuffles; nor if it takes batches of a size of its
    own, which a few samples may not fill.
    """
    sized, anywhere = "batch_size" in stage.options, stage.trainer.order_matters
    doubtful = [t for t in found.judged if t.wrong and t.error is None and (t.ragged or not sized or anywhere)]
    explained = any(t.explanations for t in doubtful)
    if few is None or explained or (sized and (stage.ordered or not doubtful)):
        return found
    name = f"{stage.method}, {FEW} samples in batches of {SMALL if sized else 'its own'}, in any order"
    sizes = (SMALL,) if sized else range(1, FEW + 1)
    one = few if sized else replace(few, orders=few.orders[:1])
    if (allowed := stage.trainer.tolerated(one)) is None:
        return found
    training, trial = stage.drive(name, one, allowed, sizes)
    rest = [t for t in found.judged if t not in doubtful]
    if training.error is not None or training.wrong:
        return replace(found, judged=(*rest, training)) if training.explanations or not doubtful else found
    if not sized:
        told = [f"{t.name}: the size of its batches cannot be told, and is its own" for t in doubtful]
        return replace(found, judged=(*rest, training), not_driven=(*found.not_driven, *told))
    if (trial.orders != np.arange(FEW)).any():
        told = [f"{t.name}: it shuffles: judged over {FEW} samples instead" for t in doubtful]
        return replace(found, judged=(*rest, training), notes=(*found.notes, *told))
    return found


def _few(trainer: Trainer, trial: Trial, rng: np.random.Generator) -> Trial | None:
    """A few samples on which rounding does not grow, a short training of them."""
    for _ in range(20):
        rows = rng.permutation(len(trial.y))[:FEW]
        one = replace(trial, X=trial.X[rows], y=trial.y[rows], orders=np.tile(np.arange(FEW), (trainer.short, 1)))
        if trainer.tolerated(one) is not None:
            return one
    return None
