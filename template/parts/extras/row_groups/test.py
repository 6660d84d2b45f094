"""Test that windows of a Parquet file have all rows, an exact order, and bounded memory."""

import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from my_project import InputError, data, streaming
from my_project.sample import write_sample

TASK = data.TASKS[0].name


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return streaming.convert(write_sample(tmp_path_factory.mktemp("sample")), group_rows=20)


@pytest.fixture
def splits(table: Path, monkeypatch: pytest.MonkeyPatch) -> data.Splits:
    """Load the table in about 20 windows."""
    train = streaming.load(table, seed=0).train
    size = streaming.WINDOW_BYTES / train.window * len(train) / 20
    monkeypatch.setattr(streaming, "WINDOW_BYTES", size)
    return streaming.load(table, seed=0)


def keys(*parts: data.Examples) -> list[bytes]:
    """Tell rows apart by all of their numbers."""
    arrays = [[a for part in rows.as_tuple() for a in part.values()] for rows in parts]
    return [b"".join(a[i].tobytes() for a in each) for each in arrays for i in range(len(each[0]))]


def test_each_row_is_in_one_part_and_comes_once_an_epoch(splits: data.Splits, table: Path) -> None:
    whole = data.encode(data.read_table(table), table.parent, splits.schema)
    trained = keys(*splits.train.windows(8, epoch=0, seed=0))
    assert len(trained) == len(splits.train)
    assert sorted(trained + keys(splits.validation, splits.test)) == sorted(keys(whole))


def test_order_follows_from_seed_and_epoch(splits: data.Splits) -> None:
    first, again, second, other = (
        keys(*splits.train.windows(8, epoch, seed)) for epoch, seed in ((0, 0), (0, 0), (1, 0), (0, 1))
    )
    assert first == again
    assert first != second and first != other
    assert sorted(first) == sorted(second) == sorted(other)


def test_windows_are_whole_batches_of_a_twentieth_of_the_rows(splits: data.Splits) -> None:
    *windows, last = [len(rows) for rows in splits.train.windows(8, epoch=0, seed=0)]
    assert len(windows) >= 12 and not any(size % 8 for size in windows)
    assert max(*windows, last) <= 1.25 * len(splits.train) / 20 + 8


def test_memory_is_bounded_by_the_window(table: Path, tmp_path: Path) -> None:
    cells = pq.read_table(table)
    peaks = []
    for copies in (1, 20):
        path = table.with_name(f"{copies}.parquet")
        with pq.ParquetWriter(path, cells.schema) as file:
            for _ in range(copies):
                file.write_table(cells, row_group_size=20)
        peaks.append(peak(path))
    assert peaks[1] < 2 * peaks[0]
