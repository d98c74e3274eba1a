from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import datasets
from sklearn.preprocessing import LabelEncoder

from compare.data.dataset import NAMES, REGRESSION, Dataset, load
from compare.errors import InputError

FINITE = st.floats(allow_nan=False, allow_infinity=False)
# Names, not numbers: the outer letters keep spaces inside, and "nan" or "1e5" from coming up.
CLASS_NAMES = st.text(st.characters(codec="utf-8"), max_size=8).map(lambda text: f"k{text}k")
in_tmp_path = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def _write(text: str | bytes, name: str = "plants.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return _write


def refusal(source: Any, **options: bool) -> str:
    """The one line that `load` refuses the source with."""
    with pytest.raises(InputError) as caught:
        load(source, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("`")
    return message


@pytest.mark.parametrize(
    ("name", "shape", "classes"),
    [
        ("iris", (150, 4), 3),
        ("wine", (178, 13), 3),
        ("breast_cancer", (569, 30), 2),
        ("digits", (1797, 64), 10),
    ],
)
def test_a_named_data_set_is_scikit_learns(name: str, shape: tuple[int, int], classes: int) -> None:
    data = load(name)
    bunch = getattr(datasets, f"load_{name}")()
    np.testing.assert_array_equal(data.X, bunch.data, strict=True)
    np.testing.assert_array_equal(data.y, bunch.target)
    assert (data.n, data.n_features) == data.X.shape == shape
    assert data.n_classes == classes == len(data.class_names)
    assert data.feature_names == tuple(bunch.feature_names)
    assert data.name == name
    assert not data.standardised


def test_iris_keeps_its_names() -> None:
    data = load("iris")
    assert data.class_names == ("setosa", "versicolor", "virginica")
    assert data.feature_names[0] == "sepal length (cm)"
    assert repr(data) == "Dataset('iris', n=150, n_features=4, n_classes=3)"


def test_diabetes_is_scikit_learns_and_its_target_is_values() -> None:
    data, bunch = load("diabetes", values=True), datasets.load_diabetes()
    np.testing.assert_array_equal(data.X, bunch.data, strict=True)
    np.testing.assert_array_equal(data.y, bunch.target, strict=True)
    assert data.feature_names == tuple(bunch.feature_names)
    assert (data.targets, data.n_classes, data.class_names) == ("values", 0, ())
    assert repr(data) == "Dataset('diabetes', n=442, n_features=10)"
    scaled = load("diabetes", values=True, standardise=True)
    assert [scaled.y.mean(), scaled.y.std()] == pytest.approx([0, 1], abs=1e-14)
    assert refusal("diabetes") == "`data` must have classes as its target. Received: diabetes, whose target is values"


def test_a_target_that_holds_a_fraction_is_values_where_they_may_be(write: Any) -> None:
    path = write("id,a,price\n0,1,0.5\n1,2,1.5\n2,3,1.5\n3,4,0.5\n")
    assert load(path, values=True).y.tolist() == [0.5, 1.5, 1.5, 0.5]
    assert load(path).class_names == ("0.5", "1.5")
    assert load((np.ones((30, 1)), np.arange(30) + 0.5), values=True).targets == "values"
    whole = load((np.ones((30, 1)), np.arange(30) // 10), values=True)
    assert (whole.targets, whole.n_classes) == ("classes", 3)
    assert "like a regression" in refusal((np.ones((30, 1)), np.arange(30) + 0.5))


@pytest.mark.parametrize(
    ("y", "loss", "outputs", "expected"),
    [
        ([0, 0, 1, 2], "categorical_crossentropy", 3, 1.5 * np.log(2)),
        ([0, 0, 1, 1], "binary_crossentropy", 1, np.log(2)),
        ([0, 0, 1, 1], "binary_crossentropy", 2, np.log(2)),
        ([0, 0, 1, 1], "mean_squared_error", 2, 0.25),
        ([0.5, 2.5], "mean_squared_error", 1, 1.0),
    ],
)
def test_the_loss_of_chance_is_that_of_predicting_the_mean(
    y: list[float], loss: str, outputs: int, expected: float
) -> None:
    assert load((np.ones((len(y), 1)), y), values=True).chance_loss(loss, outputs) == pytest.approx(expected)


def test_every_name_loads() -> None:
    assert [load(name, values=True).name for name in REGRESSION] == ["diabetes"]
    assert [load(name).name for name in NAMES] == ["iris", "wine", "breast_cancer", "digits"]


def test_a_csv_file_is_read_as_the_article_reads_it(write: Any) -> None:
    iris = datasets.load_iris(as_frame=True)
    frame = iris.data.assign(species=iris.target_names[iris.target]).iloc[::-1].reset_index(drop=True)
    path = write(frame.to_csv())
    data = load(path)
    table = pd.read_csv(path, index_col=0)
    np.testing.assert_array_equal(data.X, table.iloc[:, :-1].to_numpy(), strict=True)
    encoder = LabelEncoder()
    np.testing.assert_array_equal(data.y, encoder.fit_transform(table["species"]), strict=True)
    assert data.class_names == tuple(encoder.classes_)
    assert data.feature_names == tuple(iris.feature_names)
    assert data.name == "plants.csv"


def test_a_path_as_text_is_a_path(write: Any) -> None:
    path = write("id,a,species\n0,1,x\n1,2,y\n")
    assert load(str(path)).sha256 == load(path).sha256


def test_a_file_named_like_a_data_set_is_reached_as_a_path(
    write: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("id,a,species\n0,1,x\n1,2,y\n", "iris")
    monkeypatch.chdir(tmp_path)
    assert load("iris").n == 150
    assert load("./iris").n == load(Path("iris")).n == 2


@pytest.mark.parametrize(
    ("first", "cells", "told"),
    [
        ("id", "78", "'id' is an index and no feature, being a running number"),
        ("", "83", "'column 1' is an index and no feature, being without a name"),
        ("length", "87", "'length' is a feature, being no running number"),
        ("length", ("0.5", "1.5"), "'length' is a feature, being no running number"),
        ("length", ("1e17", "1e17"), "'length' is a feature, being no running number"),
    ],
)
def test_an_index_is_found_and_what_was_made_of_it_is_said(write: Any, first: str, cells: Any, told: str) -> None:
    path = write(f"{first},a,species\n{cells[0]},1,x\n{cells[1]},2,y\n")
    data = load(path)
    assert data.feature_names == (("a",) if "index" in told else ("length", "a"))
    assert data.first_column == told
    assert data.notes == (f"of plants.csv, {told}; `index_column` (--index-column, --no-index-column) says otherwise",)
    asked = load(path, index_column=False)
    assert asked.feature_names == (first or "column 1", "a")
    assert asked.notes == ()
    np.testing.assert_array_equal(asked.X, [[float(cells[0]), 1.0], [float(cells[1]), 2.0]])
    assert load(path, index_column=True).feature_names == ("a",)


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffid,a,species\n0,1.5,x\n1,2.5,y\n",
        "id,a,species\r\n0,1.5,x\r\n1,2.5,y\r\n",
        "id,a,species\r0,1.5,x\r1,2.5,y",
        "\nid,a,species\n\n0,1.5,x\n   \n1,2.5,y\n\n",
        'id, "a", species\n0, 1.5, "x"\n1, 2.5 ,y \n',
    ],
    ids=["BOM", "CRLF", "CR", "blank lines", "spaces"],
)
def test_the_dialects_of_other_programs_are_the_same_data(write: Any, text: str) -> None:
    plain = load(write("id,a,species\n0,1.5,x\n1,2.5,y\n"), index_column=False)
    assert load(write(text, "other.csv"), index_column=False).sha256 == plain.sha256


def test_an_index_may_be_fractions_or_repeat(write: Any) -> None:
    assert load(write("time,a,species\n0.1,1,x\n0.2,2,y\n"), index_column=True).feature_names == ("a",)
    assert load(write("patient,a,species\n7,1,x\n7,2,y\n"), index_column=True).feature_names == ("a",)


def test_what_is_called_an_index_and_cannot_be_one_is_refused(write: Any) -> None:
    path = write("a,b,c\n5.1,1,x\n4.9,2,y\n5.1,3,y\n")
    assert "repeated fractions in column 'a'" in refusal(path, index_column=True)
    assert load(path).feature_names == ("a", "b")


def test_unnamed_columns_are_numbered_and_others_may_be_numbers(write: Any) -> None:
    assert load(write(",,1,2\n0,5,6,0\n1,5,6,1\n")).feature_names == ("column 2", "1")


@in_tmp_path
@given(
    X=hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=5), elements=FINITE),
    names=st.lists(CLASS_NAMES, min_size=2, max_size=2, unique=True),
    index_column=st.booleans(),
)
def test_a_written_file_reads_back_equal(X: np.ndarray, names: list[str], index_column: bool, tmp_path: Path) -> None:
    path = tmp_path / "written.csv"
    labels = [names[i % 2] for i in range(len(X))]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*["id"] * index_column, *(f"x{j}" for j in range(X.shape[1])), "target"])
        for i, (row, label) in enumerate(zip(X.tolist(), labels, strict=True)):
            writer.writerow([*[i] * index_column, *map(repr, row), label])
    data = load(path, index_column=index_column)
    np.testing.assert_array_equal(data.X, X, strict=True)
    assert data.X.tobytes() == X.tobytes()
    assert [data.class_names[label] for label in data.y] == labels


