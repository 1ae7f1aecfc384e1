"""The options of the command line that say how a file is read."""

import argparse
from datetime import datetime
from zoneinfo import ZoneInfo

from ingest.file_options import FIELDS, PROFILE_FIELDS, TIME_UNITS, FileOptions


def file_options() -> argparse.ArgumentParser:
    """Return a parser of these options, to be a parent of a command's own."""
    options = argparse.ArgumentParser(add_help=False)
    group = options.add_argument_group("how files are read")
    group.add_argument(
        "--map",
        type=_pair,
        action="append",
        default=[],
        dest="columns",
        metavar="FIELD=COLUMN",
        help="the column of a field, where it is not named alike; again for each field",
    )
    group.add_argument(
        "--set",
        type=_pair,
        action="append",
        default=[],
        dest="constants",
        metavar="FIELD=VALUE",
        help="the value of a field for all rows, such as event_type=purchase",
    )
    group.add_argument(
        "--time-zone",
        type=_zone,
        default="UTC",
        metavar="ZONE",
        help="of times without one, such as Europe/Berlin (default: UTC)",
    )
    group.add_argument(
        "--time-unit", choices=TIME_UNITS, help="what times that are numbers count, since 1970"
    )
    group.add_argument(
        "--time-format",
        type=_format,
        metavar="FORMAT",
        help="of times that are not ISO, such as '%%d.%%m.%%Y %%H:%%M' or '%%m/%%d/%%Y'",
    )
    group.add_argument(
        "--decimal-comma", action="store_true", help="amounts are written as 1.234,50"
    )
    return options


def options_from(arguments: argparse.Namespace) -> FileOptions:
    """Return what was said; raises IngestError when it does not fit together."""
    return FileOptions(
        columns=dict(arguments.columns),
        constants=dict(arguments.constants),
        zone=FileOptions.zone if arguments.time_zone == "UTC" else ZoneInfo(arguments.time_zone),
        zone_name=arguments.time_zone,
        time_unit=arguments.time_unit,
        time_format=arguments.time_format,
        decimal_comma=arguments.decimal_comma,
    )


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if name not in (*FIELDS, *PROFILE_FIELDS) or not equals or not value:
        known = ", ".join((*FIELDS, *PROFILE_FIELDS))
        raise argparse.ArgumentTypeError(f"'{text}' is not FIELD=… with one of {known}")
    return name, value


def _format(text: str) -> str:
    """Return a format that says which day it is."""
    some_day = datetime(2023, 11, 28)
    try:
        found = datetime.strptime(some_day.strftime(text), text)
    except ValueError:
        found = None
    if found is None or found.date() != some_day.date():
        raise argparse.ArgumentTypeError(
            f"'{text}' does not say year, month and day as '%d.%m.%Y %H:%M' does"
        )
    return text


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ValueError, OSError, KeyError) as error:  # not found is a KeyError
        raise argparse.ArgumentTypeError(
            f"'{text}' is no time zone that this system knows, such as Europe/Berlin"
        ) from error
    return text
