"""Names what goes wrong beside any Keras model: what each known variant of it would have made, in every number."""

from collections.abc import Iterator, Mapping, Sequence
from time import process_time
from typing import Any

import numpy as np
import scipy

from compare.check.causes.cases import Case, Makes, cases_of, near, tells
from compare.check.causes.diagnosis import Diagnosis, Explanation
from compare.check.causes.update_rules import Rule, fits, update_rules
from compare.check.steps.lockstep import Driven
from compare.check.steps.model_reference import ModelReference
from compare.faults.fault import EACH, Cause, Parameter, Place
from compare.faults.fitting import nice
from compare.faults.inside import MODELS
from compare.faults.states import STATES, Average, OfStates, momentum_of
from compare.faults.structure import OfModel
from compare.faults.variants import LOSSES
from compare.mathematics.functions import Array
from compare.sides.quiet_keras import load_keras

BUDGET = 5.0  # seconds of the processor that altered models may take
GRID = (0.0, 1e-9, 1e-6, 1e-4, 0.003, 0.03, 0.1, 0.3, 0.7, 0.99, 3.0)  # between which a number is looked for

Causes = tuple[Cause, ...]


def name_variants(runs: Sequence[Driven], reference: ModelReference) -> Diagnosis:
    """Search the update rule, gradients as a whole, layers and loss, and what is reported: alone and together.

    Every number of the steps that are tried must be explained: weights, moving averages, and the loss if it is told.

    Parameters
    ----------
    runs : sequence of Driven
        All situations.
    reference : ModelReference

    Returns
    -------
    Diagnosis
        Nothing, where no variant gives every number.
    """
    cases = cases_of(runs, reference)
    rules = update_rules(reference)
    if not cases or not rules:
        return Diagnosis()
    steps = sum(len(case.steps) for case in cases)
    with load_keras().altering(reference.model) as altering:
        search = _Search(cases, reference, rules, altering)
        search.try_out((), Makes(cases, altering))
        if not reference.samplewise:
            search.try_models(process_time() + BUDGET)
    explanations = [Explanation(causes, steps, len(cases), steps) for causes in search.found]
    told = {tuple((cause.name, cause.place) for cause in each.causes): each for each in reversed(explanations)}
    return Diagnosis(tuple(each for each in reversed(told.values()) if each.causes), steps * search.tried)


