"""How a command line of this project ends and what it says on the way."""

import argparse
import sys
from contextlib import suppress

from runtime.errors import UserError
from runtime.private_files import keep_private


def run_command(parser: argparse.ArgumentParser) -> int:
    """Run the command that was asked for; return its code, or 1 after one line on what is wrong."""
    keep_private()
    arguments = parser.parse_args()
    try:
        return arguments.run(arguments) or 0
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 0


def report(line: str) -> None:
    """Say one line on standard error; where nobody reads it any more, the work goes on."""
    with suppress(BrokenPipeError):
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
