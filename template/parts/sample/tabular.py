{% set arguments = 'name, factors' %}
# A table shows each factor as a number; with many features, several show it, each by a root.
FACTORS = min(4, config.SAMPLE_FEATURES)


def show_factors(name: str, factors: np.ndarray) -> dict[str, np.ndarray]:
    """A column for each feature."""
    columns = [name.replace("features", f"x{i + 1}") for i in range(config.SAMPLE_FEATURES)]
    shown = (factors[:, i % FACTORS] ** (1 / (1 + i // FACTORS)) for i in range(len(columns)))
    return {column: np.round(10 * values, 3) for column, values in zip(columns, shown, strict=True)}
