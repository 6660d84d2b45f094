import numpy as np
import pandas as pd
import pytest
from PIL import Image

from the_package import InputError, config
from the_package.inputs import InputSchema, encode_inputs, trunk

NAME, SHAPE = next(iter(config.INPUTS.items()))


def read(folder, cell):
    """Read one image file, as each input of a row."""
    table = pd.DataFrame({name: [cell] for name in config.INPUTS})
    return encode_inputs(table, folder, InputSchema())[NAME][0]


def test_jpeg_of_another_size_is_converted(tmp_path):
    Image.new("RGB", (99, 77), (200, 200, 200)).save(tmp_path / "gray.jpg")
    pixels = read(tmp_path, "gray.jpg")
    assert pixels.shape == SHAPE and pixels.dtype == np.uint8
    np.testing.assert_allclose(pixels[..., :3].astype(int), 200, atol=2)


@pytest.mark.parametrize(
    ("cell", "message"),
    [(None, "is empty"), ("odd.png", "No such file"), ("a.txt", "identify"), ("b.png", "8 bits")],
)
def test_cell_that_is_not_an_image_is_named(cell, message, tmp_path):
    (tmp_path / "a.txt").write_text("text")
    Image.fromarray(np.zeros((8, 8), "uint16")).save(tmp_path / "b.png")
    with pytest.raises(InputError, match=f"row 1, column '{NAME}': .*{message}"):
        read(tmp_path, cell)


def test_trunk_reads_images_of_any_size():
    network = trunk(InputSchema())
    for size in (8, 9), (40, 5):
        pixels = np.zeros((2, *size, config.CHANNELS), "uint8")
        assert network.predict(pixels, verbose=0).shape == (2, config.TRUNK_UNITS[-1])
