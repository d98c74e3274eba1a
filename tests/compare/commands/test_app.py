"""The command line: bad input is told in one line, with status 2, before TensorFlow is imported or anything written."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from compare.commands.app import main

ROOT = Path(__file__).resolve().parents[3]
GOOD_ROWS = "\n".join(f"{i},{i / 7},{i % 3 / 3},{'abc'[i % 3]}" for i in range(12))


@pytest.fixture
def file(tmp_path):
    """Write a CSV file and return its path."""

    def write(text):
        path = tmp_path / "flowers.csv"
        path.write_text(text)
        return str(path)

    return write


def refused(capsys, out, *arguments):
    """The one line that a refused command prints; nothing may be written."""
    assert main([*arguments, "--out", str(out)] if "--out" not in arguments else list(arguments)) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert not out.exists()
    assert printed.err.startswith("keras-parity: ")
    assert printed.err.count("\n") == 1
    return printed.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--epochs", "0"], "`epochs` must be a positive integer. Received: 0"),
        (["--epochs", "-3"], "`epochs` must be a positive integer. Received: -3"),
        (["--epochs", "many"], "--epochs"),
        (["--epochs", "1.5"], 'Invalid value for --epochs: unable to convert "1.5" into int'),
        (["--epochs", "1" + "0" * 30], "`epochs` must be at most 1000000000000"),
        (["--replicates", "1" + "0" * 9], "by a rough estimate; ask for less, or say --at-any-cost"),
        (["--batch-size", "0"], "`batch_size` must be a positive integer. Received: 0"),
        (["--layers", "6", "-10", "3"], "`layers` must be positive integers. Received: -10"),
        (["--layers", "6", "10", "4"], "`layers` must end in the number of classes of iris, 3. Received: 6 10 4"),
        (["--learning-rate", "0"], "`learning_rate` must be a positive number. Received: 0"),
        (["--learning-rate", "-0.1"], "`learning_rate` must be a positive number. Received: -0.1"),
        (["--dtype", "float46"], 'Did you mean "float64"?'),
        (["--learning-rat", "1"], "Did you mean --learning-rate?"),
        (["--replicates", "1"], "`replicates` must be at least 2 where runs are compared. Received: 1"),
        (["here"], "every other argument must belong to an option. Received: here; see --help"),
        (["--data", "irsi"], "iris"),
        (["--data", "missing.csv"], "missing.csv"),
        (["--data", "."], "director"),
    ],
)
def test_a_bad_argument(capsys, tmp_path, arguments, told):
    assert told in refused(capsys, tmp_path / "results", "run", *arguments)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "empty"),
        ("index,length,width,kind\n", "header"),
        (f"index,length,width,kind\n{GOOD_ROWS}\n12,long,0,a\n", "length"),
        (f"index,length,width,kind\n{GOOD_ROWS}\n12,nan,0,a\n", "length"),
        (f"index,length,width,kind\n{GOOD_ROWS}\n12,1,inf,a\n", "width"),
        ("index,length,kind\n0,1,a\n1,2,a\n", "class"),
        ("kind\na\nb\n", "column"),
    ],
)
def test_a_bad_file(capsys, tmp_path, file, text, told):
    line = refused(capsys, tmp_path / "results", "run", "--data", file(text))
    assert told in line
    if "12," in text:
        assert "14" in line, "the line of the file is named"


@pytest.mark.parametrize("value", ["0.1", "nan", "1e300", "1e7"])
def test_a_memory_limit_that_no_machine_has(capsys, tmp_path, value):
    line = refused(capsys, tmp_path / "results", "check", "examples/correct.py:Network", "--memory-limit", value)
    assert "`memory_limit` must be a number of gigabytes" in line


def test_an_output_folder_that_cannot_be_written(capsys, tmp_path):
    taken = tmp_path / "taken"
    taken.write_text("a file, not a folder")
    line = refused(capsys, tmp_path / "results", "run", "--out", str(taken / "results"))
    assert "`out` must be a folder that can be written to" in line


def test_a_path_that_the_system_refuses(capsys):
    assert main(["list", "--out", "x" * 5000]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("keras-parity: a path must be one that can be used. Received: xxx")
    assert printed.err.count("\n") == 1


def test_a_mistyped_command(capsys, tmp_path):
    assert main(["rnu"]) == 2
    assert 'Did you mean "run"?' in capsys.readouterr().err


def test_an_interrupt_ends_with_one_line(capsys, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("compare.data.dataset.load", interrupted)
    assert main(["run"]) == 130
    assert capsys.readouterr().err == "keras-parity: interrupted; nothing was kept\n"


@pytest.mark.parametrize("command", ["run", "sweep"])
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_asks_a_command_to_end_ends_it_cleanly_and_it_says_how_to_go_on(
    capsys, monkeypatch, tmp_path, command, ending
):
    def asked(job, recorder, *_):
        recorder.shards["one"] = pd.DataFrame({"replicate": [0]})
        signal.raise_signal(ending)

    monkeypatch.setattr("compare.commands.main_job.perform", asked)
    usual = signal.default_int_handler if ending == signal.SIGINT else signal.SIG_DFL
    before = signal.signal(ending, usual)  # a job in the background ignores interrupts
    try:
        assert main([command, "--out", str(tmp_path)]) == 128 + ending
        assert signal.getsignal(ending) is usual
    finally:
        signal.signal(ending, before)
    (folder,) = tmp_path.iterdir()
    told = f"keras-parity: interrupted; what is finished is kept: keras-parity {command} --resume {folder}\n"
    assert capsys.readouterr().err == told


def test_it_ends_with_the_status_of_its_signal_whatever_python_was_doing():
    # Python itself ends by SIGINT if a plain KeyboardInterrupt left `exec` of a text, as it may in any import.
    code = (
        "from compare.commands import app; app.app = lambda *_, **__: exec('import signal; signal.raise_signal(15)'); "
    )
    ended = subprocess.run(
        [sys.executable, "-c", code + "app.script([])"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 128 + signal.SIGTERM, ended.stderr


def test_what_is_ignored_stays_ignored(monkeypatch):
    monkeypatch.setattr("compare.data.dataset.load", lambda *_, **__: signal.raise_signal(signal.SIGHUP))
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup has it
    try:
        with pytest.raises(AttributeError):  # nothing was loaded
            main(["run"])
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_check_that_is_asked_to_end_closes_its_subject(capsys, monkeypatch):
    closed = []

    class Driver:
        def __init__(self, *_):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            closed.append(self)

    monkeypatch.setattr("compare.check.subject.drivers.Isolated", Driver)
    monkeypatch.setattr("compare.check.parity_check.check_driver", lambda *_: signal.raise_signal(signal.SIGTERM))
    assert main(["check", "examples/correct.py:Network", "--no-record"]) == 128 + signal.SIGTERM
    assert len(closed) == 1
    assert capsys.readouterr().err == "keras-parity: interrupted; nothing was kept\n"


def test_an_interrupt_that_a_library_turns_into_another_error_is_one_all_the_same(capsys, monkeypatch):
    def swallowing(*_, **__):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise TypeError("failed to convert") from None

    monkeypatch.setattr("compare.data.dataset.load", swallowing)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores interrupts
    try:
        assert main(["run"]) == 130
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().err == "keras-parity: interrupted; nothing was kept\n"


def test_other_errors_are_not_hidden(monkeypatch):
    def broken(*_, **__):
        raise TypeError("a bug")

    monkeypatch.setattr("compare.data.dataset.load", broken)
    with pytest.raises(TypeError, match="a bug"):
        main(["run"])


HEAVY = {"tensorflow", "keras", "sklearn", "scipy", "pandas", "pyarrow", "loky", "matplotlib", "jinja2"}


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (["--help"], 0),
        (["run", "--help"], 0),
        (["sweep", "--help"], 0),
        (["check", "--help"], 0),
        (["run", "--epochs", "0"], 2),
        (["run", "--epoch", "3"], 2),
        (["sweep", "--layers", "6-x"], 2),
        (["check", "missing.py:Network"], 2),
        (["check", "examples/correct.py:Network", "--steps", "1"], 2),
        (["list", "--newest", "0"], 2),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_help_and_bad_arguments_are_answered_without_anything_heavy(command, status):
    main_of_tool = "import sys; from compare.commands.app import main; sys.exit(main(sys.argv[1:]))"
    code = [sys.executable, "-X", "importtime", "-c", main_of_tool, *command]
    done = subprocess.run(code, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == status, done.stderr
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time")}
    assert "cyclopts" in imported, "the listing was read"
    assert not {name.partition(".")[0] for name in imported} & HEAVY


def test_importing_the_scratch_network_imports_nothing_else():
    code = "import sys, json, scratch_nn; print(json.dumps([name for name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert "numpy" in loaded
    assert not loaded & {"tensorflow", "keras", "pandas", "sklearn", "matplotlib", "scipy", "compare", "keras_ref"}


def test_the_script_is_the_command_run():
    done = subprocess.run(
        [sys.executable, "compare/run_all.py", "--epochs", "0"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (done.returncode, done.stderr) == (2, "keras-parity: `epochs` must be a positive integer. Received: 0\n")
