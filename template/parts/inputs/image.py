{% set dtype = 'uint8' %}
{% set described = false %}
{% set normalised = false %}
{% set holds = 'images: (row, height, width, channel), ' ~ {1: 'grey', 3: 'RGB', 4: 'RGBA'}[answers.shapes[0][-1]] ~ ' from 0 to 255, resized to that size' %}
def encode_input(cells: pd.Series, folder: Path) -> np.ndarray:
    """Image files, named relative to the table, as uint8: (rows, height, width, channels).

    Images of another size or colour mode are converted.
    """
    height, width, channels = config.INPUTS[cells.name]
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[channels]
    images = np.empty((len(cells), height, width, channels), "uint8")
    for i, path in enumerate(file_paths(cells, folder)):
        try:
            with Image.open(path) as image:
                if image.mode[0] in "IF":
                    raise ValueError(f"more than 8 bits a channel (mode {image.mode})")
                pixels = image.convert(mode).resize((width, height))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            where = f"row {cells.index[i] + 1}, column '{cells.name}'"
            raise InputError(f"{where}: '{path}' cannot be read as an image: {error}") from None
        images[i] = np.asarray(pixels).reshape(height, width, channels)
    return images
