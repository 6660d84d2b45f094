def split_inputs(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Every column that is no task's is a feature, unless config.py names the features."""
    features = config.FEATURES or table.columns
    return {"features": pick(table, {name: name for name in features})}
