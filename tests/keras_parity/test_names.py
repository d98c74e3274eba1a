"""What users import: every name is there, for completion and type checkers too, and costs nothing until used."""

import ast
import inspect
import subprocess
import sys
from typing import Any

import pytest

import compare
import keras_parity

NAMES = vars(keras_parity)["__all__"]


def test_every_name_can_be_imported_and_is_completed():
    assert sorted(NAMES) == dir(keras_parity)
    for name in NAMES:
        assert getattr(keras_parity, name) is getattr(compare, name)
        assert name in dir(compare)


def test_type_checkers_read_what_is_imported():
    (choice,) = [node for node in ast.parse(inspect.getsource(compare)).body if isinstance(node, ast.If)]
    assert ast.unparse(choice.test) == "TYPE_CHECKING"
    names: dict[str, Any] = {}
    exec(compile(ast.Module(choice.body, []), compare.__file__, "exec"), names)
    typed = {name: value for name, value in names.items() if not name.startswith("_")}
    assert typed == {name: getattr(keras_parity, name) for name in NAMES if name != "__version__"}


@pytest.mark.parametrize("module", [compare, keras_parity])
def test_a_name_that_is_not_there_is_an_error(module):
    name = "chek_parity"
    with pytest.raises(AttributeError, match=f"module '{module.__name__}' has no attribute 'chek_parity'"):
        getattr(module, name)


def test_importing_it_loads_nothing():
    code = (
        "import sys; before = set(sys.modules); import keras_parity, keras_parity.pytest_plugin; "
        "print(sorted({name.partition('.')[0] for name in set(sys.modules) - before} - sys.stdlib_module_names))"
    )
    done = subprocess.run([sys.executable, "-c", f"import pytest; {code}"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['compare', 'keras_parity']"
