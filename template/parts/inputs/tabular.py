{% set dtype = 'float32' %}
{% set described = true %}
{% set normalised = true %}
{% set holds = 'a row per example: the number of a feature, NaN if missing; 1 for its category, else 0' %}
{% if not answers.streamed %}
def describe_columns(views: list[pd.DataFrame]) -> tuple[Column, ...]:
    """Every feature, by its cells in the training rows."""
    columns = tuple(describe_column(cells) for _, cells in pd.concat(views).items())
    if not any(column.width for column in columns):
        raise InputError("the table has no feature column besides those of the tasks")
    return columns


def describe_column(cells: pd.Series) -> Column:
    """Numbers stay numbers; text becomes categories, the most frequent ones by name."""
    name, known = str(cells.name), cells.dropna()
    # One bad cell makes text of a column of numbers: to_numbers names the cell.
    share = pd.to_numeric(known, errors="coerce").notna().mean()
    if share < 0.9:
        found = known.map(class_name).value_counts().index
        return Column(name, tuple(found[: config.MAX_CATEGORIES]))
    if known.empty:
        return Column(name, None if pd.api.types.is_numeric_dtype(cells) else ())
    return Column(name, None, *mean_and_std(f"column '{name}'", to_numbers(known)))


{% endif %}
def encode_input(view: pd.DataFrame, columns: tuple[Column, ...]) -> np.ndarray:
    """One float32 column per number, one 0/1 column per category: (rows, features).

    A missing number is NaN. A missing category, or one first met later, is unknown: all zeros.
    """
    arrays = []
    for column in columns:
        cells = view[column.name]
        if column.categories is None:
            arrays.append(to_numbers(cells)[:, None])
        else:
{% if answers.streamed %}
            codes = pd.Index(column.categories, dtype=object).get_indexer(class_names(cells))
            arrays.append(codes[:, None] == np.arange(column.width))
{% else %}
            names = np.array(column.categories, dtype=object)
            arrays.append(cells.map(class_name).to_numpy(object)[:, None] == names)
{% endif %}
    return np.concatenate(arrays, axis=1, dtype="float32", casting="unsafe")
