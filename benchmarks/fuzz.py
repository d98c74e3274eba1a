"""Attack the commands with what nobody should give them: each input is answered well, or told here.

    python -m benchmarks.fuzz [--seconds 300] [--inputs 100000] [--seed 0] [--only KIND ...] [--input NUMBER]

Options, absurd sizes, CSV files, run folders, plans to go on with, the end of a run whose drawing or output fails,
hostile subjects, and subjects that forge what their process answers. Every input is made from its own number and the
seed, so that one can be tried again by itself. No run is trained: where a command would begin to, it has answered; the
subjects are checked. Told are, for each kind, how many inputs were tried, how many were answered well (a result, or a
line and status 2), and how many ended in a traceback, a hang or a lost result, or left a process or a file; the status
is 1 if any did.
"""

import argparse
import contextlib
import hashlib
import io
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any
from unittest import mock

import psutil

from benchmarks import hostile
from compare.check.subject.drivers import Isolated
from compare.commands import main_job
from compare.commands.app import app, holds
from compare.commands.app import main as command
from compare.commands.options import Telling
from compare.commands.streams import patient_streams
from compare.data.dataset import load
from compare.errors import InputError
from compare.experiments.experiment import Experiment
from compare.runs.manifests import MANIFEST
from compare.runs.record import read
from compare.runs.recorder import recording
from compare.show.figures import drawing, plots
from compare.show.page import page
from compare.show.terminal import summary
from compare.work.companion import ALONE
from tests.compare.runs.made_run import made_check, made_run, made_sweep

PATIENCE = 60  # seconds after which an input hangs: the slowest is a check of a subject that uses up its time
ABSURD_PATIENCE = 3.0  # seconds in which what cannot be done is refused
GONE = 2.0  # seconds in which what a subject started must end
MARK = "KERAS_PARITY_FUZZ"  # in the environment of all that an input starts
TEXTS = [
    *("", " ", "-", "--", "0", "-1", "1.5", "1e400", "nan", "inf", "-inf", "٣", "0x10", "1_0", "None", "true", "[]"),
    *("[bold]", "[/x]", ":smile:", "$x$", r"$\frac$", "=1+1", "@A1", "-x", "\x1b[2J", "\x07", "\udcff", "\u202e", "é"),
    *("x" * 300, "a,b", "a\nb", "..", "../../x", "/dev/null", "/", ".", "iris", "wine", "<script>", '"', "'", "{}"),
    *("sgd(", "adam(learning_rate=)", "adam(beta_1=2)", "__import__('os')", "6-", "6-x", "mse", "softmax", "both"),
]
VALUES = [None, True, 0, -1, 3, 1.5, 1e300, 10**30, "", "x" * 5000, "\x1b[2J", "\ud800", [], {}, [[]], {"a": {}}, "1"]
CELLS = ["", "nan", "inf", "-inf", "1e999", "x", "=1+1", '"', "1,2", "-1", "0", "\x00", "é", "٣", " ", "NA", "1" * 400]
TRAINED = "data layers epochs replicates optimizer loss output l1 l2 workers scheduler resume out nothing "
OPTIONS = {
    "run": TRAINED + "learning-rate batch-size protocol only pairs seed dtype tensorboard index-column",
    "sweep": TRAINED + "initializers batch-sizes learning-rates dtypes seeds modes",
    "check": "data reference time-limit layers activations learning-rate steps batch-size seed tolerance dtype out",
    "list": "out kind data verdict sort newest json",
    "show": "out cell json",
    "report": "out tensorboard quiet",
}
FAULTS = [
    *(ValueError("a planted fault"), KeyError("[/x]"), MemoryError(), OSError(28, "No space left on device")),
    *(RecursionError("deep"), UnicodeEncodeError("utf-8", "\udcff", 0, 1, "no text"), AssertionError()),
]
DRAWN = [
    *((plots, "gaps"), (plots, "curves"), (drawing, "save"), (drawing, "figures")),
    *((page, "html"), (summary, "tell")),
]
SUBJECT = Path(__file__).parents[1] / "examples" / "correct.py"
REACHED = "it would begin now"


