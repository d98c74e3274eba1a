"""Commands from the shell: the main job against the article's Keras listing, and a check against the clock."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial

from benchmarks.measures import Contestant, Measure, compare
from benchmarks.timing import interleaved

# What the article's Keras part does: import, load, one-hot, build, 30 epochs of Keras's defaults. It goes without JAX,
# which TensorFlow imports where it is installed, as for these benchmarks: a third of a second that few users pay.
LISTING = """
import sys
sys.modules["jax"] = None
from keras import Input, Sequential
from keras.layers import Dense
from keras.optimizers import SGD
from keras.utils import to_categorical
from sklearn.datasets import load_iris

X, y = load_iris(return_X_y=True)
model = Sequential([Input((4,)), Dense(6, "relu"), Dense(10, "relu"), Dense(8, "relu"), Dense(3, "softmax")])
model.compile(SGD(0.01), loss="categorical_crossentropy", metrics=["accuracy"])
model.fit(X, to_categorical(y), epochs=30)
"""


def main_job(repeats: int, arguments: tuple[str, ...] = ()) -> Iterator[Measure]:
    """Both as whole processes, all cores theirs."""
    with tempfile.TemporaryDirectory() as out:
        job = [sys.executable, "compare/run_all.py", "--out", out, *arguments]
        ours = Contestant(partial(_run, job), 1)
        listing = Contestant(partial(_run, [sys.executable, "-c", LISTING]), 1)
        rivals = {"the article's Keras listing": (listing, 1.7)}
        for measure in compare("compare/run_all.py, whole process", "s", ours, rivals, repeats):
            yield measure._replace(ours=measure.ours / 1e6, theirs=measure.theirs / 1e6)


def checks(repeats: int) -> Iterator[Measure]:
    """A check that passes, and one that fails, lines of the file included: in seconds, of an otherwise idle machine."""
    with tempfile.TemporaryDirectory() as out:
        for example, status, bar in (("correct", 0, 4.5), ("article", 1, 5.0)):
            command = [sys.executable, "-m", "keras_parity", "check", f"examples/{example}.py", "--out", out]
            took = float(interleaved({"": partial(_run, command, status)}, repeats)[""].min())
            yield Measure(f"check examples/{example}.py", f"{bar} s", "s", took, bar, took / bar, took / bar, 1.0)


def _run(command: list[str], status: int = 0) -> None:
    """Run a command as its users do, for whom Python keeps what it has compiled."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, capture_output=True, text=True, env=kept)
    if done.returncode != status:
        raise RuntimeError(f"{' '.join(command[:2])} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
