"""Errors that a person can mend; the command line prints each as one line."""


class GeneratorError(ValueError):
    """A command cannot be done as asked; the message says what is wrong and what to do."""


class AnswerError(GeneratorError):
    """The template refuses an answer."""


class TemplateError(GeneratorError):
    """The template cannot be read."""


class RenderError(GeneratorError):
    """A project cannot be rendered or updated."""


class ShardError(GeneratorError):
    """There is no such shard."""


class ReleaseError(GeneratorError):
    """The template cannot be released."""
