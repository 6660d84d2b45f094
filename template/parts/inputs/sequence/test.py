import numpy as np
import pandas as pd
import pytest

from the_package import InputError, config
from the_package.inputs import InputSchema, encode_inputs, fit_inputs

NAME, SHAPE = next(iter(config.INPUTS.items()))


def write(folder, change=np.asarray):
    """Write two sequences for each input; return their table."""
    rng, table = np.random.default_rng(0), {}
    for name, shape in config.INPUTS.items():
        table[name] = [f"{name}_0.npy", f"{name}_1.npy"]
        for path in table[name]:
            np.save(folder / path, change(rng.normal(3, 2, shape)))
    return pd.DataFrame(table)


def test_statistics_are_those_of_each_channel_in_the_training_rows(tmp_path):
    table = write(tmp_path)
    schema = fit_inputs(table, tmp_path, np.array([0]))
    arrays = [np.load(tmp_path / f"{name}_0.npy") for name in config.INPUTS]
    steps = np.concatenate(arrays)
    np.testing.assert_allclose(schema.mean, steps.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(schema.std, steps.std(axis=0), rtol=1e-4)


def test_sequences_are_read_as_they_are(tmp_path):
    array = encode_inputs(write(tmp_path), tmp_path, InputSchema())[NAME]
    assert array.shape == (2, *SHAPE)
    np.testing.assert_allclose(array[1], np.load(tmp_path / f"{NAME}_1.npy"), rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda values: values[1:], "are needed"),
        (lambda values: values.astype(str), "are needed"),
        (lambda values: values * np.inf, "not numbers below"),
    ],
    ids=["shape", "text", "infinite"],
)
def test_sequence_that_is_not_usable_is_named(change, message, tmp_path):
    with pytest.raises(InputError, match=f"row 1, column '{NAME}': .*{message}"):
        encode_inputs(write(tmp_path, change), tmp_path, InputSchema())


@pytest.mark.parametrize("cell", [None, "nowhere.npy", "a.txt"])
def test_cell_that_is_not_a_sequence_is_named(cell, tmp_path):
    (tmp_path / "a.txt").write_text("text")
    table = write(tmp_path)
    table.loc[1, NAME] = cell
    with pytest.raises(InputError, match=f"row 2, column '{NAME}': "):
        encode_inputs(table, tmp_path, InputSchema())
