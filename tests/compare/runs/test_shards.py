"""A shard's file is there whole or not at all, and damage never goes unnoticed."""

import errno
import hashlib
import io
import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compare.errors import InputError
from compare.runs.shards import Shards

VALUES = np.array([0.1, np.nan, np.inf, 1e-45, -0.0], np.float32)
TABLE = pd.DataFrame(
    {"replicate": np.arange(5), "epoch": np.arange(5), "loss": VALUES, "accuracy": VALUES.astype(float)}
)


@pytest.fixture
def folder(tmp_path):
    """A folder with one shard."""
    Shards(tmp_path / "shards")["one"] = TABLE
    return tmp_path / "shards"


def test_a_table_comes_back_as_it_was_written_in_another_process(folder):
    again = Shards(folder)
    assert list(again) == ["one"]
    assert "one" in again
    assert "two" not in again
    pd.testing.assert_frame_equal(again["one"], TABLE, check_exact=True)


@settings(max_examples=50)
@given(st.data())
def test_any_damage_is_noticed(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damage")
    Shards(folder)["one"] = TABLE
    (path,) = folder.iterdir()
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    else:
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    path.write_bytes(content)
    with pytest.raises(InputError, match="is damaged; delete that file and resume again") as caught:
        Shards(folder)["one"]
    assert str(path) in str(caught.value)
    assert path.read_bytes() == content, "nothing is overwritten"


def test_a_full_disk_leaves_no_part_of_a_shard(folder, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    before = sorted(folder.iterdir())
    monkeypatch.setattr(os, "fsync", full)
    shards = Shards(folder)
    with pytest.raises(OSError, match="No space left"):
        shards["two"] = TABLE
    assert sorted(folder.iterdir()) == before
    assert "two" not in shards


def test_a_file_that_was_never_finished_is_no_shard(folder):
    (path,) = folder.iterdir()
    (folder / "two.0123456789abcdef.unfinished").write_bytes(path.read_bytes()[:100])
    assert list(Shards(folder)) == ["one"]


def test_what_is_no_shard_is_told_of_whatever_its_checksum(folder):
    for content in (b"", b"PAR1 garbage PAR1", parquet(pd.DataFrame({"replicate": ["x"]})), parquet(TABLE.iloc[:0])):
        for path in folder.glob("*.parquet"):
            path.unlink()
        (folder / f"one.{hashlib.sha256(content).hexdigest()[:16]}.parquet").write_bytes(content)
        with pytest.raises(InputError, match="delete that file and resume again") as caught:
            Shards(folder)["one"]
        assert "\n" not in str(caught.value)


def parquet(table):
    buffer = io.BytesIO()
    table.to_parquet(buffer)
    return buffer.getvalue()
