"""Nothing is lost, and nothing is left: kill -9 what takes part in a command, at moments of its life, and go on.

    python -m benchmarks.kill_and_resume [--times 10] [--only run sweep ...] [--seed 0]

Killed are the main job alone and with workers, a sweep with workers, a worker inside it, the companion, a subject, a
check, a Dask worker and a Dask scheduler; a sweep and a check are asked to end too, by SIGTERM. A run is then resumed
until it is finished. Each trial must end with the same
bytes of numbers, nothing unfinished may look finished, and `PATIENCE` seconds after the kill, or after the end of what
was asked to, none of the processes that were to end with it may live, nor a temporary file of theirs lie there. Exits
with 1 if any of this fails.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from compare.errors import InputError
from compare.runs.record import read

PATIENCE = 2.0  # seconds for what a killed process has started to end
CLEANLY = 10.0  # seconds for a command that is asked to end
PORT = 8791  # of the scheduler
SUBJECT = """
import time
from examples.correct import Network as Plain


class Network(Plain):
    def train_on_batch(self, x, y):
        time.sleep(0.02)
        return super().train_on_batch(x, y)
"""

RUN = ("run", "--only", "unseeded", "--protocol", "keras", "--epochs", "10", "--replicates")
GRID = (
    *("--data", "iris", "--layers", "16", "--learning-rates", "0.01", "--seeds", "0", "--dtypes", "float64"),
    *("--initializers", "uniform"),
)
SWEEP = ("sweep", *GRID, "--epochs", "10", "--replicates", "50")
CHECK = ("check", "{subject}", "--steps", "5")
ADDRESS = ("--scheduler", f"tcp://127.0.0.1:{PORT}")

Find = Callable[[psutil.Process], list[psutil.Process]]


def itself(command: psutil.Process) -> list[psutil.Process]:
    """The command's own process."""
    return [command]


def helpers(command: psutil.Process) -> list[psutil.Process]:
    """The processes that take calls from a command."""
    return [each for each in command.children() if "popen_loky_posix" in " ".join(each.cmdline())]


def subjects(command: psutil.Process) -> list[psutil.Process]:
    """The subject's process, below its warden."""
    wardens = [each for each in command.children() if "subject.warden" in " ".join(each.cmdline())]
    return [each for warden in wardens for each in warden.children()]


@dataclass(frozen=True)
class Victim:
    """What is killed: of which command, and how its process is found; `dask` names one that is no child of it.

    With `asked` it is not killed, but asked to end.
    """

    name: str
    command: tuple[str, ...]
    find: Find = itself
    dask: str = ""
    asked: bool = False


VICTIMS = (
    Victim("run", (*RUN, "100", "--workers", "1")),
    Victim("run with workers", (*RUN, "300", "--workers", "2")),
    Victim("sweep with workers", (*SWEEP, "--workers", "2")),
    Victim("worker inside a sweep", (*SWEEP, "--workers", "2"), helpers),
    Victim("companion", (*RUN, "150"), helpers),
    Victim("check", CHECK),
    Victim("check asked to end", CHECK, asked=True),
    Victim("sweep asked to end", (*SWEEP, "--workers", "2"), asked=True),
    Victim("subject", CHECK, subjects),
    Victim("Dask worker", (*RUN, "100", *ADDRESS), dask="worker"),
    Victim("Dask scheduler", (*RUN, "100", *ADDRESS), dask="scheduler"),
)


def start(*command: str, temporary: Path) -> psutil.Popen:
    """Start a command quietly, in a session of its own."""
    environment = {**os.environ, "TMPDIR": str(temporary)}
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    return psutil.Popen([sys.executable, "-m", *command], env=environment, start_new_session=True, **quiet)


