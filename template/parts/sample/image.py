{% set arguments = 'name, factors, folder, rng' %}
# An image shows each factor as the brightness of a channel.
FACTORS = config.CHANNELS


def show_factors(
    name: str, factors: np.ndarray, folder: Path, rng: np.random.Generator
) -> dict[str, list[str]]:
    """Noisy images as bright as the factors, one PNG file each, and their column."""
    (folder / name).mkdir()
    paths = [f"{name}/{row:05}.png" for row in range(len(factors))]
    for path, levels in zip(paths, factors, strict=True):
        pixels = 255 * (levels + rng.normal(0, 0.1, config.INPUTS[name]))
        Image.fromarray(pixels.clip(0, 255).astype("uint8").squeeze()).save(folder / path)
    return {name: paths}
