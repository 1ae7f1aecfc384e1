"""The options of the command line, and what values they take."""

import argparse
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ingest.broker import default_bootstrap_servers
from ingest.file_arguments import file_options
from ingest.kafka import DEFAULT_PARTITIONS
from ingest.libraries import CHOICES, KAFKA_PYTHON
from ingest.loader import BATCH_ROWS, LINGER_SECONDS
from ingest.logs import FORMATS
from ingest.sinks import SINKS
from ingest.truth import HORIZON_DAYS

LOG_SECONDS = 10.0

_FILES = "FILE.csv, .tsv, .jsonl or .parquet; all but the last one also with .gz"
_MOST_DAYS = 3_650


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; `command` names what to run. Exits with 2 when it makes no sense."""
    parser = argparse.ArgumentParser(
        prog="python -m ingest",
        description="Bring events to a topic, and from there into the warehouse.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    broker, sending = _broker_options(), _sending_options()
    warehouse, logging_ = _warehouse_options(), _log_options()
    files = file_options()

    _add_check(commands, [files])
    _add_load(commands, [broker, warehouse, logging_, files])
    _add_rejected(commands, [warehouse])
    _add_replay(commands, [broker, sending, files])
    _add_simulate(commands, [broker, sending])
    return parser.parse_args(arguments)


def _add_check(commands: Any, parents: list[argparse.ArgumentParser]) -> None:
    text = "say how files of events are understood, and whether they are enough; load nothing"
    command = commands.add_parser("check", parents=parents, help=text, description=text)
    command.add_argument("files", nargs="+", type=Path, metavar="FILE", help=_FILES)


def _add_load(commands: Any, parents: list[argparse.ArgumentParser]) -> None:
    text = "load files, or a topic until Ctrl-C, into the warehouse, every row exactly once"
    command = commands.add_parser("load", parents=parents, help=text, description=text)
    command.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help=f"{_FILES}; none: load the topic"
    )
    command.add_argument(
        "--until-end", action="store_true", help="stop when all that the topic holds is in"
    )
    command.add_argument(
        "--recreated",
        action="store_true",
        help="load a topic that was deleted and made anew as a new topic, beside its old rows",
    )
    command.add_argument(
        "--skip-lost",
        action="store_true",
        help="go on after messages that the broker deleted before they were loaded",
    )
    command.add_argument(
        "--batch-rows",
        type=_count,
        default=BATCH_ROWS,
        metavar="N",
        help=f"commit at N messages (default: {BATCH_ROWS})",
    )
    command.add_argument(
        "--linger-seconds",
        type=_positive,
        default=LINGER_SECONDS,
        metavar="S",
        help=f"commit a smaller batch after S seconds (default: {LINGER_SECONDS})",
    )
    command.add_argument(
        "--report-group",
        metavar="GROUP",
        help="tell this consumer group what was committed, for tools that watch lag",
    )
    command.add_argument(
        "--dry-run",
        action="store_true",
        help="judge all that the topic holds and report; exit 1 if something would be rejected",
    )


def _add_rejected(commands: Any, parents: list[argparse.ArgumentParser]) -> None:
    text = "list what was rejected and why, or judge it again after a fix"
    command = commands.add_parser("rejected", parents=parents, help=text, description=text)
    command.add_argument("--topic", help="default: all topics")
    command.add_argument(
        "--replay",
        action="store_true",
        help="load what obeys the contract now, each message once, however often this is run",
    )


def _add_replay(commands: Any, parents: list[argparse.ArgumentParser]) -> None:
    text = "send files of events to a topic, merged by time"
    command = commands.add_parser("replay", parents=parents, help=text, description=text)
    command.add_argument("files", nargs="+", type=Path, metavar="FILE", help=_FILES)
    command.add_argument(
        "--shift-to-now",
        action="store_true",
        help="move all events by the same time, so that the last one is now",
    )


def _add_simulate(commands: Any, parents: list[argparse.ArgumentParser]) -> None:
    text = "send the events of made-up subscribers to a topic, or write them to a file"
    command = commands.add_parser("simulate", parents=parents, help=text, description=text)
    command.add_argument("--customers", type=_count, required=True, metavar="N")
    command.add_argument(
        "--days", type=_days, required=True, metavar="D", help=f"at most {_MOST_DAYS}"
    )
    command.add_argument(
        "--seed", type=int, default=1, help="the same seed and end give the same events"
    )
    command.add_argument(
        "--end", type=_moment, metavar="TIME", help="when the last day ends (default: now)"
    )
    command.add_argument(
        "--output", type=Path, metavar="FILE", help="write JSONL there instead of sending"
    )
    command.add_argument(
        "--truth",
        type=Path,
        metavar="FILE",
        help="write CSV there: how likely a lapse is, by customer and days, and what leads to it",
    )
    command.add_argument(
        "--horizon",
        type=_days,
        default=HORIZON_DAYS,
        metavar="DAYS",
        help=f"that the truth looks ahead: churn_horizon_days (default: {HORIZON_DAYS})",
    )
    for fault in ("duplicates", "out-of-order", "malformed"):
        command.add_argument(
            f"--{fault}", type=_share, default=0.0, metavar="SHARE", help="such as 1%% or 0.01"
        )


def _broker_options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument(
        "--bootstrap-servers",
        metavar="HOST:PORT",
        default=default_bootstrap_servers(),
        help="the Kafka cluster (default: $KAFKA_BOOTSTRAP_SERVERS or 127.0.0.1:9092)",
    )
    options.add_argument("--topic", default="churn.events", help="default: churn.events")
    options.add_argument(
        "--client",
        choices=CHOICES,
        default=KAFKA_PYTHON,
        help=f"the Kafka library; auto: librdkafka if installed (default: {KAFKA_PYTHON})",
    )
    return options


def _warehouse_options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument(
        "--into", choices=sorted(SINKS), default="duckdb", help="the warehouse (default: duckdb)"
    )
    return options


def _log_options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument(
        "--log-format", choices=FORMATS, default="text", help="of the log on standard error"
    )
    options.add_argument(
        "--log-seconds",
        type=_positive,
        default=LOG_SECONDS,
        metavar="S",
        help=f"between two lines on rate and lag (default: {LOG_SECONDS:.0f})",
    )
    return options


def _sending_options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--rate", type=_positive, metavar="R", help="events per second")
    options.add_argument(
        "--create-topic", action="store_true", help="create the topic if it does not exist"
    )
    options.add_argument(
        "--partitions",
        type=_count,
        default=DEFAULT_PARTITIONS,
        metavar="N",
        help=f"of a topic that is created (default: {DEFAULT_PARTITIONS})",
    )
    return options


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number above 0")
    return number


def _days(text: str) -> int:
    if (days := _count(text)) > _MOST_DAYS:
        raise argparse.ArgumentTypeError(f"'{text}' is more than {_MOST_DAYS} days")
    return days


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above 0")
    return number


def _share(text: str) -> float:
    try:
        share = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a share: write 1% or 0.01")
    return share


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        moment = datetime.min
    if not 1980 <= moment.year <= 9998:
        raise argparse.ArgumentTypeError(f"'{text}' is not a time: write 2026-01-31T12:00:00Z")
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
