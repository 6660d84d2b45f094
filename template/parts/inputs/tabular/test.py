import numpy as np
import pandas as pd
import pytest

from the_package import InputError, config
from the_package.inputs import encode_inputs, fit_inputs, trunk


@pytest.fixture
def cells():
    """A number with a missing cell and a text, for each input."""
    columns = {}
    for pattern in config.INPUTS.values():
        columns[pattern.replace("{}", "a size")] = ["1", None, "3"]
        columns[pattern.replace("{}", "a color")] = ["red", "blue", None]
    return pd.DataFrame(columns)


def test_numbers_and_categories_are_encoded(cells, tmp_path):
    schema = fit_inputs(cells, tmp_path, np.array([0, 2]))
    size, color = schema.columns
    assert (size.mean, size.std, list(color.categories)) == (2, 1, ["red"])
    for array in encode_inputs(cells, tmp_path, schema).values():
        np.testing.assert_array_equal(array, [[1, 1], [np.nan, 0], [3, 0]])


def test_missing_number_counts_as_the_mean(cells, tmp_path):
    encode = trunk(fit_inputs(cells, tmp_path, np.arange(3)))
    found = encode.predict(np.array([[np.nan, 0, 0], [2, 0, 0]], "float32"), verbose=0)
    np.testing.assert_array_equal(found[0], found[1])


def test_bad_number_is_named(cells, tmp_path):
    name = next(iter(config.INPUTS.values())).replace("{}", "a size")
    many = pd.concat([cells] * 10, ignore_index=True)
    many.loc[4, name] = "abc"
    with pytest.raises(InputError, match="row 5, column 'a size': 'abc' is not a number"):
        fit_inputs(many, tmp_path, np.arange(30))
