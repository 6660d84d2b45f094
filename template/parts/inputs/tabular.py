{% set dtype = 'float32' %}
{% set described = true %}
{% set normalised = true %}
def describe_columns(views: list[pd.DataFrame]) -> tuple[Column, ...]:
    """Numbers stay numbers; text becomes categories, the most frequent ones by name."""
    table = pd.concat(views)
    if not len(table.columns):
        raise InputError("the table has no feature column besides those of the tasks")
    return tuple(
        Column(name, None if pd.api.types.is_numeric_dtype(cells) else find_categories(cells))
        for name, cells in table.items()
    )


def find_categories(cells: pd.Series) -> tuple[str, ...]:
    """The most frequent texts of a column."""
    return tuple(cells.dropna().map(class_name).value_counts().index[: config.MAX_CATEGORIES])


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
            names = np.array(column.categories, dtype=object)
            arrays.append(cells.map(class_name).to_numpy(object)[:, None] == names)
    return np.concatenate(arrays, axis=1, dtype="float32", casting="unsafe")


def statistics(
    columns: tuple[Column, ...], arrays: list[np.ndarray]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of each number over the training rows; categories stay 0 and 1."""
    values = pd.DataFrame(np.concatenate(arrays), dtype="float64")
    numbers = np.repeat([c.categories is None for c in columns], [c.width for c in columns])
    mean = values.mean().where(numbers, 0.0).fillna(0.0)
    std = values.std(ddof=0).where(numbers, 1.0).fillna(1.0).replace(0.0, 1.0)
    return tuple(mean), tuple(std)
