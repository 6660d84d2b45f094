import re


def spell(cell: object) -> str:
    """Return a cell as a string, 1.0 as 1: an empty cell makes floats of a column of integers."""
    return re.sub(r"^(-?\d+)\.0+$", r"\1", str(cell).strip())
