"""The predictions of a run's best model, added to a table of any length."""

import contextlib
import sys
from pathlib import Path

import keras
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from . import InputError
from .inputs import encode_inputs
from .runs import load_run, replaced
from .tables import is_parquet, normalize, read_parts


def predict(run: Path, table: Path, out: Path, force: bool, size: int) -> None:
    """Read, predict and write `size` rows at a time; leave nothing behind if it fails.

    Raises:
        InputError: Something cannot be used; it says what to do.
    """
    if not is_parquet(out) and not out.name.lower().endswith((".csv", ".csv.gz")):
        raise InputError(f"--out {out}: the ending is unknown; use .csv, .csv.gz or .parquet")
    if out.is_dir() or (out.exists() and not force):
        raise InputError(f"{out} exists already; give another --out, or add --force")
    model, schema = load_run(run)
    progress = keras.utils.Progbar(None, unit_name="row", verbose=int(sys.stdout.isatty()))
    done, file = 0, None
    with replaced(out) as draft, contextlib.ExitStack() as stack:
        for part in read_parts(table, size):
            cells = normalize(part)
            cells.index += done  # so that messages have the number of a row in the table
            predicted = model.predict_on_batch(encode_inputs(cells, table.parent, schema.inputs))
            for task in schema.tasks:
                for name, values in task.columns(np.asarray(predicted[task.name])).items():
                    if name in part.column_names:
                        raise InputError(f"{table}: column '{name}' exists already; rename it")
                    part = part.append_column(name, pa.array(values))
            if file is None:
                writer = pq.ParquetWriter if is_parquet(out) else pa.csv.CSVWriter
                sink = stack.enter_context(pa.output_stream(draft))  # compressed by its name
                file = stack.enter_context(writer(sink, part.schema))
            file.write_table(part)
            done += len(part)
            progress.update(done)
        if file is None:
            raise InputError(f"{table} has no rows; give at least one")
    print(f"\n{done} rows with predictions are in {out}.")
