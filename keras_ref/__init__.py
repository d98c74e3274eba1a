"""The reference: the equivalent Keras `Sequential` model, and its training."""

from keras_ref.model import build_model, draw_weights
from keras_ref.training import History, Steps, fit, fit_compiled, fit_replicates, steps_compiled

__all__ = ["History", "Steps", "build_model", "draw_weights", "fit", "fit_compiled", "fit_replicates", "steps_compiled"]
