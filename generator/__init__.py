"""Prove that every project that the template renders works.

The packages, in the order in which a combination passes through them: `choices` lists the valid
combinations of answers, `projects` renders, checks and tests them. `releases` publishes versions of
the template and updates projects to them; `benchmarks` measures what projects do.
"""
