"""A table comes back as it was written, and no program that opens it computes a text."""

import string

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compare.phrases import visible
from compare.runs import tables

CELLS = st.text(st.sampled_from(string.printable + "'=+-@é\udcff"), min_size=1, max_size=8).map(visible)


@settings(max_examples=40, deadline=None)
@given(
    texts=st.lists(CELLS.filter(lambda cell: not cell.isspace()), min_size=1, max_size=5),
    number=st.floats(allow_nan=False),
)
@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_numbers_and_texts_come_back(tmp_path_factory, ending, texts, number):
    path = tmp_path_factory.mktemp("tables") / f"table{ending}"
    frame = pd.DataFrame({"text": ["a text", *texts], "number": [0.1, *[number] * len(texts)]})
    tables.write(path, frame)
    again = tables.read(path)
    assert again["text"].tolist() == frame["text"].tolist()
    assert np.array_equal(again["number"].to_numpy(np.float64), frame["number"].to_numpy())


@pytest.mark.parametrize("text", ["=1+1", "+1", "-np.log(p)", "@A1", "\t=1", "'=1"])
def test_a_spreadsheet_computes_no_text(tmp_path, text):
    tables.write(tmp_path / "table.csv", pd.DataFrame({"text": [text]}))
    assert (tmp_path / "table.csv").read_text().splitlines()[1].lstrip('"').startswith("'")
    assert tables.read(tmp_path / "table.csv")["text"].tolist() == [text]


def test_a_name_that_means_missing_elsewhere_is_a_name(tmp_path):
    tables.write(tmp_path / "table.csv", pd.DataFrame({"text": ["NA", "null", None]}))
    assert tables.read(tmp_path / "table.csv")["text"].tolist()[:2] == ["NA", "null"]
    assert tables.read(tmp_path / "table.csv")["text"].isna().tolist() == [False, False, True]


def test_what_cannot_be_seen_is_written_out(tmp_path):
    tables.write(tmp_path / "table.csv", pd.DataFrame({"text": ["\x1b[2J\u202e"]}))
    assert tables.read(tmp_path / "table.csv")["text"].tolist() == [r"\x1b[2J\u202e"]