class Hang(BaseException):
    """An input took longer than anything should."""


class Lost(BaseException):
    """Numbers of a finished run are not there any more."""


class Left(BaseException):
    """A process or a file is left."""


class Reached(InputError):
    """A command would now begin to train: it has found nothing wrong."""


class Unmet:
    """A subject's process that is never started: what can be refused before it is met, is."""

    def __init__(self, *_: object) -> None:
        pass

    def __enter__(self) -> "Unmet":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def describe(self, recipe: object) -> None:
        """Say that all before is well."""
        raise Reached(REACHED)


class Full(io.TextIOBase):
    """A terminal that takes nothing."""

    def write(self, text: str) -> int:
        """Fail, as a full disk, a closed pipe or a broken disk does."""
        raise OSError(random.choice([28, 32, 5]), "a stream that fails")


@dataclass(frozen=True)
class Bench:
    """Where inputs are made and tried: `made` holds whole folders, by their kind, `work` what is made of them.

    `turn` counts the inputs of a kind, for those that are tried one after the other.
    """

    made: dict[str, Path]
    work: Path
    turn: int = 0

    def copy(self, kind: str) -> Path:
        """A whole folder of a kind, to be damaged."""
        return shutil.copytree(self.made[kind], self.work / "results" / self.made[kind].name)


def options(rng: random.Random, bench: Bench) -> None:
    """A command with hostile values for one to three of its options, and perhaps hostile words."""
    name = rng.choice(list(OPTIONS))
    words = {"check": [f"{SUBJECT}:Network"], "show": ["1"], "report": ["1"]}.get(name, [])
    if words and rng.random() < 0.3:
        words = [rng.choice(TEXTS) for _ in words]
    for option in rng.sample(OPTIONS[name].split(), rng.randint(1, 3)):
        words += [f"--{option}", *(rng.choice(TEXTS) for _ in range(rng.choice([1, 1, 1, 2, 0])))]
    if "--out" not in words:
        words += ["--out", str(bench.work / "results")]
    answered([name, *words], rng)


@cache
def numeric() -> list[tuple[str, str]]:
    """Every command and option that takes numbers."""
    arguments = [(name, each) for name in OPTIONS for each in app[name].assemble_argument_collection()]
    return [(name, each.name) for name, each in arguments if holds(each.hint, int) or holds(each.hint, float)]


def absurd(rng: random.Random, bench: Bench) -> None:
    """A size that nobody can mean, for each option that takes a number: refused at once, if it is a count."""
    at, (name, option) = divmod(bench.turn, len(numeric()))[0], numeric()[bench.turn % len(numeric())]
    value = str(hostile.ABSURD[at % len(hostile.ABSURD)])
    words = {"check": [f"{SUBJECT}:Network"], "show": ["1"]}.get(name, [])
    began = time.monotonic()
    told = answered([name, *words, option, value, "--out", str(bench.work / "results")], rng)
    many = value.isdigit() and int(value[:20]) >= hostile.HUGE and option in hostile.COUNTED
    if time.monotonic() - began > ABSURD_PATIENCE or (many and REACHED in told):
        raise Hang(f"{name} {option} {value}")


def subject(rng: random.Random, bench: Bench) -> None:
    """A subject that does what none should, each in turn."""
    files = list(hostile.subjects().items())
    name, text = files[bench.turn % len(files)]
    try:
        checked(text, rng, bench)
    except BaseException as error:
        error.add_note(f"a subject that {name}")
        raise


def pipe(rng: random.Random, bench: Bench) -> None:
    """A subject that trains well, in a process that forges what it answers."""
    checked(hostile.forging(rng.randrange(10**9)), rng, bench)