@pytest.mark.parametrize(
    ("target", "names"),
    [
        (["10", "9", "10", "9"], ("9", "10")),
        (["1.0", "2.0", "1", "2.0"], ("1", "2")),
        (["0.5", "1.5", "0.5", "1.5"], ("0.5", "1.5")),
        (["10", "9", "ten", "9"], ("10", "9", "ten")),
        (["True", "False", "True", "True"], ("False", "True")),
        (["x", "inf", "x"], ("inf", "x")),
        (["1e300", "2.5e300", "1e300", "1e300"], ("1e+300", "2.5e+300")),
        (["NA", "None", "EU", "null"], ("EU", "NA", "None", "null")),
        (["90071992547409930", "90071992547409931"], ("90071992547409930", "90071992547409931")),
    ],
)
def test_class_names_stay_readable(write: Any, target: list[str], names: tuple[str, ...]) -> None:
    path = write("a,target\n" + "".join(f"1,{label}\n" for label in target))
    data = load(path, index_column=False)
    assert data.class_names == names
    assert data.y.dtype == np.int64
    assert [names.index(data.class_names[label]) for label in data.y] == data.y.tolist()


@pytest.mark.parametrize(
    ("target", "cell"),
    [
        (["x", "", "y"], "''"),
        (["x", " ", "y"], "''"),
        (["x", "nan", "y"], "'nan'"),
        (["x", "NaN", "y"], "'NaN'"),
        (["1", "", "2"], "''"),
        (["1", "NA", "2"], "'NA'"),
        (["1.5", "None", "2"], "'None'"),
        (["1", "inf", "2"], "'inf'"),
    ],
)
def test_a_missing_target_is_no_class(write: Any, target: list[str], cell: str) -> None:
    path = write("a,kind\n" + "".join(f"1,{label}\n" for label in target))
    message = refusal(path, index_column=False)
    assert f"Received: {cell} in line 3 of the target column 'kind'" in message


