"""Test that windows of a Parquet file have all rows, an exact order, and bounded memory."""

import tracemalloc
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from my_project import InputError, data, streaming

TASK = data.TASKS[0].name


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a sample table in several row groups."""
    return streaming.write_sample(tmp_path_factory.mktemp("sample"))


@pytest.fixture
def splits(table: Path, monkeypatch: pytest.MonkeyPatch) -> data.Splits:
    """Load the table in 20 windows."""
    size = pa.total_allocated_bytes  # of what a window is made
    del size
    whole = streaming.load(table, seed=0)
    monkeypatch.setattr(streaming, "WINDOW_BYTES", streaming.WINDOW_BYTES * len(whole.train) // 20 // whole.train.window)
    return streaming.load(table, seed=0)
