"""The reference: the equivalent Keras `Sequential` model, and its training."""

from keras_ref.altered.schedule import learning_rates
from keras_ref.altered.step import Alteration, AlteredStep, Altering, altering
from keras_ref.inference import layers_with_modes, predictions
from keras_ref.model import assemble, build_model, draw_weights
from keras_ref.precision import precision
from keras_ref.quantities import quantities, updated, weight_names
from keras_ref.stepping import ModelSteps, copied, kept_copy, masked_steps, model_steps, reads_indices
from keras_ref.training import History, Steps, begin_anew, fit, fit_compiled, fit_replicates, steps_compiled
from keras_ref.ways import knows_otherwise
from keras_ref.wiring import calls_of, has_one_path, layers_of, takes_of

__all__ = [
    "Alteration",
    "AlteredStep",
    "Altering",
    "History",
    "ModelSteps",
    "Steps",
    "altering",
    "assemble",
    "begin_anew",
    "build_model",
    "calls_of",
    "copied",
    "draw_weights",
    "fit",
    "fit_compiled",
    "fit_replicates",
    "has_one_path",
    "kept_copy",
    "knows_otherwise",
    "layers_of",
    "layers_with_modes",
    "learning_rates",
    "masked_steps",
    "model_steps",
    "precision",
    "predictions",
    "quantities",
    "reads_indices",
    "steps_compiled",
    "takes_of",
    "updated",
    "weight_names",
]
