from .report import score_section, task_sections

SECTIONS = (score_section, task_sections)
