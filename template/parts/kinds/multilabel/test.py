import numpy as np
import pandas as pd

from the_package.kinds import Multilabel


def test_multilabel_cells_have_names_between_bars():
    cells = pd.Series(["a|b", "|", None, "b"])
    tags = Multilabel("tags", 2).fit(cells, np.arange(4))
    np.testing.assert_array_equal(tags.encode(cells.dropna()), [[1, 1], [0, 0], [0, 1]])
    columns = tags.columns(np.array([[0.9, 0.1], [0.2, 0.3]]))
    assert columns["tags_predicted"].tolist() == ["a", "|"]
    assert columns["tags_probability_b"].tolist() == [0.1, 0.3]
