"""Who runs this process, by the name that is written beside what they do."""

import getpass
import os


def user_name() -> str:
    """Return the user's name, or the number of a user who has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