def checked(text: str, rng: random.Random, bench: Bench) -> None:
    """Check a subject: whatever it does, the record can be read, and nothing of it is left."""
    file, out, temporary = bench.work / "net.py", bench.work / "results", bench.work / "temporary"
    file.write_text(text)
    temporary.mkdir()
    limits = ["--time-limit", "4", "--memory-limit", "0.7", "--steps", "3", "--layers", "5", "3"]
    with (
        mock.patch("compare.check.subject.drivers.Isolated", Isolated),
        mock.patch.object(tempfile, "tempdir", str(temporary)),
    ):
        answered(["check", f"{file}:Subject", *limits, "--out", str(out)], rng)
    for folder in out.iterdir() if out.exists() else ():
        try:
            read(folder)
        except InputError as error:
            raise Lost(str(error)) from None
    if any(temporary.iterdir()):
        raise Left("files")


def left_running() -> bool:
    """Whether something that was started by an input outlives it; it is ended."""
    until = time.monotonic() + GONE
    while found := [each for each in psutil.process_iter() if each.pid != os.getpid() and _marked(each)]:
        if time.monotonic() > until:
            for each in found:
                each.kill()
            return True
        time.sleep(0.05)
    return False


def _marked(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        mine = "resource_tracker" in " ".join(process.cmdline())  # it stays with this process, whose child it is
        return process.environ().get(MARK) == os.environ[MARK] and process.status() != psutil.STATUS_ZOMBIE and not mine
    return False


def csv_file(rng: random.Random, bench: Bench) -> None:
    """A CSV file with cells, lines or bytes that are something else."""
    rows = [["id", "a", "b", "kind"], *([str(k), str(k / 7), str(k % 3), "xyz"[k % 3]] for k in range(12))]
    for _ in range(rng.randint(0, 4)):
        row = rng.choice(rows)
        row[rng.randrange(len(row))] = rng.choice(CELLS + TEXTS)
    for _ in range(rng.randint(0, 1)):
        rng.choice(rows)[:] = [rng.choice(CELLS) for _ in range(rng.randint(0, 6))]
    content = bytearray("\n".join(",".join(row) for row in rows).encode(errors="surrogatepass"))
    for _ in range(rng.choice([0, 0, 1, 3])):
        content[rng.randrange(len(content))] = rng.randrange(256)
    path = bench.work / rng.choice(["data.csv", "$\\frac$.csv", "[x].csv", os.fsdecode(b"\xff.csv"), "=1.csv", "é.csv"])
    path.write_bytes(rng.choice([bytes(content), bytes(content), bytes(content[: rng.randrange(len(content))]), b""]))
    asked = {"index_column": rng.choice([None, True, False]), "standardise": rng.choice([True, False])}
    with contextlib.suppress(InputError):
        load(path, **asked, values=rng.choice([True, False]))


def folder(rng: random.Random, bench: Bench) -> None:
    """A run's folder, damaged in one place or several; its checksums may be right all the same."""
    of = bench.copy(rng.choice(["run", "check", "sweep"]))
    for _ in range(rng.randint(1, 3)):
        rng.choice([_damage_bytes, _damage_table, _damage_manifest, _damage_manifest])(rng, of)
    shown = [["show", str(of)], ["show", str(of), "--json"], ["show", str(of), str(bench.made["run"])]]
    words = rng.choice([*shown, ["list"], ["list", "--json"], ["report", str(of)], ["show", str(of), "--cell", "3"]])
    answered([*words, "--out", str(of.parent)], rng)


def _damage_bytes(rng: random.Random, of: Path) -> None:
    path = rng.choice([path for path in of.iterdir() if path.is_file()])
    content = path.read_bytes()
    at = rng.randrange(len(content) + 1)
    other = content[:at] + b"\xff" + content[at:]
    path.write_bytes(rng.choice([content[:at], content[at:], other, b"", b"[" * 100_000]))
    if rng.random() < 0.5:
        _vouch(of)


def _damage_table(rng: random.Random, of: Path) -> None:
    path = rng.choice([path for path in of.iterdir() if path.suffix == ".csv"])
    lines = path.read_text(errors="replace").split("\n")
    cells = rng.choice(lines).split(",")
    cells[rng.randrange(len(cells))] = rng.choice(CELLS)
    lines[rng.randrange(len(lines))] = ",".join(cells)
    path.write_text("\n".join(lines))
    _vouch(of)


def _damage_manifest(rng: random.Random, of: Path) -> None:
    try:
        values = json.loads((of / MANIFEST).read_text())
        at = values
        while True:
            key = rng.choice(list(at) if isinstance(at, dict) else range(len(at)))
            if not isinstance(at[key], dict | list) or not at[key] or rng.random() < 0.3:
                break
            at = at[key]
    except (ValueError, IndexError, TypeError, RecursionError):  # it is damaged already
        return
    if rng.random() < 0.4:
        del at[key]
    else:
        at[key] = rng.choice(VALUES)
    (of / MANIFEST).write_text(json.dumps(values))


def _vouch(of: Path) -> None:
    """Let the manifest have the checksums of the files as they are."""
    try:
        values = json.loads((of / MANIFEST).read_text())
        for name in values["files"]:
            values["files"][name] = hashlib.sha256((of / name).read_bytes()).hexdigest()
        (of / MANIFEST).write_text(json.dumps(values))
    except (ValueError, KeyError, TypeError, OSError, RecursionError):  # it is damaged already
        return


def plan(rng: random.Random, bench: Bench) -> None:
    """A run to go on with, whose plan or shards are something else."""
    of = bench.work / "results" / "0007-run-20260101T000000Z.partial"
    unfinished = of / "unfinished"
    unfinished.mkdir(parents=True)
    values: Any = {"schema_version": 1, "kind": "run", "config": asdict(Experiment()), "data": {"iris": "x"}}
    for _ in range(rng.randint(0, 2)):
        at = rng.choice([values, values["config"]]) if isinstance(values.get("config"), dict) else values
        at[rng.choice([*at, "other"])] = rng.choice(VALUES + TEXTS)
    text = json.dumps(values)
    damaged = rng.choice([text, text, text, text[: rng.randrange(len(text))], "[" * 100_000, "null", "\0"])
    (unfinished / "plan.json").write_text(damaged)
    (unfinished / f"unseeded-0000000.{'0' * 16}.parquet").write_bytes(rng.randbytes(9))
    answered([rng.choice(["run", "run", "run", "sweep"]), "--resume", str(of)], rng)


def finish(rng: random.Random, bench: Bench) -> None:
    """A finished run, of hostile names, whose drawing, page, output or telling fails: its numbers stay."""
    out = bench.work / rng.choice(["results", "x[/x]", "$x$", os.fsdecode(b"\xff"), "é", "=1", "a b"])
    whole = bench.made[rng.choice(["run", "sweep"])]
    numbers = {path.name: path.read_bytes() for path in whole.iterdir() if path.name != MANIFEST}
    with recording(out, "run") as recorder:
        for name, content in numbers.items():
            (recorder.folder / name).write_bytes(content)
        recorder.manifest = json.loads((whole / MANIFEST).read_text())
        if isinstance(data := recorder.manifest["data"], dict):
            data["name"] = rng.choice(TEXTS)
    with contextlib.ExitStack() as planted:
        for place, name in rng.sample(DRAWN, rng.randint(0, 2)):
            planted.enter_context(mock.patch.object(place, name, side_effect=rng.choice(FAULTS)))
        planted.enter_context(streams(rng))
        planted.enter_context(patient_streams())
        main_job.present(recorder.finished, ALONE, Telling(quiet=rng.random() < 0.5, as_json=rng.random() < 0.5))
    for name, content in numbers.items():
        if not (recorder.finished / name).is_file() or (recorder.finished / name).read_bytes() != content:
            raise Lost(name)
    if not (recorder.finished / MANIFEST).is_file():
        raise Lost(MANIFEST)


KINDS: dict[str, tuple[Callable[[random.Random, Bench], None], int]] = {  # and how often: the last ones are slow
    "options": (options, 8),
    "absurd sizes": (absurd, 8),
    "CSV files": (csv_file, 8),
    "run folders": (folder, 5),
    "plans": (plan, 3),
    "ends of runs": (finish, 1),
    "subjects": (subject, 1),
    "pipes": (pipe, 1),
}


@contextlib.contextmanager
def streams(rng: random.Random) -> Iterator[io.StringIO]:
    """Give a command an output that works, fails, is closed or says ASCII alone; yield what it says on stderr."""
    ascii_alone = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    out: Any = rng.choice([io.StringIO(), io.StringIO(), Full(), None, ascii_alone])
    err, kept = io.StringIO(), (sys.stdout, sys.stderr)
    sys.stdout, sys.stderr = out, err
    try:
        yield err
    finally:
        sys.stdout, sys.stderr = kept


def answered(words: list[str], rng: random.Random) -> str:
    """Give a command; an answer is a status that is declared, and where it is 2, a line that says why; return those."""
    with streams(rng) as err:
        status = command(words)
    told = err.getvalue()
    assert status in (0, 1, 2, 3), f"status {status}"
    if status == 2:
        assert told.splitlines()[-1].startswith("keras-parity: "), f"status 2, and on stderr {told[-500:]!r}"
        assert max(map(len, told.splitlines())) < 20_000, "a line that nobody reads"
    return told


def ended(number: int, kind: str, seed: int, made: dict[str, Path], turn: int = 0) -> str:
    """Try one input, and say how it ended."""
    rng = random.Random(f"{seed} {kind} {number}")
    place, kept = Path(tempfile.mkdtemp(prefix="fuzz-")), os.getcwd()
    work = place / "a" / "b"  # so that ../.. is inside
    work.mkdir(parents=True)
    os.chdir(work)
    try:
        signal.alarm(PATIENCE)
        os.environ[MARK] = str(place)
        KINDS[kind][0](rng, Bench(made, work, turn))
        if left_running():
            raise Left("processes")
    except (Hang, Lost, Left) as error:
        print(f"\ninput {number}, {kind}: {error!r} {getattr(error, '__notes__', '')}", file=sys.stderr)
        return type(error).__name__.lower()
    except BaseException:  # whatever a command raises, its end included, is what is looked for
        print(f"\ninput {number}, {kind}:", file=sys.stderr)
        traceback.print_exc(limit=-6)
        return "traceback"
    finally:
        signal.alarm(0)
        os.chdir(kept)
        shutil.rmtree(place, ignore_errors=True)
    return "well"


def attack(numbers: Iterator[int], until: float, seed: int, kinds: Sequence[str]) -> dict[str, Counter[str]]:
    """Try inputs until the time is over; return how those of each kind ended."""
    names = [name for name in kinds for _ in range(KINDS[name][1])]
    found: dict[str, Counter[str]] = {name: Counter() for name in kinds}
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as planted:
        out = Path(folder)
        made = {"run": made_run(out).folder, "check": made_check(out).folder, "sweep": made_sweep(out).folder}
        planted.enter_context(mock.patch("compare.commands.main_job.perform", side_effect=Reached(REACHED)))
        planted.enter_context(mock.patch("compare.check.subject.drivers.Isolated", Unmet))
        for number in numbers:
            if time.monotonic() > until:
                break
            cycle, at = divmod(number, len(names))
            turn = cycle * names.count(names[at]) + names[:at].count(names[at])
            found[names[at]][ended(number, names[at], seed, made, turn)] += 1
    return found


def _hang(number: int, frame: FrameType | None) -> None:
    raise Hang


def main() -> int:
    """Attack, tell, and return 1 if an input was not answered well."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description="Attack the commands.")
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS), metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--input", type=int, help="this one alone, of those of the same kinds")
    given = parser.parse_args()
    signal.signal(signal.SIGALRM, _hang)
    numbers = iter(range(given.inputs) if given.input is None else [given.input])
    found = attack(numbers, time.monotonic() + given.seconds, given.seed, given.only)
    columns = ("well", "traceback", "hang", "lost", "left")
    print(f"{'':14}{'tried':>10}" + "".join(f"{name:>10}" for name in columns))
    for kind, counts in (*found.items(), ("all", sum(found.values(), Counter()))):
        print(f"{kind:14}{counts.total():>10}" + "".join(f"{counts[name]:>10}" for name in columns))
    return int(any(counts[name] for counts in found.values() for name in columns[1:]))


if __name__ == "__main__":
    sys.exit(main())
