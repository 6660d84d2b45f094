import numpy as np
import pandas as pd
import pytest

from the_package import InputError
from the_package.kinds import Multiclass


def test_multiclass_labels_may_be_texts_or_numbers():
    cells, train = pd.Series(["red", None, "blue", "green"]), np.arange(4)
    color = Multiclass("color", 3).fit(cells, train)
    assert list(color.classes) == ["blue", "green", "red"]
    numbers = Multiclass("color", 3).fit(pd.Series([2.0, None, 0.0]), np.arange(3))
    assert list(numbers.classes) == ["0", "1", "2"] and list(numbers.shares) == [0.5, 0, 0.5]
    assert color.columns(np.eye(3)[:1])["color_predicted"].tolist() == ["blue"]


def test_class_too_many_is_named():
    with pytest.raises(InputError, match=r"row 3, column .*, but config\.py says 2"):
        Multiclass("color", 2).fit(pd.Series(["red", "red", "odd", "blue", "blue"]), np.arange(5))
