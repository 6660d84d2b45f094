def split_inputs(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Columns NAME_a and NAME_b are feature NAME of the pair's two inputs."""
    paired = [name[:-2] for name in table.columns if name.endswith(("_a", "_b"))]
    features = config.FEATURES or tuple(dict.fromkeys(paired))
    return {
        f"features_{side}": pick(table, {name: f"{name}_{side}" for name in features})
        for side in ("a", "b")
    }
