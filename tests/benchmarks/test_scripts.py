"""Every script can be started: what it imports is there, also what it starts other processes with."""

import importlib
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = "benchmarks|compare|examples|keras_parity|keras_ref|scratch_nn|tests"
SCRIPTS = sorted(path for path in (ROOT / "benchmarks").glob("*.py") if not path.stem.startswith("__"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_it_is_imported_and_says_what_it_takes(path, monkeypatch, capsys):
    module = importlib.import_module(f"benchmarks.{path.stem}")
    assert module.__doc__
    if hasattr(module, "main"):
        monkeypatch.setattr(sys, "argv", [path.stem, "--help"])
        with pytest.raises(SystemExit) as ended:
            module.main()
        assert ended.value.code == 0
        assert capsys.readouterr().out.startswith("usage:")


def missing(text):
    """The modules of ours that a text imports from, in strings too, and that are not there."""
    named = re.findall(rf"\b(?:from|import) ((?:{OURS})(?:\.\w+)*)", text)
    return [
        name for name in named if not any((ROOT / f"{name.replace('.', '/')}{end}").exists() for end in ("", ".py"))
    ]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_what_it_imports_elsewhere_is_there(path):
    assert missing(path.read_text(encoding="utf-8")) == []


def test_what_is_gone_is_seen():
    assert missing('code = "from compare.cli import main; import compare.errors"') == ["compare.cli"]
