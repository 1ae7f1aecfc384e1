"""The errors that a user sees, each as one line, and the one line that is shown of any other."""

NOT_BUILT = "the database holds no pipeline yet: run 'dbt build' first"


class UserError(Exception):
    """The message is one line that says what is wrong and what to do."""


class EngineError(UserError):
    """The database or what runs on it cannot be used as asked; the message is one line."""


class IngestError(UserError):
    """Something outside is not as it must be; the message is one line that says what to do."""


def first_line(error: BaseException | str) -> str:
    """Return the first line of what an error says, or its type's name when it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
