"""Test that windows of a Parquet file have all rows, an exact order, and bounded memory."""

import shutil
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from the_package import InputError, data, streaming
from the_package.config import TrainingOptions
from the_package.tables import read_table
from the_package.train import train

WINDOW = 16  # rows


@pytest.fixture
def parquet(table: Path) -> Path:
    own = shutil.copy(table, table.with_name("windows.csv"))
    return streaming.convert(Path(own), group_rows=20)


def keys(*parts: data.Examples) -> list[bytes]:
    arrays = [[a for part in rows.as_tuple() for a in part.values()] for rows in parts]
    return [b"".join(a[i].tobytes() for a in each) for each in arrays for i in range(len(each[0]))]


def windows(rows: data.Examples, epoch: int = 0, seed: int = 0) -> list[data.Examples]:
    return [part.take(order) for part, order in rows.windows(7, epoch, seed)]


def test_windows_have_all_training_rows(parquet: Path) -> None:
    splits = streaming.load(parquet, seed=0)
    found = windows(splits.train)
    sizes = list(map(len, found))
    assert len(sizes) == 7 and max(sizes) - min(sizes) <= 1
    whole = data.encode(read_table(parquet), parquet.parent, splits.schema)
    assert sorted(keys(*found, splits.validation, splits.test)) == sorted(keys(whole))


def test_order_follows_from_seed_and_epoch(parquet: Path) -> None:
    rows = streaming.load(parquet, seed=0).train
    orders = [keys(*windows(rows, *by)) for by in ((0, 0), (0, 0), (1, 0), (0, 1))]
    assert orders[0] == orders[1] and orders[0] not in orders[2:]
    assert all(sorted(order) == sorted(orders[0]) for order in orders)


def peak(read: Callable[[], object]) -> int:
    found = []
    for _ in range(2):  # garbage of other code may be collected in one of them
        tracemalloc.start()
        read()
        found.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    return min(found)


def test_memory_is_bounded_by_the_window(parquet: Path) -> None:
    path = parquet.with_name("t.parquet")  # of more than 200 windows
    pq.write_table(pa.concat_tables([pq.read_table(parquet)] * 20), path, row_group_size=20)
    rows = streaming.load(path, seed=0).train
    whole = peak(lambda: data.load(path, seed=0))
    count = len(rows) // WINDOW
    assert peak(lambda: sum(len(order) for _, order in rows.windows(count, 0, 0))) < whole / 2


def test_held_out_rows_are_bounded(parquet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = len(read_table(parquet))
    kept = {"train": 8, "validation": rows // 20, "test": rows // 20}
    monkeypatch.setattr(streaming, "KEPT_ROWS", kept)
    splits = streaming.load(parquet, seed=0)
    assert max(len(splits.validation), len(splits.test)) <= rows // 20 < 0.1 * len(splits.train)
    assert sum(map(len, windows(splits.train))) == len(splits.train) > 0.8 * rows


def test_class_that_no_kept_row_has_is_known(
    parquet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = read_table(parquet)
    often = cells.dropna().index[0]
    path = parquet.with_name("t.parquet")
    cells.loc[[*cells.index, *[often] * 30_000]].to_parquet(path, index=False)
    expected = [getattr(task, "classes", None) for task in data.load(parquet, seed=0).schema.tasks]
    monkeypatch.setattr(streaming, "KEPT_ROWS", {"train": 8, "validation": 9, "test": 9})
    found = [getattr(task, "classes", None) for task in streaming.load(path, seed=0).schema.tasks]
    assert found == expected


def test_column_split_decides(parquet: Path) -> None:
    cells = read_table(parquet)
    cells["split"] = np.resize(["train", "test", "train", "validation"], len(cells))
    cells.to_parquet(path := parquet.with_name("t.parquet"), row_group_size=20)
    splits, expected = streaming.load(path, seed=0), data.load(path, seed=0)
    assert keys(splits.test) == keys(expected.test)
    assert sorted(keys(*windows(splits.train))) == sorted(keys(expected.train))
    assert splits.schema == expected.schema


def test_csv_is_refused(table: Path) -> None:
    with pytest.raises(InputError, match="not a Parquet file"):
        streaming.load(table, seed=0)


def test_file_that_breaks_during_training_is_named(parquet: Path, tmp_path: Path) -> None:
    path = parquet.rename(parquet.with_name("t.parquet"))

    def damage(epoch: int, logs: object) -> None:  # neither the first rows nor the footer
        quarter = len(content := path.read_bytes()) // 4
        path.write_bytes(content[:quarter] + bytes(quarter) + content[2 * quarter :])

    callback = keras.callbacks.LambdaCallback(on_epoch_end=damage)
    with pytest.raises(InputError, match=r"t\.parquet"):
        train(TrainingOptions(path, tmp_path / "run", epochs=3), [lambda run: callback])
