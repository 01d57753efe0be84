"""Errors meant for the user: what is wrong, where, what is allowed, what to do.

The command line and the workflow's scripts print the message and exit with a non-zero status; anything that
is not a :class:`GradgridError` is a bug in GradGrid and keeps its traceback.
"""

from collections.abc import Sequence


class GradgridError(Exception):
    """A problem that the user can solve; its text is all that he needs to see."""


class ConfigError(GradgridError):
    """Everything that is wrong with a configuration, one problem a line.

    ``problems`` holds the lines, each ``config.yaml:LINE key: what is wrong; allowed: …; did you mean …?``.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))
