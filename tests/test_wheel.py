"""The wheel, in an environment without the checkout, for a project that has our packages' names for its own."""

import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

from compare import __version__

ROOT = Path(__file__).resolve().parents[1]
OWN = ("compare", "scratch_nn", "keras_ref", "results", "tests")
LITTLE = ("--epochs", "2", "--quiet")

OWN_TESTS = """
from importlib import import_module
from pathlib import Path

import pytest

from compare import diff
from net import Network, Wrong

HERE = Path(__file__).parents[1]


@pytest.mark.parametrize("name", {names})
def test_a_package_is_its_own(name):
    assert Path(import_module(name).__file__).is_relative_to(HERE)
    assert diff(3, 1) == 2


def test_ours_is_there_too(keras_parity):
    from keras_parity import check_parity, scratch_nn

    assert ".venv" in Path(scratch_nn.__file__).parts
    assert keras_parity.check(Network).passed
    assert not check_parity(Wrong, steps=2).passed
"""


class Installed(NamedTuple):
    """A project with the wheel in its environment."""

    project: Path
    environment: Path

    def run(self, *words, folder=None, status=0):
        """Run a command of the environment's; return what it printed."""
        variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
        command = [str(self.environment / "bin" / words[0]), *words[1:]]
        done = subprocess.run(command, cwd=folder or self.project, env=variables, capture_output=True, text=True)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout


def build(checkout, folder, *targets):
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    chosen = [word for target in targets for word in ("-t", target)]
    done = subprocess.run([*command, *chosen], cwd=checkout, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of the wheel and the source distribution."""
    return build(ROOT, tmp_path_factory.mktemp("built"), "wheel", "sdist")


@pytest.fixture(scope="module")
def wheel(built):
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    project = tmp_path_factory.mktemp("project")
    for name in OWN:
        (project / name).mkdir()
        (project / name / "__init__.py").touch()
    (project / "compare" / "__init__.py").write_text("def diff(a, b):\n    return a - b\n")
    network = (ROOT / "examples" / "correct.py").read_text(encoding="utf-8")
    own = network.replace("dZ[rows, y] -= 1", "dZ[rows, y] = diff(dZ[rows, y], 1)")
    wrong = "class Wrong(Network):\n    def divisor(self, x):\n        return 1\n"
    (project / "net.py").write_text(f"from compare import diff\n\n{own}\n\n{wrong}", encoding="utf-8")
    (project / "tests" / "test_own.py").write_text(OWN_TESTS.format(names=OWN))
    return Installed(project, environment(project / ".venv", wheel))


def packages(environment):
    (folder,) = environment.glob("lib/python*/site-packages")
    return folder


def environment(folder, wheel):
    """Install the wheel beside the dependencies that this process has, but not beside this checkout."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    own = packages(folder)
    for there in map(Path, sys.path):
        for entry in there.iterdir() if there.name.endswith("-packages") else ():
            hidden = entry.suffix == ".pth" or "keras_parity" in entry.name or entry.name == "__pycache__"
            if not hidden and not (own / entry.name).exists():
                (own / entry.name).symlink_to(entry)
    python = str(folder / "bin" / "python")
    offline = ["--no-deps", "--no-index", "--quiet", "--disable-pip-version-check"]
    subprocess.run([python, "-I", "-m", "pip", "install", *offline, str(wheel)], check=True)
    starts = f"#!{python}\nimport sys\nfrom pytest import console_main\nsys.exit(console_main())\n"
    (folder / "bin" / "pytest").write_text(starts)
    (folder / "bin" / "pytest").chmod(0o755)
    return folder


def test_it_adds_one_import_name(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names} == {"keras_parity", f"keras_parity-{__version__}.dist-info"}
    assert "keras_parity/py.typed" in names
    there = {path.relative_to(ROOT).as_posix() for name in OWN[:3] for path in (ROOT / name).rglob("*.*")}
    placed = {name.removeprefix("keras_parity/") for name in names if name.split("/")[1] in OWN[:3]}
    assert placed == {path for path in there if "__pycache__" not in path}


def test_on_a_package_index_every_link_leads_into_the_repository(wheel):
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"keras_parity-{__version__}.dist-info/METADATA").decode()
    links = re.findall(r"(!?)\[[^\]]*\]\(([^)#]+)", text)
    ours = {"": "https://github.com/keras-parity/keras-parity/blob/main/"}
    ours["!"] = "https://raw.githubusercontent.com/keras-parity/keras-parity/main/"
    inside = [target.removeprefix(ours[image]) for image, target in links]
    assert len([each for each in inside if (ROOT / each).exists()]) == len(links) > 10
    assert "docs/lines.png" in inside
    assert all(target.startswith("https://") for _, target in links)


def test_the_source_distribution_gives_the_same_wheel(built, wheel, tmp_path):
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    (again,) = build(folder, tmp_path / "again", "wheel").glob("*.whl")
    assert again.read_bytes() == wheel.read_bytes()


def test_only_the_wheel_is_installed(installed, tmp_path):
    code = (
        "import importlib.util, json, keras_parity; from importlib.metadata import distributions; "
        f"print(json.dumps([keras_parity.__file__, [importlib.util.find_spec(name) is None for name in {OWN[:3]}], "
        "[str(each.locate_file('')) for each in distributions(name='keras-parity')]]))"
    )
    file, missing, places = json.loads(installed.run("python", "-c", code, folder=tmp_path))
    assert Path(file).is_relative_to(installed.environment)
    assert all(missing), "the packages are not on the path by their own names"
    assert [Path(place).is_relative_to(installed.environment) for place in places] == [True]


def test_a_project_s_tests_run_with_its_own_packages_and_our_fixture(installed):
    quietly = ("-q", "-p", "no:cacheprovider")
    printed = installed.run("python", "-m", "pytest", *quietly, "--parity-steps", "2")
    assert f"{len(OWN) + 1} passed" in printed
    printed = installed.run("pytest", *quietly, "-k", "its_own")  # which does not put the folder on the path
    assert f"{len(OWN)} passed" in printed


def test_a_check_runs_where_the_subject_imports_packages_of_its_own(installed, tmp_path):
    subject = str(installed.project / "net.py")
    check = ("keras-parity", "check", "--steps", "2", "--no-record")
    assert installed.run(*check, f"{subject}:Wrong", folder=tmp_path, status=1).startswith("NOT PARITY: ")
    assert not installed.run(*check, "net.py:Netwrok", status=2)


def test_a_run_and_a_sweep_work_from_any_folder(installed, tmp_path):
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    for words in (("init", "--quiet"), (*who, "commit", "--quiet", "--allow-empty", "-m", "The user's own")):
        subprocess.run(["git", *words], cwd=packages(installed.environment), check=True)
    one = ("--only", "matched", "--pairs", "1", "--layers", "3", "--dtype", "float64")
    installed.run("keras-parity", "run", "--quick", *one, *LITTLE, folder=tmp_path)
    cells = ("--data", "iris", "--layers", "4", "--batch-sizes", "0", "--seeds", "0", "--modes", "matched")
    one_of_each = ("--initializers", "uniform", "--learning-rates", "0.01", "--dtypes", "float64")
    installed.run("keras-parity", "sweep", "--workers", "2", *cells, *one_of_each, *LITTLE, folder=tmp_path)
    runs = sorted((tmp_path / "results").iterdir())
    assert [path.name.split("-")[1] for path in runs] == ["run", "sweep"]
    for path in runs:
        code = json.loads((path / "manifest.json").read_text(encoding="utf-8"))["code"]
        assert code == {"version": __version__, "commit": None, "dirty": None}, "not the user's commit"
