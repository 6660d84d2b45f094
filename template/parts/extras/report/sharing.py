from collections.abc import Iterator

from matplotlib.figure import Figure

from .report import Evaluated, Section, as_image, as_table, heatmap, scores_section, task_sections
from .sharing import shares


def sharing_section(found: Evaluated) -> Iterator[str]:
    """Show what each task takes of the shared layers."""
    yield "<h2>What each task takes</h2>"
    for name, table in shares(found.model, found.examples.inputs).items():
        figure = Figure(figsize=(9, 1 + 0.4 * len(table)), layout="constrained")
        heatmap(figure.add_subplot(title=name), table, table.to_numpy())
        yield f"{as_image(figure)}\n{as_table(table)}"


SECTIONS: tuple[Section, ...] = (scores_section, task_sections, sharing_section)
