{% set arguments = 'name, factors' %}
# A table shows each factor as a number.
FACTORS = config.SAMPLE_FEATURES


def show_factors(name: str, factors: np.ndarray) -> dict[str, np.ndarray]:
    """A column for each factor."""
    columns = [name.replace("features", f"x{i}") for i in range(1, FACTORS + 1)]
    return dict(zip(columns, np.round(10 * factors.T, 3), strict=True))
