"""Who may import whom is enforced: an import against the contracts of `.importlinter` is found."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


@pytest.fixture
def checkout(tmp_path):
    """A copy of what the contracts are about."""
    for package in ("keras_parity", "compare", "scratch_nn", "keras_ref"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    return tmp_path


def lint(checkout):
    done = subprocess.run(
        [sys.executable, "-P", "-c", LINT, "--no-cache"], cwd=checkout, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def test_the_contracts_are_kept(checkout):
    status, output = lint(checkout)
    assert status == 0, output


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("compare/recipe/recipe.py", "import compare.experiments.matched", "The ladder of compare"),
        ("compare/show/page/page.py", "from compare.check import planning", "The ladder of compare"),
        ("compare/errors.py", "from keras_parity import load", "The front"),
        ("scratch_nn/losses.py", "import keras_ref.model", "The front"),
        ("scratch_nn/checks.py", "import scratch_nn.network", "No circles"),
    ],
)
def test_an_upward_import_is_found(module, line, contract, checkout):
    path = checkout / module
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    status, output = lint(checkout)
    assert status == 1, output
    assert any(row.startswith(contract) and " BROKEN" in row for row in output.splitlines()), output
