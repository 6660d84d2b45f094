{% set arguments = 'name, factors, rng' %}
# A text shows its factor as the share of "sun" among its words.
FACTORS = 1


def show_factors(name: str, factors: np.ndarray, rng: np.random.Generator) -> dict[str, list[str]]:
    """A column of texts, the words in any order."""
    words = min(12, max(1, config.INPUTS[name][0] // 4))
    counts = np.rint(words * factors[:, 0]).astype(int)
    texts = (["sun"] * count + ["fog"] * (words - count) for count in counts)
    return {name: [" ".join(rng.permutation(text)) for text in texts]}