class _Search:
    """What explains the cases, the fewest faults first; `found` are those that are as few."""

    def __init__(self, cases: Sequence[Case], reference: ModelReference, rules: Sequence[Rule], altering: Any) -> None:
        self.cases, self.reference, self.rules, self.altering = cases, reference, rules, altering
        self.found: list[Causes] = []
        self.tried = 0

    @property
    def most(self) -> int:
        """How many faults may still explain it together."""
        return min((len(causes) for causes in self.found), default=4)

    def try_models(self, until: float) -> None:
        """Try each altered model with Keras's own rule; where nothing explains it by itself, with each other's too."""
        made: list[tuple[Causes, Makes]] = []
        for fitted in (False, True):
            for causes, makes in self._models(fitted) if self.most > 1 or not fitted else ():
                if process_time() > until:
                    break
                made.append((causes, makes))
                self.try_out(causes, makes, 0)
        for causes, makes in made:
            if self.most <= 1 or process_time() > until:
                break
            self.try_out(causes, makes, 1)

    def try_out(self, altered: Causes, makes: Makes, deep: int | None = None) -> None:
        """Keep what explains the cases with one model; `deep` is how many faults a rule has, by default any number."""
        one = self.cases[0].steps[0]
        first = makes.first_loss()
        if not (tells(one, first) or any(tells(one, each.make(first, one.paid, one.facts)) for each in LOSSES)):
            return
        name, fitting = self.reference.recipe.architecture.optimizer.name, list[Rule]()
        for rule in self.rules if deep is None else [rule for rule in self.rules if len(rule.causes) == deep]:
            size = len(rule.causes)
            if len(altered) + size > self.most or (fitting and size > len(fitting[0].causes)):
                break
            self.tried += 1
            if fits(self.cases, makes, rule, name):
                fitting.append(rule)
        if fitting:
            losses, states = self._losses(makes), self._states(makes)
            self._keep([(*altered, *rule.causes, *each, *losses[0]) for rule in fitting if losses for each in states])

    def _keep(self, found: list[Causes]) -> None:
        """Keep these with what was found, if they have as few faults."""
        fewest = min([self.most, *map(len, found)])
        self.found = [each for each in [*self.found, *found] if len(each) == fewest]

    def _losses(self, makes: Makes) -> list[Causes]:
        """What makes the told losses of a model's: nothing, or faults of reporting."""
        every = [(number, index, one) for number, case in enumerate(self.cases) for index, one in enumerate(case.steps)]
        if all(tells(one, makes.step(number, index).loss) for number, index, one in every):
            return [()]
        return [
            (Cause(variant.fault),)
            for variant in LOSSES
            if all(tells(one, variant.make(makes.step(n, index).loss, one.paid, one.facts)) for n, index, one in every)
        ]

    def _states(self, makes: Makes) -> list[Causes]:
        """What makes the moving averages of a model's: nothing, or faults of them."""
        every = [(number, index) for number, case in enumerate(self.cases) for index in range(len(case.steps))]
        if all(self._moves(each, makes.step(*each).states) for each in every):
            return [()]
        found: list[Causes] = []
        for variant in STATES:
            if found and variant.fitted:
                continue  # the momentum has a plainer name
            parameter = self._momentum(makes) if variant.fitted else [()]
            found += [(Cause(variant.fault, one),) for one in parameter if self._averages(variant, one, every, makes)]
        return found

    def _moves(self, place: tuple[int, int], made: Sequence[Array]) -> bool:
        one = self.cases[place[0]].steps[place[1]]
        return all(map(near, made, one.states_after, one.states_bounds, one.states))

    def _averages(
        self, variant: OfStates, parameter: Parameter, every: Sequence[tuple[int, int]], makes: Makes
    ) -> bool:
        for place in every:
            averages = self._average(place, makes)
            if averages is None:
                return False
            made = [variant.make(each, *(parameter or (each.momentum,))) for each in averages]
            if not self._moves(place, made):
                return False
        return True

    def _momentum(self, makes: Makes) -> list[Parameter]:
        averages = self._average((0, 0), makes)
        if averages is None:
            return []
        return [(number,) for number in nice([momentum_of(averages, self.cases[0].steps[0].states_after)])]

    def _average(self, place: tuple[int, int], makes: Makes) -> list[Average] | None:
        """Each tensor that is not trained as a moving average; None where one is none."""
        architecture, layers = self.reference.recipe.architecture, load_keras().layers_of(self.reference.model)
        one, made = self.cases[place[0]].steps[place[1]], makes.step(*place)
        weights = [
            (w, name) for w, name in zip(architecture.weights, self.reference.names, strict=True) if not w.trainable
        ]
        found: list[Average] = []
        for (weight, name), old, new in zip(weights, one.states, made.states, strict=True):
            momentum = getattr(layers[weight.layer], "momentum", None)
            if momentum is None or momentum == 1:
                return None
            n = one.facts.n * float(np.prod(architecture.shapes[weight.layer + 1][:-1]))
            now = (new - momentum * old) / (1 - momentum)
            found.append(Average(old, now, float(momentum), n, "variance" in name))
        return found

    def _models(self, fitted: bool) -> Iterator[tuple[Causes, Makes]]:
        """Each altered model, of a layer or of all of a kind; or those whose number is fitted, not a usual one."""
        layers = load_keras().layers_of(self.reference.model)
        for variant in MODELS:
            if fitted and not variant.number:
                continue
            if variant.losses is not None:
                known = not variant.losses or self.reference.recipe.architecture.loss in variant.losses
                for number in self._numbers(variant, None, fitted) if known and variant.fits(layers[-1], True) else ():
                    yield (Cause(variant.fault, number),), self._made(variant, None, number)
                continue
            places = [place for place, layer in enumerate(layers) if variant.fits(layer, place == len(layers) - 1)]
            for where in [*([place] for place in places), *([places] if len(places) > 1 else [])]:
                place: Place = where[0] if len(where) == 1 else EACH
                for number in self._numbers(variant, where, fitted):
                    yield (Cause(variant.fault, (place, *number)),), self._made(variant, where, number)

    def _made(self, variant: OfModel, places: Sequence[int] | None, number: Parameter) -> Makes:
        options: Mapping[str, Any] = {**variant.options, **({variant.number: number[0]} if number else {})}
        one = load_keras().Alteration(variant.kind, options)
        if places is None:
            return Makes(self.cases, self.altering, objective=one)
        return Makes(self.cases, self.altering, layers=dict.fromkeys(places, one))

    def _numbers(self, variant: OfModel, places: Sequence[int] | None, fitted: bool) -> Iterator[Parameter]:
        """What a variant's number may be: none; what people write, or what the told loss asks for."""
        one = self.cases[0].steps[0]
        if not variant.number:
            yield ()
        elif not fitted:
            yield from ((size,) for size in variant.sizes)
        elif one.told is not None:

            def off(x: float) -> float:
                assert one.told is not None
                return self._made(variant, places, (x,)).first_loss() - one.told

            values = [off(x) for x in GRID]
            for a, b, low, high in zip(GRID, GRID[1:], values, values[1:], strict=False):
                if low * high < 0:
                    found, _ = scipy.optimize.brentq(off, a, b, xtol=1e-300, rtol=1e-14, full_output=True, disp=False)
                    yield from ((number,) for number in nice([found]))
