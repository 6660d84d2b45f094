import numpy as np
import pandas as pd

from the_package.kinds import Binary


def test_binary_predicts_the_probability_of_the_second_class():
    sold = Binary("sold").fit(pd.Series(["yes", "no", "no", None]), np.array([0, 1, 3]))
    assert (list(sold.classes), list(sold.shares), list(sold.baseline("auc"))) == (
        ["no", "yes"],
        [0.5, 0.5],
        [0.5],
    )
    columns = sold.columns(np.array([[0.2], [0.9]]))
    assert columns["sold_predicted"].tolist() == ["no", "yes"]
    assert columns["sold_probability_yes"].tolist() == [0.2, 0.9]
