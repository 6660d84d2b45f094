from collections.abc import Iterator

import keras

from .data import Examples, Schema
from .report import as_table, score_section, task_sections
from .sharing import shares


def sharing_section(model: keras.Model, schema: Schema, examples: Examples) -> Iterator[str]:
    """Show what each task takes of the shared layers."""
    yield "<h2>What each task takes of the shared layers</h2>"
    for name, table in shares(model, examples.inputs).items():
        yield f"<h3>{name}</h3>\n{as_table(table)}"


SECTIONS = (score_section, task_sections, sharing_section)
