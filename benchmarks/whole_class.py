"""A whole class at once: 200 networks with planted faults, correct ones, and some that hang or crash, in one command.

    python -m benchmarks.whole_class [--workers 2] [--keep FOLDER]

Written are the faults of the styles that are all ReLU, each alone; faults of the catalogue; correct networks; and five
that never end, or end their process. `keras-parity check 'FOLDER/*/net.py:subject'` must say of each what is known of
it: whether it passes, the line of a style's fault among those that are told, the name of a catalogue's. Prints time,
processor seconds and memory, of all processes together; exits with 1 if a row is wrong or a bar is missed.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.guilty_lines import Planted, correct
from benchmarks.styles.faults import ACTIVATIONS, FAULTS
from compare.faults import FAULTS as CATALOGUE

SIZE = 200
BARS = {"lines": 0.95, "names": 0.95}
SECONDS = 180.0
TIME_LIMIT = "10"

# With ReLU, and without a square kernel, these do what Keras does.
HARMLESS = {
    *("dW transposed", "W transposed in backprop"),
    *("ReLU mask by assignment", "derivative of the wrong one of Z and A"),
}
START = "import ctypes\nimport os\nimport time\n\nfrom examples.correct import Network\n\n\n"
STEP = "class subject(Network):\n    def train_on_batch(self, x, y):\n        "
BROKEN = {
    "loops in its step": f"{STEP}while True:\n            pass\n",
    "crashes in its step": f"{STEP}ctypes.string_at(0)\n",
    "sleeps when it is loaded": "time.sleep(1000)\nsubject = Network\n",
    "exits when it is loaded": "os._exit(3)\nsubject = Network\n",
    "cannot be read": "class subject(Network:\n    pass\n",
}


@dataclass(frozen=True)
class Known:
    """A network of the class, and what must be said of it: that it passes, its line, its cause; or none of it."""

    what: str
    text: str
    kind: str
    line: int = 0
    cause: str = ""


def written(size: int) -> list[Known]:
    """The networks of a class, in an order that is always the same; of a smaller one the first."""
    styles = [style for style, activation in ACTIVATIONS.items() if activation == "relu"]
    planted = [Planted(style, [fault]) for style in styles for fault in FAULTS[style]]
    found = [Known(f"{each.style}: {each.faults[0][0]}", each.text, "line", each.lines[0]) for each in planted]
    found += [Known(what, START + text, "broken") for what, text in BROKEN.items()]
    names = [fault.name for fault in CATALOGUE.values() if not (fault.kind or fault.training or fault.warning)]
    plant = "from compare.faults.planted import planted\n\nsubject = planted([{!r}])\n"
    found += [Known(each, plant.format(each), "right" if each in HARMLESS else "name", cause=each) for each in names]
    right = [Known(f"{style}, correct", correct(style), "right") for style in styles]
    class_ = [*found, *(right * SIZE)][:SIZE]
    random.Random(0).shuffle(class_)
    return class_[:size]


class Watched:
    """The processes of a command: the most memory that they hold together, read twice a second."""

    def __init__(self, process: int) -> None:
        self.most, self._ended = 0, threading.Event()
        self._thread = threading.Thread(target=self._watch, args=(psutil.Process(process),), daemon=True)
        self._thread.start()

    def _watch(self, command: psutil.Process) -> None:
        while not self._ended.wait(0.5):
            total = 0
            with suppress(psutil.Error):
                for each in [command, *command.children(recursive=True)]:
                    with suppress(psutil.Error):
                        total += each.memory_info().rss
            self.most = max(self.most, total)

    def end(self) -> int:
        """Stop watching; return the bytes."""
        self._ended.set()
        self._thread.join()
        return self.most


def write(folder: Path, networks: Sequence[Known]) -> None:
    """Write each network into a folder of its own, all in files of one name."""
    for number, each in enumerate(networks, 1):
        path = folder / f"student{number:03d}" / "net.py"
        path.parent.mkdir(parents=True)
        path.write_text(each.text, encoding="utf-8")


def right(row: dict[str, Any], known: Known) -> bool:
    """Whether a row says what is known of its network."""
    told = [(each["first"], each["last"]) for each in row["guilty"]]
    names = {cause["name"] for each in row.get("diagnosis", []) for cause in each["causes"]}
    return {
        "right": row["passed"] and not told,
        "broken": row["verdict"] == "cannot be driven",
        "line": not row["passed"] and any(first <= known.line <= last for first, last in told),
        "name": not row["passed"] and known.cause in names,
    }[known.kind]


def main() -> int:
    """Write a class, check it, compare each row with what is known; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--size", type=int, default=SIZE)
    parser.add_argument("--keep", type=Path, help="a folder in which the networks and the run stay")
    arguments = parser.parse_args()
    networks = written(arguments.size)
    with tempfile.TemporaryDirectory() as made:
        folder = arguments.keep or Path(made)
        write(folder / "class", networks)
        options = ["--time-limit", TIME_LIMIT, "--workers", str(arguments.workers), "--out", str(folder / "runs")]
        command = [
            sys.executable,
            "-m",
            "keras_parity",
            "check",
            f"{folder}/class/*/net.py:subject",
            "--json",
            *options,
        ]
        began = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            watched = Watched(process.pid)
            told, failed = process.communicate()
            seconds, memory = time.perf_counter() - began, watched.end()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        if process.returncode != 1:
            print(f"exit status {process.returncode}, where some networks are wrong\n{failed}")
            return 1
        size = sum(path.stat().st_size for path in (folder / "runs").rglob("*"))
    rows = json.loads(told)
    met = seconds <= SECONDS and len(rows) == len(networks)
    for kind, what in (("right", "correct"), ("broken", "hang or crash"), ("line", "lines"), ("name", "names")):
        pairs = [(row, known) for row, known in zip(rows, networks, strict=True) if known.kind == kind]
        wrong = [(row, known) for row, known in pairs if not right(row, known)]
        for row, known in wrong:
            print(f"  {known.what}: {row['headline']}; lines {[each['first'] for each in row['guilty']]}, {known.line}")
        met &= len(pairs) - len(wrong) >= BARS.get(what, 1.0) * len(pairs)
        passed = sum(row["passed"] for row, _ in pairs)
        print(f"{what}: {len(pairs) - len(wrong)} of {len(pairs)} rows as known; {passed} called in parity")
    print(
        f"{len(rows)} networks in {seconds:.0f} s (bar {SECONDS:.0f} s); {used.ru_utime + used.ru_stime:.0f} processor "
        f"seconds; {memory / 1e9:.2f} GB of memory at the peak, all processes; {size / 1e6:.0f} MB on disk"
    )
    slow = sorted(zip(rows, networks, strict=True), key=lambda each: -(each[0]["seconds"] or 0))[:5]
    print("slowest: " + "; ".join(f"{known.what} {row['seconds']:.0f} s" for row, known in slow))
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
