"""What README and docs say works: every Python block runs, every command is one that the tool has."""

import re
import shlex
from pathlib import Path

import pytest

from compare import record
from compare.cli import app

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "results" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(language):
    """Each fenced block of a language, with where it stands."""
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for found in re.finditer(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            line = text[: found.start()].count("\n") + 1
            yield pytest.param(found[1], id=f"{document.relative_to(ROOT)}:{line}")


def commands():
    """Each line of shell that calls the tool."""
    for block in blocks("sh"):
        for line in block.values[0].splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["keras-parity"]:
                yield pytest.param(words[1:], id=f"{block.id} {' '.join(words[1:3])}")


@pytest.mark.parametrize("code", [*blocks("python")])
def test_a_python_block_runs(code, keras_parity, monkeypatch):
    monkeypatch.chdir(ROOT)
    names = {"__name__": "document"}
    exec(compile(code, "document", "exec"), names)
    for name, function in names.items():
        if name.startswith("test_"):
            function(keras_parity)


@pytest.mark.parametrize("words", [*commands()])
def test_a_command_is_one_that_the_tool_has(words):
    if "--help" not in words:
        app.parse_args(words, exit_on_error=False, print_error=False)


def test_a_command_that_it_does_not_have_is_seen():
    with pytest.raises(Exception, match="--replicate"):
        app.parse_args(["run", "--replicate", "3"], exit_on_error=False, print_error=False)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_link_inside_the_project_leads_somewhere(document):
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", text):
        assert (document.parent / target).exists(), target


def test_the_committed_reference_run_is_whole_and_holds_parity():
    run = record.read(ROOT / "results" / "reference")
    assert run.manifest["verdicts"]["passed"]
    assert run.manifest["command"] == "keras-parity run", "the defaults"
    assert run.manifest["code"]["dirty"] is False
