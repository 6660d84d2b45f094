import pandas as pd
import pytest

from the_package import InputError, config
from the_package.inputs import split_columns


def test_column_that_one_input_lacks_is_named():
    columns = [pattern.replace("{}", "size") for pattern in config.INPUTS.values()]
    with pytest.raises(InputError, match=f"column '{columns[0]}' is missing"):
        split_columns(pd.DataFrame(columns=columns[1:]), ())
