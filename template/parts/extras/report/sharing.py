from collections.abc import Iterator

import keras
from matplotlib.figure import Figure

from .data import Examples, Schema
from .report import as_image, as_table, task_sections
from .sharing import shares


def sharing_section(model: keras.Model, schema: Schema, examples: Examples) -> Iterator[str]:
    """Show what each task takes of the shared layers."""
    yield "<h2>What each task takes</h2>"
    for name, table in shares(model, examples.inputs).items():
        figure = Figure(figsize=(8, 2 + 0.3 * len(table)), layout="constrained")
        axes = figure.add_subplot(title=name)
        axes.set_xticks(range(table.shape[1]), table.columns, rotation=30, ha="right")
        axes.set_yticks(range(table.shape[0]), table.index)
        figure.colorbar(axes.imshow(table, cmap="Blues", aspect="auto"))
        yield f"{as_image(figure)}\n{as_table(table)}"


SECTIONS = (task_sections, sharing_section)
