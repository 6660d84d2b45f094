from .report import Section, scores_section, task_sections

SECTIONS: tuple[Section, ...] = (scores_section, task_sections)
