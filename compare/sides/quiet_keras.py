"""Keras, imported when it is first needed: quietly, and on one thread, so that workers share the cores."""

import os
import sys
from types import ModuleType

from compare.sides.frozen import freezing

QUIET = ("TF_CPP_MIN_LOG_LEVEL", "3")
# Graphics processors round products to fewer bits, and other backends clip probabilities.
BACKEND = {"KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}
SETTINGS = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_ENABLE_ONEDNN_OPTS": "0",  # it rounds differently from one processor to the next, and is slower on small layers
}

spared: set[str] = set()


def begin_process() -> None:
    """Begin a process of our own, in which Keras and TensorFlow go without what they import if it is there: a second.

    It serves scikit-learn's wrappers, plots, and conversions to TFLite.
    """
    choose_backend()
    spared.update(("sklearn", "matplotlib", "jax"))


def choose_backend() -> None:
    """Choose, for an import to come, TensorFlow on the processor, and quiet."""
    os.environ.update(BACKEND)
    os.environ.setdefault(*QUIET)


def load_keras() -> ModuleType:
    """Import the reference for runs of our own, which need no more than one thread for each process; return it."""
    if "tensorflow" in sys.modules:
        return import_quietly()
    choose_backend()
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    return import_quietly()


def import_quietly() -> ModuleType:
    """Import the reference and return it, without the lines that TensorFlow's C++ parts print, whatever its log level.

    This is the one place that imports it: nothing else waits for TensorFlow before it is needed.
    """
    if "tensorflow" in sys.modules:
        import keras_ref

        return keras_ref
    os.environ.setdefault(*QUIET)
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 2)
    absent = spared - sys.modules.keys()
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]  # so Python says that there is none
    try:
        # A million objects, which stay: to look through them once takes a tenth of the time of importing them.
        with freezing(collected=not spared):
            import keras_ref
    finally:
        for name in absent:
            del sys.modules[name]
        os.dup2(kept, 2)
        os.close(kept)
    return keras_ref
