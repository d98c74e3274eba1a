import shutil
import subprocess
from pathlib import Path

import pytest

from compare.commands.app import app, main
from compare.commands.completion import script

ROOT = Path(__file__).resolve().parents[3]
SOURCE = "raise SystemExit\n\n\nclass Net:\n    inner = 1\n\n\ndef make(): ...\n\n\n_own = ready = Net\n"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "net.py").write_text(SOURCE)
    (tmp_path / "nets" / "broken.py").write_text("def (")
    (tmp_path / "nest.csv").write_text("a,b\n")
    (tmp_path / ".hidden.csv").write_text("a,b\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def offered(capsys, *words):
    """What the program answers a shell that completes the last of these words."""
    assert main(["__complete", *words]) == 0
    return capsys.readouterr().out.split("\x1fbegin\n")[1].splitlines()


NETS = ["nets/net.py:Net", "nets/net.py:make", "nets/net.py:ready"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["check", "ne"], ["nets/"]),
        (["check", "nets/"], NETS),
        (["check", "nets/net.py:"], NETS),
        (["check", "nets/net.py:Ne"], NETS),
        (["check", "none/"], []),
        (["check", "nets/net.py:Net", "--reference", "nets/n"], NETS),
        (["check", "nets/net.py:Net", "--data", "w"], ["iris", "wine", "breast_cancer", "digits", "diabetes"]),
        (["check", "nets/net.py:Net", "--out", "ne"], ["nest.csv", "nets/"]),
        (["check", "nets/net.py:Net", "--dtype", "f"], ["float64", "float32"]),
        (["check", "nets/net.py:Net", "--steps", ""], []),
        (["show", "ne"], ["nest.csv", "nets/"]),
    ],
)
def test_an_argument_is_offered_what_it_may_be_and_no_file_is_run(capsys, words, found):
    assert offered(capsys, *words) == found


@pytest.mark.parametrize("command", ["run", "sweep", "check"])
def test_data_sets_and_csv_files_are_offered(capsys, command):
    found = offered(capsys, command, *(["net.py:Net"] if command == "check" else []), "--data", "")
    assert found == ["iris", "wine", "breast_cancer", "digits", "diabetes", "nest.csv", "nets/"]


@pytest.fixture(scope="module")
def in_bash():
    return script(app, "bash")


def test_a_shells_completion_is_printed_and_nothing_is_installed(capsys, here, monkeypatch):
    monkeypatch.setenv("HOME", str(here))
    before = sorted(here.rglob("*"))
    assert main(["completion", "fish"]) == 0
    assert "complete -c keras-parity" in capsys.readouterr().out
    assert main(["--install-completion"]) == 2
    assert sorted(here.rglob("*")) == before


def completed(text, folder, words, answer):
    """What bash completes to by this script, where the program offers this answer; and what the program was asked."""
    (folder / "completion").write_text(text)
    program = folder / "keras-parity"
    program.write_text(f"#!/bin/sh\nprintf '\\037begin\\n{answer}\\n'\nprintf '%s ' \"$@\" >{folder}/asked\n")
    program.chmod(0o755)
    quoted = " ".join(f"'{word}'" for word in words)
    code = (
        f"PATH={folder}:$PATH; . {folder}/completion; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; "
        "_keras_parity_joined; echo ${COMPREPLY[*]}; complete -p keras-parity"
    )
    bash = shutil.which("bash")
    assert bash, "the completion of bash is tested in bash"
    done = subprocess.run([bash, "--norc", "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    found, registered = done.stdout.splitlines()
    assert registered == "complete -F _keras_parity_joined keras-parity"
    return found, (folder / "asked").read_text().split()


def test_in_bash_a_name_behind_a_colon_is_completed(in_bash, here):
    words = ["keras-parity", "check", "nets/net.py", ":", "Ne"]
    found, asked = completed(in_bash, here, words, "\\n".join(NETS))
    assert asked == ["__complete", "check", "nets/net.py:Ne"]
    assert found == "Net"
    found, _ = completed(in_bash, here, words[:-1], "\\n".join(NETS))
    assert found == "Net make ready"


def test_in_bash_an_option_behind_a_target_is_completed(in_bash, here):
    words = ["keras-parity", "check", "nets/net.py", ":", "Net", "--data", "i"]
    found, asked = completed(in_bash, here, words, "iris\\nwine")
    assert asked == ["__complete", "check", "nets/net.py:Net", "--data", "i"]
    assert found == "iris"
