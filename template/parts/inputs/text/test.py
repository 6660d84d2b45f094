from pathlib import Path

import numpy as np
import pandas as pd

from the_package import config
from the_package.inputs import InputSchema, encode_inputs, trunk


def read(text):
    """Encode one text, as each input of a row."""
    table = pd.DataFrame({name: [text] for name in config.INPUTS})
    return next(iter(encode_inputs(table, Path(), InputSchema()).values()))[0]


def test_text_is_its_bytes_plus_one_then_padding():
    assert read("é")[:4].tolist() == [0xC3 + 1, 0xA9 + 1, 0, 0]


def test_missing_text_is_empty():
    assert not read(None).any()


def test_long_text_is_cut():
    (length,) = next(iter(config.INPUTS.values()))
    assert read("a" * 2 * length).tolist() == [ord("a") + 1] * length


def test_padding_does_not_change_the_encoding():
    network = trunk(InputSchema())
    short, long = (network.predict(np.array([[5, 6, *[0] * n]]), verbose=0) for n in (1, 9))
    np.testing.assert_allclose(short, long, rtol=1e-5)
