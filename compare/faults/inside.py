"""Every known fault inside a network beside any Keras model, in the order in which they are tried."""

from compare.faults.layers import ORDINARY
from compare.faults.recurrence import RECURRENT
from compare.faults.structure import OfModel

MODELS: tuple[OfModel, ...] = (*RECURRENT, *ORDINARY)
