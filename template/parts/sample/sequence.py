{% set arguments = 'name, factors, folder, rng' %}
# A sequence shows each factor as the level of a channel; with many channels, several show the same.
FACTORS = min(4, config.CHANNELS)


def show_factors(
    name: str, factors: np.ndarray, folder: Path, rng: np.random.Generator
) -> dict[str, list[str]]:
    """Noisy sequences around the factors, one .npy file each, and their column."""
    (folder / name).mkdir()
    paths = [f"{name}/{row:05}.npy" for row in range(len(factors))]
    shown = factors[:, np.arange(config.CHANNELS) % FACTORS]
    for path, levels in zip(paths, shown, strict=True):
        sequence = levels + rng.normal(0, 0.1, config.INPUTS[name])
        np.save(folder / path, sequence.astype("float16"))
    return {name: paths}
