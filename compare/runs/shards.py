"""A run's finished shards on disk: each a Parquet file that is there whole or not at all, so that a run can go on."""

import hashlib
import io
from collections.abc import Iterator, MutableMapping
from pathlib import Path

import pandas as pd

from compare.errors import InputError
from compare.runs import columns, tables, whole


class Shards(MutableMapping[str, pd.DataFrame]):
    """The tables of a folder's shards, by name: `NAME.CHECKSUM.parquet`, written at once and read when asked for.

    One process at a time uses a folder.

    Parameters
    ----------
    folder : Path
        Made when the first shard is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files = {path.name.split(".")[0]: path for path in sorted(folder.glob("*.*.parquet")) if path.is_file()}

    def __contains__(self, name: object) -> bool:
        return name in self._files

    def __getitem__(self, name: str) -> pd.DataFrame:
        """Read a shard.

        Raises
        ------
        InputError
            If the file is not as it was written.
        """
        path = self._files[name]
        content = path.read_bytes()
        if f"{name}.{_checksum(content)}.parquet" != path.name:
            raise _damaged(path, "which is damaged")
        try:
            found = tables.parquet(path.name, content)
            columns.hold_one(name, found, columns.SHARD)
        except InputError as error:
            raise _damaged(path, str(error)) from None
        return found

    def __setitem__(self, name: str, table: pd.DataFrame) -> None:
        """Write a shard, whole or not at all."""
        buffer = io.BytesIO()
        table.to_parquet(buffer, index=False)
        content = buffer.getvalue()
        path = self.folder / f"{name}.{_checksum(content)}.parquet"
        self.folder.mkdir(exist_ok=True)
        whole.write(path, content)
        self._files[name] = path

    def __delitem__(self, name: str) -> None:
        self._files.pop(name).unlink()

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def _damaged(path: Path, what: str) -> InputError:
    return InputError(
        f"`resume` must be a run whose shards are as they were written. Received: {path}, {what}; "
        "delete that file and resume again: its replicates are trained anew"
    )


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