def test_one_class_is_refused(write: Any) -> None:
    assert "two classes. Received: 'x' in every row" in refusal(write("id,a,b\n0,1,x\n1,2,x\n"))


@pytest.mark.parametrize(
    "target", [[0.5, 1, 1.5, 2], np.linspace(0, 1, 30), np.arange(30), [f"id {i}" for i in range(30)]]
)
def test_a_target_of_distinct_values_is_no_classification(target: Any) -> None:
    n = len(target)
    assert f"{n} distinct values in {n} samples" in refusal((np.ones((n, 1)), target))


def test_half_as_many_classes_as_samples_are_allowed() -> None:
    assert load((np.ones((30, 1)), np.arange(30) // 2 + 0.5)).n_classes == 15
    assert load((np.ones((3, 1)), [0, 1, 2])).n_classes == 3


def test_a_missing_file_is_named_and_the_data_sets_listed() -> None:
    message = refusal("plants/tulips.csv")
    assert "Received: 'plants/tulips.csv'" in message
    assert all(name in message for name in NAMES)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("IRIS", "iris"),
        ("irsi", "iris"),
        ("breast-cancer", "breast_cancer"),
        ("digit", "digits"),
        ("wine.csv", "wine"),
    ],
)
def test_a_mistyped_data_set_is_suggested(
    typed: str, meant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert refusal(typed).endswith(f"Received: {typed!r}. Did you mean {meant!r}?")


def test_a_directory_is_refused(tmp_path: Path) -> None:
    assert "Received: a directory" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "an empty file"),
        (" \n\n", "an empty file"),
        ("id,a,species\n", "a header only"),
        ("a\n1\n2\n", "a single column"),
        ("id;a;b\n0;1,5;x\n1;2,5;y\n", "It looks separated by ';'"),
        ("id\ta\tb\n0\t1\tx\n", "It looks separated by '\\t'"),
        ("id,species\n0,x\n1,y\n", "index_column=False (--no-index-column)"),
        ("id,a,b\n0,1,x\n1,2\n", "Received: 2 in line 3"),
        ("id,a,b\n0,1,x\n\n1,2,y,z\n", "Received: 4 in line 4"),
        ('id,a,b\n0,1,"x\n1,2,y\n', "unexpected end of data, from line 2 on"),
        ("id,a,b\n0,one,x\n1,2,y\n", "numeric features. Received: 'one' in column 'a', line 2"),
        (',a,b\n"0\n0",one,x\n1,2,y\n', "Received: 'one' in column 'a', line 2"),
        ('id,a,b\n0,1,"two\nlines"\n1,1_0,y\n', "Received: '1_0' in column 'a', line 4"),
        ("id,a,b\n0,1,x\n1,,y\n", "no empty cells. Received: '' in column 'a', line 3"),
        ("id,a,c,b\n0,1,1,x\n1,1,NA,y\n", "no empty cells. Received: 'NA' in column 'c', line 3"),
        (
            "id,a,b\n0,1,x\n1,nan,y\n",
            "finite numbers and no empty cells. Received: 'nan' in column 'a', line 3",
        ),
        ("id,a,b\n0,-inf,x\n1,1,y\n", "Received: '-inf' in column 'a', line 2"),
        ("id,a,b\n0,1e999,x\n1,1,y\n", "Received: '1e999' in column 'a', line 2"),
        ("0,5.1,3.5,x\n1,4.9,3.0,y\n2,4.7,3.2,y\n", "Received: the number 5.1 as a column"),
        ("0,3,3,x\n1,4,3,y\n2,4,3,y\n", "Received: the number 3 as a column"),
        (b"id,a,b\n0,1,caf\xe9\n", "UTF-8"),
        ("id,a,b\n0,1,x\n".encode("utf-16"), "UTF-8"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(write: Any, text: str | bytes, expected: str) -> None:
    message = refusal(write(text))
    assert expected in message
    assert "plants.csv" in message


def test_an_unreadable_file_is_refused(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = write("id,a,species\n0,1,x\n1,2,y\n")
    monkeypatch.setattr(Path, "open", deny)
    assert refusal(path).endswith("plants.csv': Permission denied")


@pytest.mark.parametrize("source", ["nul\0byte", "x" * 5000 + ".csv"])
def test_an_impossible_path_is_refused(source: str) -> None:
    assert "a readable file" in refusal(source)


@pytest.mark.parametrize("source", [None, 3, ["iris"], np.ones((2, 2))])
def test_a_source_of_another_type_is_refused(source: object) -> None:
    assert "a tuple (X, y). Received: " in refusal(source)


def test_a_refused_file_costs_no_heavy_import(write: Any) -> None:
    script = (
        "import sys\n"
        "from compare.data import load\n"
        "try:\n    load(sys.argv[1])\nexcept ValueError:\n    pass\n"
        "print(*sys.modules.keys() & {'pandas', 'sklearn', 'scipy', 'tensorflow', 'keras', 'matplotlib'})\n"
    )
    path = write("id,a,b\n0,one,x\n")
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@in_tmp_path
@given(
    X=hnp.arrays(
        st.sampled_from([np.dtype(code) for code in ("f8", "f4", "i4", "?", ">f8")]),
        (6, 3),
        elements={"allow_nan": False, "allow_infinity": False},
    ),
    y=st.one_of(
        hnp.arrays(np.int64, 6, elements=st.integers(-3, 3)),
        hnp.arrays(np.float64, 6, elements=st.sampled_from([1.0, 2.0, 5.0])),
        hnp.arrays(object, 6, elements=st.sampled_from(["a", "b", "NA"])),
    ).filter(lambda y: len(set(y)) > 1),
)
def test_arrays_of_any_type_keep_their_values_and_order(X: np.ndarray, y: np.ndarray) -> None:
    data = load((np.asfortranarray(X), y))
    np.testing.assert_array_equal(data.X, X.astype(np.float64), strict=True)
    assert data.X.flags.c_contiguous
    encoder = LabelEncoder()
    np.testing.assert_array_equal(data.y, encoder.fit_transform(y))
    assert list(data.class_names) == [str(int(c)) if isinstance(c, float) else str(c) for c in encoder.classes_]
    assert (data.name, data.feature_names) == ("arrays", ("0", "1", "2"))


def test_arrays_of_objects_and_frames_are_read_for_what_they_hold() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5], "kind": ["x", "y"]})
    data = load((frame[["a", "b"]], frame["kind"]))
    assert data.feature_names == ("a", "b")
    assert data.class_names == ("x", "y")
    mixed = frame.to_numpy()
    np.testing.assert_array_equal(load((mixed[:, :2], mixed[:, 2])).X, data.X, strict=True)
    assert load((mixed[:, :2], np.array([1.0, 2.0], dtype=object))).class_names == ("1", "2")


