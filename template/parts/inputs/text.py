{% set dtype = 'int32' %}
{% set described = false %}
{% set normalised = false %}
{% set holds = 'a text per row: its UTF-8 bytes, each plus one, then zeros up to the length' %}
def encode_input(cells: pd.Series) -> np.ndarray:
    """UTF-8 bytes plus one, int32: (rows, bytes kept); 0 is padding. A missing text is empty."""
    (length,) = config.INPUTS[cells.name]
    texts = np.zeros((len(cells), length), "int32")
    for i, text in enumerate(cells.astype(object).where(cells.notna(), "").astype(str)):
        encoded = np.frombuffer(text.encode()[:length], "uint8")
        texts[i, : len(encoded)] = encoded.astype("int32") + 1
    return texts
