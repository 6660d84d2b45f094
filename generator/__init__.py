"""How we know that every project that the template renders works.

questions -> combinations -> render -> checks -> suites -> a verdict.
"""