@pytest.mark.parametrize(
    ("X", "y", "expected"),
    [
        (
            np.ones(4),
            [0, 1, 0, 1],
            "`X` must be of shape (samples, features), both above 0. Received: shape (4,)",
        ),
        (np.ones((2, 2, 2)), [0, 1], "Received: shape (2, 2, 2)"),
        (np.ones((0, 3)), [], "Received: shape (0, 3)"),
        (np.ones((2, 0)), [0, 1], "Received: shape (2, 0)"),
        (np.ones((2, 3)), np.eye(2), "`y` must be of shape (samples,)"),
        (np.ones((2, 3)), 1, "`y` must be of shape (samples,)"),
        (np.ones((2, 3)), [0, 1, 1], "2 samples, 3 labels"),
        ([[1, 2], [3]], [0, 1], "uneven lengths"),
        ([["a"], ["b"]], [0, 1], "`X` must hold real numbers"),
        (np.array([["a"], [1]], dtype=object), [0, 1], "`X` must hold real numbers"),
        (np.ones((2, 1)) * 1j, [0, 1], "Received: dtype complex128"),
        (np.array([["2020-01-01"]] * 2, dtype="M8[D]"), [0, 1], "Received: dtype datetime64[D]"),
        (np.array([[10**400], [1]], dtype=object), [0, 1], "`X` must hold real numbers"),
        ([[1.0, 2.0], [3.0, np.nan]], [0, 1], "Received: nan at X[1, 1]"),
        ([[1.0, -np.inf], [3.0, 4.0]], [0, 1], "Received: -inf at X[0, 1]"),
        ([[1.0, None], [3.0, 4.0]], [0, 1], "Received: nan at X[0, 1]"),
        ([[1.0], [2.0]], [0.0, np.nan], "`y` must label every sample. Received: nan for sample 1"),
        ([[1.0], [2.0]], [0.0, np.inf], "Received: inf for sample 1"),
        ([[1.0], [2.0]], np.array(["a", None], dtype=object), "for sample 1"),
        ([[1.0], [2.0]], np.array(["a", 1], dtype=object), "`y` must have labels of one type"),
        ([[1.0], [2.0]], [5, 5], "`y` must hold at least two classes. Received: '5' in every row"),
    ],
)
def test_bad_arrays_are_refused_in_one_line(X: Any, y: Any, expected: str) -> None:
    assert expected in refusal((X, y))


