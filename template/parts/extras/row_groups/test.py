"""Test that windows of a Parquet file have all rows, an exact order, and bounded memory."""

import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from my_project import InputError, data, streaming
from my_project.config import TrainingOptions
from my_project.sample import write_sample
from my_project.tables import read_table
from my_project.train import train

TASK = data.TASKS[0].name


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return streaming.convert(write_sample(tmp_path_factory.mktemp("sample")), group_rows=20)


@pytest.fixture(autouse=True)
def small_windows(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make windows of a twentieth of the table."""
    rows = streaming.load(table, seed=0).train
    monkeypatch.setattr(streaming, "WINDOW_BYTES", streaming.WINDOW_BYTES * 30 / rows.window)


def keys(*parts: data.Examples) -> list[bytes]:
    """Tell rows apart by all of their numbers."""
    arrays = [[a for part in rows.as_tuple() for a in part.values()] for rows in parts]
    return [b"".join(a[i].tobytes() for a in each) for each in arrays for i in range(len(each[0]))]


def test_each_row_is_in_one_part_and_comes_once_an_epoch(table: Path) -> None:
    splits = streaming.load(table, seed=0)
    whole = data.encode(read_table(table), table.parent, splits.schema)
    trained = keys(*splits.train.windows(8, epoch=0, seed=0))
    assert len(trained) == len(splits.train)
    assert sorted(trained + keys(splits.validation, splits.test)) == sorted(keys(whole))


def test_order_follows_from_seed_and_epoch(table: Path) -> None:
    rows = streaming.load(table, seed=0).train
    orders = [keys(*rows.windows(8, *by)) for by in ((0, 0), (0, 0), (1, 0), (0, 1))]
    assert orders[0] == orders[1] and orders[0] not in orders[2:]
    assert all(sorted(order) == sorted(orders[0]) for order in orders)


def test_windows_are_whole_batches(table: Path) -> None:
    *windows, last = map(len, streaming.load(table, seed=0).train.windows(8, epoch=0, seed=0))
    assert len(windows) > 10 and not any(size % 8 for size in windows)
    assert max(*windows, last) <= 1.25 * 30 + 8


def test_memory_is_bounded_by_the_window(table: Path, tmp_path: Path) -> None:
    cells, path, peaks = pq.read_table(table), tmp_path / "t.parquet", []
    for copies in (1, 20):
        pq.write_table(pa.concat_tables([cells] * copies), path, row_group_size=20)
        rows = streaming.load(path, seed=0).train
        tracemalloc.start()
        assert sum(len(window) for window in rows.windows(8, epoch=0, seed=0)) == len(rows)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


def test_statistics_and_held_out_rows_are_bounded(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "HELD_OUT_ROWS", 40)
    monkeypatch.setattr(streaming, "STATISTICS_ROWS", 50)
    splits = streaming.load(table, seed=0)  # a class that is not among the 50 rows is known
    assert len(splits.validation) <= 40 and len(splits.test) <= 40
    assert len(splits.train) > 450
    assert sum(len(window) for window in splits.train.windows(8, 0, 0)) == len(splits.train)


def test_column_split_decides(table: Path, tmp_path: Path) -> None:
    cells = read_table(table)
    cells["split"] = np.resize(["train", "test", "train", "validation"], len(cells))
    cells.to_parquet(tmp_path / "t.parquet", row_group_size=20)
    splits = streaming.load(tmp_path / "t.parquet", seed=0)
    expected = data.load(tmp_path / "t.parquet", seed=0)
    assert keys(splits.test) == keys(expected.test)
    assert sorted(keys(*splits.train.windows(8, 0, 0))) == sorted(keys(expected.train))
    assert splits.schema == expected.schema


def test_csv_is_refused(table: Path, tmp_path: Path) -> None:
    pd.DataFrame({"x": [1]}).to_csv(tmp_path / "t.csv")
    with pytest.raises(InputError, match="not a Parquet file"):
        streaming.load(tmp_path / "t.csv", seed=0)


def test_file_that_breaks_during_training_is_named(table: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(table.read_bytes())

    def damage(run: Path) -> None:
        content = bytearray(path.read_bytes())
        content[4 : len(content) // 2] = bytes(len(content) // 2 - 4)
        path.write_bytes(content)

    with pytest.raises(InputError, match=r"t\.parquet"):
        train(TrainingOptions(data=path, run=tmp_path / "run", epochs=2), [damage])
