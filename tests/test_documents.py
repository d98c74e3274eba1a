"""What README and docs say works: every Python block and every command runs, every link leads somewhere."""

import re
import shlex
import shutil
from inspect import signature
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import keras_parity
from compare.commands import main_job
from compare.commands.app import app, main
from compare.faults import FAULTS
from compare.pytest_plugin import KerasParity
from compare.runs import record
from compare.show.figures import drawing
from compare.work import engine
from compare.work.companion import ALONE
from tests.compare.runs.made_run import made_run

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "results" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def name(path):
    return str(path.relative_to(ROOT))


def blocks(document, language):
    return fenced(document.read_text(encoding="utf-8"), language)


def fenced(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands():
    """Each line of shell that calls the tool, once."""
    lines = [line for document in DOCUMENTS for block in blocks(document, "sh") for line in block.splitlines()]
    words = [shlex.split(line, comments=True) for line in lines]
    return sorted({tuple(each[1:]) for each in words if each[:1] == ["keras-parity"]})


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """A folder as a reader has it: the examples, submissions, a CSV file, one finished run."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    for student in ("anna", "ben"):
        (tmp_path / "submissions" / student).mkdir(parents=True)
        shutil.copy(ROOT / "examples" / "correct.py", tmp_path / "submissions" / student / "net.py")
    flowers = pd.DataFrame({"length": range(40), "width": [1.0, 3.0, 2.0, 5.0] * 10, "kind": ["a", "b"] * 20})
    flowers.to_csv(tmp_path / "flowers.csv", index=False)
    made_run(tmp_path / "results", parts=("matched",))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_the_python_blocks_run_one_after_the_other(document, workplace, monkeypatch):
    few = KerasParity({"steps": 2})  # as with --parity-steps: what is checked at length has its own tests
    assert keras_parity.check_parity.__kwdefaults__ is not None
    monkeypatch.setitem(keras_parity.check_parity.__kwdefaults__, "steps", 4)
    names: dict[str, Any] = {"__name__": "document"}
    for code in blocks(document, "python"):
        exec(compile(code, str(document), "exec"), names)
        for test in re.findall(r"^def (test_\w+)", code, re.MULTILINE):
            names[test](few)


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_a_command_runs(words, workplace, monkeypatch):
    if "--help" in words:
        assert main(words) == 0
    elif words[0] in ("run", "sweep"):  # with its options, on these data; the training itself has its own tests
        monkeypatch.setattr(main_job, "perform", lambda *_: (0, ALONE))
        monkeypatch.setattr(main_job, "present", lambda *_: None)
        monkeypatch.setattr(engine, "ready", lambda _: None)  # there is no cluster here
        assert main(words) == 0
    else:
        monkeypatch.setattr(drawing, "figures", lambda *_: {})  # nor again drawn
        few = ("--steps", "2") if words[0] == "check" else ()
        assert main([*words, *few]) in (0, 1), "2 is bad input"


def test_a_command_that_it_does_not_have_is_seen():
    with pytest.raises(Exception, match="--replicate"):
        app.parse_args(["run", "--replicate", "3"], exit_on_error=False, print_error=False)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_a_link_inside_the_project_leads_somewhere(document):
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", text):
        assert (document.parent / target).exists(), target


def test_every_fact_about_keras_names_its_test_and_every_test_has_its_fact():
    told = re.findall(r"`(test_\w+)`", (ROOT / "docs" / "what-fit-prints.md").read_text(encoding="utf-8"))
    tests = (ROOT / "tests" / "parity" / "test_keras_conventions.py").read_text(encoding="utf-8")
    assert sorted(told) == sorted(re.findall(r"^def (test_\w+)", tests, re.MULTILINE))


TEST = re.compile(r"`(test_\w+)`(?: in \[(test_\w+\.py)\]\(([^)]+)\))?")


def test_every_difference_by_design_names_tests_that_there_are_and_its_own_tests_are_all_told():
    page = ROOT / "docs" / "by-design.md"
    own = page.parent / "../tests/parity/test_by_design.py"
    rows = [line for line in page.read_text(encoding="utf-8").splitlines() if re.match(r"\| (?!about|---)", line)]
    assert rows
    told = []
    for row in rows:
        named = TEST.findall(row)
        assert named, row
        for name, _, place in named:
            file = page.parent / place if place else own
            assert re.search(rf"^def {name}\(", file.read_text(encoding="utf-8"), re.MULTILINE), name
            told += [] if place else [name]
    assert sorted(told) == sorted(re.findall(r"^def (test_\w+)", own.read_text(encoding="utf-8"), re.MULTILINE))


def test_the_citation_is_of_this_version():
    told = dict(re.findall(r"^([\w-]+): (.+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE))
    assert told["version"] == keras_parity.__version__
    assert told["cff-version"] == "1.2.0"
    assert {"message", "title", "license", "repository-code"} <= set(told)


def sections():
    """Of the page on the public names: each one's name and text."""
    parts = re.split(r"^### `(\w+)`\n", (ROOT / "docs" / "api.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_public_name_has_its_section_and_its_example():
    assert sorted(sections()) == dir(keras_parity)
    for title, text in sections().items():
        assert any(title in code for code in fenced(text, "python")), title


@pytest.mark.parametrize("title", sorted(sections()))
def test_a_signature_in_the_docs_is_the_code_s(title):
    written = fenced(sections()[title], "py")
    if not written:
        assert title in ("Dataset", "InputError", "Report", "__version__"), "nothing that users call"
        return
    names: dict[str, Any] = {}
    exec(f"def {written[0].strip()}: pass", names)
    told, real = (list(signature(of).parameters.values()) for of in (names[title], getattr(keras_parity, title)))
    assert [(each.name, each.kind) for each in told] == [(each.name, each.kind) for each in real]
    for one, other in zip(told, real, strict=True):
        assert one.default == other.default or one.default is ..., one.name


def test_every_fault_is_listed():
    text = (ROOT / "docs" / "your-own-network.md").read_text(encoding="utf-8")
    rows = re.search(r"\| where \| bug \|\n.*?\n((?:\|.*\n)+)", text)
    assert rows is not None
    listed = [name for row in rows[1].splitlines() for name in row.split("|")[2].strip().split("; ")]
    assert sorted(listed) == sorted(FAULTS)


def test_the_committed_reference_run_is_whole_and_holds_parity():
    run = record.read(ROOT / "results" / "reference")
    assert run.manifest["verdicts"]["passed"]
    assert run.manifest["command"] == "keras-parity run --replicates 1000", "the defaults"
    assert run.manifest["code"]["dirty"] is False
