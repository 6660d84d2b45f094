from .__main__ import RunPath, TablePath


def report(run: RunPath, table: TablePath) -> None:
    """Write report.html, on a table with labels, and MODEL_CARD.md into a run's directory.

    Args:
        run: Directory of the run.
        table: Table with labels, CSV or Parquet, best of rows that were not trained on.
    """
    from .report import report

    report(run, table)