def test_a_tuple_of_another_length_is_refused() -> None:
    assert "a tuple of length 3" in refusal((np.ones((2, 2)), [0, 1], None))


@pytest.mark.parametrize("standardise", [False, True])
def test_a_data_set_is_read_only_and_not_the_callers_memory(standardise: bool) -> None:
    X, y = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([0, 1])
    data = load((X, y), standardise=standardise)
    before = data.X.copy()
    X[:] = y[:] = 7
    np.testing.assert_array_equal(data.X, before)
    assert data.y.tolist() == [0, 1]
    for values in (data.X, data.y):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 1


@given(
    X=hnp.arrays(np.float64, (5, 2), elements=FINITE),
    place=st.tuples(st.integers(0, 4), st.integers(0, 1)),
    value=FINITE,
)
@in_tmp_path
def test_sha256_changes_exactly_if_a_number_does(X: np.ndarray, place: tuple[int, int], value: float) -> None:
    y = np.array([0, 1, 0, 1, 1])
    changed = X.copy()
    changed[place] = value
    assert (load((X, y)).sha256 == load((changed, y)).sha256) == (X.tobytes() == changed.tobytes())


def test_sha256_knows_labels_names_and_shape() -> None:
    X, y = np.arange(12.0).reshape(6, 2), np.array([0, 1, 0, 1, 0, 1])
    different = [
        (X, y),
        (X, 1 - y),
        (X, np.array(list("abababab"))[:6]),
        (pd.DataFrame(X, columns=["a", "b"]), y),
        (pd.DataFrame(X, columns=["ab", ""]), y),
        (X[:5], y[:5]),
    ]
    assert len({load(pair).sha256 for pair in different}) == len(different)
    assert load((X, y)).sha256 == load((X.astype(">f8"), y.astype(np.int8))).sha256
    assert load((X, y)).sha256 != load((X, y), standardise=True).sha256


