"""The recipe of a check: made of what it was asked for and of what the subject says about itself."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from compare.check.settings import Settings
from compare.check.steps.situations import ragged_size
from compare.check.subject.description import Description
from compare.check.subject.drivers import Driver
from compare.data.dataset import REGRESSION, Dataset, load
from compare.errors import InputError
from compare.limits import check_within
from compare.recipe.architecture import HIDDEN, Architecture, Dense, Optimizer, dense
from compare.recipe.recipe import Recipe
from compare.sides.models import reused_model

DECLARE = "one output is a sigmoid's: declare it, --output sigmoid --loss binary_crossentropy"

SITUATIONS = 20  # roughly, of a check
KEPT = 20  # times the weights, of each step until the end: of a few situations, by each side, before and after
STEP = 2e-3  # seconds of Keras and of all that is compared
FLOPS = 2e8  # multiplications and additions a second, of all that is reckoned for a step


def check_cost(architecture: Architecture, data: Dataset, settings: Settings) -> None:
    """Refuse steps that would take more than the machine has, before the subject is even met."""
    weights = sum(math.prod(weight.shape) for weight in architecture.weights)
    batch = min(settings.batch_size, data.n)
    seconds = SITUATIONS * settings.steps * (STEP + 6 * weights * batch / FLOPS)
    check_within(seconds, 8 * KEPT * weights * settings.steps, settings.at_any_cost, quiet=True)


def plan(driver: Driver, data: Dataset, settings: Settings) -> tuple[Recipe, list[str]]:
    """Return what was given, else what the subject says, else the default; and, in words, what was read off.

    Raises
    ------
    InputError
        If layers, activations and data do not fit together.
    """
    sizes = (data.n_features, *(settings.layers or (*HIDDEN, data.n_classes)))
    if sizes[-1] != data.n_classes:
        written = " ".join(map(str, settings.layers or ()))
        fix = _one_output(data) if sizes[-1] == 1 else f"write {' '.join(map(str, (*sizes[1:-1], data.n_classes)))}"
        raise InputError(
            f"`layers` must end in {data.n_classes}, the number of classes of {data.name}. Received: {written}; {fix}"
        )
    hidden = settings.activations or ("relu",) * (len(sizes) - 2)
    _check_hidden(hidden, sizes)
    batch = ragged_size(data.n, settings.batch_size)
    asked = dense(sizes, hidden, settings.learning_rate or Optimizer.learning_rate)
    check_cost(asked, data, settings)

    def shallower(count: int) -> Architecture:
        return dense((*sizes[: count + 1], sizes[-1]), hidden[:count], asked.learning_rate)

    asked, said, told = _described(driver, asked, shallower, data, settings)
    sizes, read = _sizes(asked.sizes, said, data, settings)
    told += read
    if settings.activations is None:
        hidden = tuple(said.get("activations", ["relu"] * (len(sizes) - 2)))
        if "activations" in said:
            told.append(f"activations read off: {', '.join(hidden)}")
    _check_hidden(hidden, sizes)
    rate = settings.learning_rate
    if rate is None:
        rate = said.get("learning_rate", Optimizer.learning_rate)
        if "learning_rate" in said:
            told.append(f"learning rate {rate:g} read off")
    labels = said.get("labels", "auto") if settings.labels == "auto" else settings.labels
    architecture = dense(sizes, hidden, float(rate), settings.dtype or said.get("dtype", "float64"))
    check_cost(architecture, data, settings)  # of the layers that the subject says, too
    return Recipe(architecture, data.n, batch, labels), told


def worded(driver: Driver, data: Dataset, settings: Settings) -> tuple[Callable[[], Any], list[str]]:
    """Return what builds the model that the settings describe, in sizes that the subject says, where it does.

    And, in words, what was read off.
    """
    asked, _, told = _in_words(driver, data, settings)
    return lambda: reused_model(asked), told


def described(driver: Driver, data: str, index_column: bool | None, settings: Settings) -> Description:
    """Return what a subject says about itself, for the layers by which it would be checked."""
    given = load(data, index_column=index_column, standardise=True, values=True)
    if settings.plain and data not in REGRESSION:
        recipe, _ = plan(driver, given, settings)
        return driver.describe(recipe)
    return _in_words(driver, given, settings)[1]


def _in_words(driver: Driver, data: Dataset, settings: Settings) -> tuple[Architecture, Description, list[str]]:
    """The network that the settings describe, what the subject says about itself, and what was read off, in words."""
    *hidden, outputs = settings.layers or (*HIDDEN, None)

    def described(hidden: Sequence[int], outputs: int | None) -> Architecture:
        return settings.objective.architecture(
            data.n_features, hidden, classes=data.n_classes, outputs=outputs, name=data.name,
            dtype=settings.dtype or "float64",
        )  # fmt: skip

    asked = described(hidden, outputs)
    check_cost(asked, data, settings)

    def shallower(count: int) -> Architecture:
        return described(hidden[:count], outputs)

    asked, said, told = _described(driver, asked, shallower, data, settings)
    own = tuple(said.get("layer_sizes", asked.sizes))
    if settings.layers is None and own != asked.sizes and own[0] == data.n_features:
        asked = described(own[1:-1], own[-1])
        check_cost(asked, data, settings)
        told.append(_read_off(own))
    if settings.learning_rate is None and "(" not in settings.optimizer and "learning_rate" in said:
        asked = asked.at(float(said["learning_rate"]))
    activations = settings.activations or said.get("activations")
    if activations is not None:
        _check_hidden(tuple(activations), asked.sizes)
        pairs = zip(asked.layers[:-1], activations, strict=True)
        layers = [replace(layer, activation=name) for layer, name in pairs if isinstance(layer, Dense)]
        asked = replace(asked, layers=(*layers, asked.layers[-1]))
    return asked, said, told


def _described(
    driver: Driver, asked: Architecture, shallower: Callable[[int], Architecture], data: Dataset, settings: Settings
) -> tuple[Architecture, Description, list[str]]:
    """Return what the subject says of itself; of layers nobody asked for as many as it makes, and that in words."""

    def describe(architecture: Architecture) -> Description:
        batch = ragged_size(data.n, settings.batch_size)
        return driver.describe(Recipe(architecture, data.n, batch, settings.labels))

    said = describe(asked)
    if settings.layers is None and settings.activations is None and not said.get("fits", True):
        for architecture in map(shallower, range(len(HIDDEN))):
            other = describe(architecture)
            if other.get("fits", True) and "error" not in other:
                count = len(architecture.layers)
                layers = f"{count} layer{'s' * (count > 1)}"
                return architecture, other, [f"it has {layers}, whatever sizes it is given: checked as {architecture}"]
            if not said.get("made", True) and other.get("made", True):  # what keeps it from being driven is told there
                asked, said = architecture, other
    return asked, said, []


def _sizes(
    asked: tuple[int, ...], said: Description, data: Dataset, settings: Settings
) -> tuple[tuple[int, ...], list[str]]:
    own = tuple(said.get("layer_sizes", asked))
    if settings.layers is not None or own == asked:
        return asked, []
    if own[0] != data.n_features or own[-1] != data.n_classes:
        fix = _one_output(data) if own[-1] == 1 else "give `data` or a network that fit each other"
        raise InputError(
            f"`data` must fit the subject, which has {own[0]} input{'s' * (own[0] > 1)} and {own[-1]} "
            f"output{'s' * (own[-1] > 1)}. Received: {data.name}, {data.n_features} features and "
            f"{data.n_classes} classes; {fix}"
        )
    return own, [_read_off(own)]


def _read_off(sizes: Sequence[int]) -> str:
    return f"layer sizes {'-'.join(map(str, sizes))} read off its weights"


def _one_output(data: Dataset) -> str:
    two = "" if data.n_classes == 2 else " on data of two classes (--data breast_cancer)"
    return f"{DECLARE}{two}, or {data.n_classes} outputs for a softmax"


def _check_hidden(activations: tuple[str, ...], sizes: tuple[int, ...]) -> None:
    if len(activations) != len(sizes) - 2:
        raise InputError(f"`activations` must name {len(sizes) - 2} hidden layers. Received: {len(activations)}")
