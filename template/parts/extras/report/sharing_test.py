import numpy as np

from the_package.model import build_model
from the_package.sharing import shares


def test_what_each_task_takes_adds_up_to_one(splits) -> None:
    for table in shares(build_model(splits.schema), splits.test.inputs).values():
        assert (table.fillna(0) >= 0).all(axis=None)
        np.testing.assert_allclose(table.sum(axis=1), 1, rtol=1e-5)