@contextmanager
def cluster(victim: Victim, temporary: Path) -> Any:
    """Yield the Dask worker's or the scheduler's process, if one of them is to be killed; both end in the end."""
    with ExitStack() as ending:
        if not victim.dask:
            yield None
            return
        plain = ("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(PORT), "--no-dashboard")
        scheduler = start(*plain, temporary=temporary)
        ending.callback(end, scheduler)
        one = ("distributed.cli.dask_worker", ADDRESS[1], "--nthreads", "1", "--no-nanny", "--no-dashboard")
        workers = [start(*one, temporary=temporary) for _ in range(2)]
        for each in workers:
            ending.callback(end, each)
        yield scheduler if victim.dask == "scheduler" else workers[0]


def end(process: psutil.Popen) -> None:
    """End a process that this script has started."""
    with suppress(psutil.Error):
        process.kill()
    process.wait()


def ended(command: psutil.Popen) -> list[str]:
    """Wait for a command that was asked to end: what it does inside TensorFlow, or writes, it does to the end."""
    with suppress(psutil.TimeoutExpired):
        command.wait(timeout=CLEANLY)
        return []
    return [f"it goes on for {CLEANLY:g} s"]


def left(processes: list[psutil.Process], temporary: Path) -> list[str]:
    """Wait for processes to end, and their files to go; tell what is left."""
    until = time.monotonic() + PATIENCE
    while True:
        alive = [each for each in processes if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
        files = [path.name for path in temporary.iterdir() if "dask" not in path.name]
        if not (alive or files) or time.monotonic() > until:
            return [f"process {each.pid}" for each in alive] + files
        time.sleep(0.05)


def numbers(out: Path) -> dict[str, str]:
    """Return the checksums of a finished run's files of numbers."""
    (folder,) = out.iterdir()
    files = read(folder).manifest["files"]
    return {name: files[name] for name in files if name.endswith((".parquet", ".csv"))}


def taken_for_whole(partial: Path) -> bool:
    """Whether an unfinished run can be read like a finished one."""
    with suppress(InputError):
        read(partial)
        return True
    return False


class Trials:
    """What is done to one victim, in a folder of its own."""

    def __init__(self, victim: Victim, folder: Path) -> None:
        self.victim, self.folder = victim, folder
        self.temporary = folder / "temporary"
        self.temporary.mkdir(parents=True)
        (folder / "subject.py").write_text(SUBJECT)
        self.command = [each.format(subject=f"{folder / 'subject.py'}:Network") for each in victim.command]
        self.whole = folder / "whole"
        began = time.monotonic()
        with cluster(victim, self.temporary):
            self._started(self.whole).wait()
        self.seconds = time.monotonic() - began
        self.expected = numbers(self.whole)

    def _started(self, out: Path, *more: str) -> psutil.Popen:
        return start("keras_parity", *(more or self.command), "--out", str(out), temporary=self.temporary)

    def trial(self, number: int, moment: float) -> list[str]:
        """Kill at a moment, from 0 to 1 of the whole; resume; return what is wrong."""
        out, wrong = self.folder / str(number), []
        with cluster(self.victim, self.temporary) as dask:
            command = self._started(out)
            time.sleep(moment * self.seconds)
            beside: list[psutil.Process] = []
            with suppress(psutil.Error):  # it is done already
                beside = command.children(recursive=True)
                for each in [dask] if dask else self.victim.find(command)[:1]:
                    each.send_signal(signal.SIGTERM if self.victim.asked else signal.SIGKILL)
            if self.victim.asked:
                wrong += ended(command)
            if self.victim.find is itself and not dask:
                wrong += left([*beside, command], self.temporary)
            status = command.wait(timeout=10 * self.seconds + 60)
            wrong += [] if self.victim.find is itself else left(beside, self.temporary)
        # It may be asked before it has begun to listen, or when all is done.
        if self.victim.asked and status not in (-signal.SIGTERM, 128 + signal.SIGTERM, 0, 1):
            wrong.append(f"status {status}")
        if self.victim.name == "subject":  # it was told: that is what a check is for
            return wrong + ([] if status in (0, 1) and numbers(out) is not None else [f"status {status}"])
        return wrong + self._resumed(out)

    def _resumed(self, out: Path) -> list[str]:
        for _ in range(4):
            (folder,) = out.iterdir() if out.exists() and any(out.iterdir()) else (None,)
            if folder is not None and folder.suffix != ".partial":
                return [] if numbers(out) == self.expected else ["other numbers"]
            if folder is not None and taken_for_whole(folder):
                return ["what is unfinished is taken for whole"]
            planned = folder is not None and (folder / "unfinished" / "plan.json").exists()
            if folder is not None and not planned:
                shutil.rmtree(folder)
            with cluster(self.victim, self.temporary):
                dask = ADDRESS if self.victim.dask else ()
                self._started(out, *((self.command[0], "--resume", str(folder), *dask) if planned else ())).wait()
        return ["it is never finished"]


def main() -> int:
    """Make the trials and print a line for each victim."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--only", nargs="+", choices=[each.name for each in VICTIMS])
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    rng, well = random.Random(asked.seed), True
    for victim in VICTIMS:
        if asked.only and victim.name not in asked.only:
            continue
        with tempfile.TemporaryDirectory() as folder:
            trials = Trials(victim, Path(folder) / "trials")
            moments = [(number + rng.random()) / asked.times for number in range(asked.times)]
            wrong = [trials.trial(number, moment) for number, moment in enumerate(moments)]
        well &= not any(wrong)
        told = "; ".join(f"at {at:.2f}: {', '.join(each)}" for at, each in zip(moments, wrong, strict=True) if each)
        good = sum(not each for each in wrong)
        print(f"{victim.name:22} {good:2d} of {asked.times} well{': ' * bool(told)}{told}", flush=True)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
