from .report import task_sections

SECTIONS = (task_sections,)
