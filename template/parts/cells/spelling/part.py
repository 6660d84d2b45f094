import re


def spell(cell: object) -> str:
    """Spell a cell the same for 1 and for 1.0, which an empty cell makes of its column."""
    return re.sub(r"^(-?\d+)\.0+$", r"\1", str(cell).strip())