def test_sha256_is_that_of_the_documented_bytes() -> None:
    data: Dataset = load("iris")
    head = json.dumps([[150, 4], list(data.feature_names), list(data.class_names)]).encode()
    X, y = data.X.astype("<f8").tobytes(), data.y.astype("<i8").tobytes()
    assert data.sha256 == hashlib.sha256(head + X + y).hexdigest()


def test_sha256_ignores_the_files_name(write: Any) -> None:
    text = "id,a,species\n0,1,x\n1,2,y\n"
    assert load(write(text, "one.csv")).sha256 == load(write(text, "two.csv")).sha256


def test_standardised_features_have_zero_mean_and_unit_variance() -> None:
    data, plain = load("wine", standardise=True), load("wine")
    assert data.standardised
    # 178 terms of magnitude one, summed and divided: a few rounding errors.
    np.testing.assert_allclose(data.X.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(data.X.std(axis=0), 1, rtol=1e-14)
    np.testing.assert_allclose(data.X, (plain.X - plain.X.mean(axis=0)) / plain.X.std(axis=0), rtol=0, atol=1e-13)


def test_a_constant_feature_becomes_zero() -> None:
    X = np.column_stack([np.full(7, 0.1), np.arange(7)])
    assert not load((X, np.arange(7) % 2), standardise=True).X[:, 0].any()


def test_features_too_large_to_standardise_are_refused() -> None:
    assert "finite variance" in refusal((np.array([[1e308], [-1e308]]), [0, 1]), standardise=True)
