"""The learning rate of each step, as a model's optimizer has it, or by stairs where it falls with each step."""

import contextlib
from collections.abc import Sequence

import keras
import numpy as np

from keras_ref.precision import precision
from keras_ref.ways import exact_constants, ways_of


def learning_rates(
    model: keras.Model, steps: Sequence[int], exact: bool = False, staircase: bool | None = None
) -> list[float] | None:
    """Return the learning rate of each of these steps, from 0.

    Parameters
    ----------
    model : keras.Model
        Compiled, with a schedule of learning rates or without.
    steps : sequence of int
    exact : bool
        Whether the schedule's numbers are taken as they are, where TensorFlow takes them through float32.
    staircase : bool, optional
        Whether the schedule falls in stairs; None is returned where it knows none.
    """
    optimizer = model.optimizer
    schedule = optimizer._learning_rate
    if not isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        return None if staircase is not None else [float(np.asarray(optimizer.learning_rate))] * len(steps)
    config = schedule.get_config()
    if staircase is not None:
        if "staircase" not in config:
            return None
        schedule = type(schedule).from_config(config | {"staircase": staircase})
    constants = exact_constants() if exact else contextlib.nullcontext()
    with precision(str(model.compute_dtype)), ways_of(model), constants:
        return [float(np.asarray(schedule(step))) for step in steps]
