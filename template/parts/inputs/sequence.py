{% set dtype = 'float32' %}
{% set described = false %}
{% set normalised = true %}
{% set holds = 'sequences: (row, step, channel), the numbers as they are in the files' %}
def encode_input(cells: pd.Series, folder: Path) -> np.ndarray:
    """.npy files, named relative to the table, as one float32 array: (rows, steps, channels)."""
    shape = config.INPUTS[cells.name]
    sequences = np.empty((len(cells), *shape), "float32")
    for i, path in enumerate(file_paths(cells, folder)):
        where = f"row {cells.index[i] + 1}, column '{cells.name}': '{path}'"
        try:
            sequence = np.asarray(np.load(path, allow_pickle=False))
        except Exception as error:  # a broken file can fail in many ways
            raise InputError(f"{where} cannot be read as a .npy file: {error}") from None
        if sequence.shape != shape or sequence.dtype.kind not in "biuf":
            found = f"{sequence.shape} {sequence.dtype}"
            raise InputError(f"{where} holds {found}, not numbers of shape {shape}")
        if not (np.abs(sequence.astype("float64")) < 1e18).all():
            raise InputError(f"{where} holds values that are not numbers below 1e18")
        sequences[i] = sequence
    return sequences
{% if not answers.streamed %}


def statistics(arrays: list[np.ndarray]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of each channel over all steps of the training rows."""
    values = np.concatenate([a.reshape(-1, a.shape[-1]) for a in arrays])
    channels = [mean_and_std(f"channel {i + 1}", channel) for i, channel in enumerate(values.T)]
    mean, std = zip(*channels, strict=True)
    return mean, std
{% endif %}
