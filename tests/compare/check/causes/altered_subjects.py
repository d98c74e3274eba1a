"""Subjects for the search of variants: steps that Keras itself takes with something altered, driven in this process."""

from typing import Any

import keras
import numpy as np

from compare.check.causes.variants import name_variants
from compare.check.steps.lockstep import drive_all
from compare.check.steps.model_reference import ModelReference
from compare.check.steps.model_situations import model_situations
from compare.check.subject.tasks import Did, Performance
from compare.recipe.recipe import Recipe
from compare.sides.models import described
from keras_ref import Alteration, altering, assemble, begin_anew, copied, precision

SGD = 0.125


def built(inputs, layers, loss="mse", optimizer=lambda: keras.optimizers.SGD(SGD)):
    """A compiled model in float64 of these layers."""
    return assemble(inputs, layers, loss, optimizer, "float64")


def referred(model, n=12, batch=5):
    """The reference that the check would make of it."""
    return ModelReference(model, Recipe(described(model), n, batch), "float64")


def diagnosed(reference, X, y, step, steps=3):
    """What is said of a subject whose step is this function of a task, its number and the weights before it."""
    rng = np.random.default_rng(0)
    situations = model_situations(reference, X, y, steps, rng, False, False)[:1]

    def drive(tasks):
        return (performed(task, step, reference) for task in tasks)

    runs = drive_all(reference, situations, drive, lambda: None, False)
    return runs, name_variants(runs, reference)


def performed(task, step, reference):
    """Each step of a task, from the weights that are set."""
    told = []
    masks = np.random.default_rng(1)
    memory: dict[int, Any] = {}
    for number, (rows, weights) in enumerate(zip(task.batches, task.weights, strict=True)):
        did = Did(before=[np.array(W) for W in weights])
        did.masks = drawn(reference, masks, len(rows))
        did.loss, did.after = step(task.X[rows], task.y[rows], did.before, did.masks, memory, number)
        told.append(did)
    return Performance(told)


def drawn(reference, rng, n):
    """A mask for each layer of dropout."""
    layers = [(each.rate, each.outputs) for each in reference.recipe.architecture.layers if getattr(each, "rate", 0)]
    return [(rng.random((n, *shape)) >= rate) / (1 - rate) for rate, shape in layers] or None


def keras_altered(reference, layers=None, loss=None):
    """A step of the reference with layers, or its loss, altered, by plain descent."""
    model = copied(reference.model, "float64")
    trained = [weight.trainable for weight in reference.recipe.architecture.weights]

    def step(x, y, weights, masks, memory, number):
        with altering(model) as altered:
            made = altered.step(weights, x, reference.targets(y), masks=masks or (), layers=layers, objective=loss)
        gradients, states = iter(made.gradients), iter(made.states)
        after = [
            W - SGD * next(gradients) if is_trained else next(states)
            for W, is_trained in zip(weights, trained, strict=True)
        ]
        return made.loss, after

    return step


def keras_other(reference, other, there=list, back=list):
    """A step of another Keras model, with the weights mapped there and back."""

    def step(x, y, weights, masks, memory, number):
        with precision("float64"):
            if number == 0:
                begin_anew(other)
            other.set_weights(there(weights))
            other.reset_metrics()
            loss = other.train_on_batch(x, reference.targets(y))
            return float(np.ravel(loss)[0]), back([np.array(W) for W in other.get_weights()])

    return step


def by_rule(reference, momentum=None, outside=False, rate=None, early=0, coupled=False, together=False, each=False):
    """A step of gradients that are Keras's, by plain descent or momentum in NumPy."""
    model = copied(reference.model, "float64")
    optimizer = model.optimizer
    momentum, decay = optimizer.momentum, optimizer.weight_decay or 0.0

    def step(x, y, weights, masks, memory, number):
        with altering(model) as altered:
            made = altered.step(weights, x, reference.targets(y))
        now = rate or 0.125 * (0.5 ** (number + early) if reference.scheduled else 1.0)
        gradients = made.gradients
        if together:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            gradients = [g * min(1, (optimizer.clipnorm or optimizer.global_clipnorm) / norm) for g in gradients]
        if each:
            gradients = [g * min(1, optimizer.clipnorm / np.sqrt((g**2).sum())) for g in gradients]
        after = []
        for place, (W, g) in enumerate(zip(weights, gradients, strict=True)):
            g = g + decay * W if coupled else g
            v = momentum * memory.get(place, 0.0) + (g if outside else -now * g)
            memory[place] = v
            after.append(W - now * v if outside else W + v)
        return made.loss, after

    return step


__all__ = [
    "Alteration",
    "built",
    "by_rule",
    "diagnosed",
    "drawn",
    "keras_altered",
    "keras_other",
    "performed",
    "referred",
]
