"""The command line of the embedded engine: demo, up, schedule, tick, query and export."""

import argparse
import os
import sys
from datetime import datetime, timezone
from pathlib import Path

from embedded.broker import DEFAULT_PORT
from embedded.dashboard import DASHBOARD_HOST, DASHBOARD_PORT, Place
from embedded.session import DEFAULT_ROLE, existing_database
from ingest.libraries import CHOICES, KAFKA_PYTHON
from runtime.command_line import run_command

_LAST_PORT = 65_535


def main() -> int:
    """Run one command; return 0, or 1 after one line on what is wrong."""
    from embedded.engine.dbt import is_at_work

    code = run_command(_parser())
    if is_at_work():  # Python cannot end in order while DuckDB computes in a thread
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _demo(arguments: argparse.Namespace) -> None:
    from embedded.demo import demo

    demo(as_json=arguments.json, dashboard=_place(arguments))


def _up(arguments: argparse.Namespace) -> None:
    from embedded.up import up

    up(
        port=arguments.port,
        topic=arguments.topic,
        bootstrap_servers=arguments.bootstrap_servers,
        client=arguments.client,
        dashboard=_place(arguments),
    )


def _place(arguments: argparse.Namespace) -> Place | None:
    if arguments.no_dashboard:
        return None
    return Place(arguments.dashboard_host, arguments.dashboard_port)


def _schedule(_: argparse.Namespace) -> None:
    from embedded.up import schedule

    schedule()


def _tick(arguments: argparse.Namespace) -> int:
    from embedded.engine.scheduler import tick
    from embedded.parts import ending_with_the_engine
    from embedded.summary import scoring_line

    with existing_database().session() as opened, ending_with_the_engine():
        done = tick(opened, arguments.as_of)
        with opened.cursor() as connection:
            line = scoring_line(connection)
    sys.stdout.write("\n".join([*done.summary_lines(), *filter(None, [line])]) + "\n")
    return int(done.has_failed)


def _query(arguments: argparse.Namespace) -> None:
    from embedded.query import query

    query(arguments.sql, arguments.role, arguments.max_rows)


def _export(arguments: argparse.Namespace) -> None:
    from embedded.export import export

    for name, rows in export(existing_database(), arguments.folder):
        sys.stdout.write(f"{name}: {rows:,} rows\n")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        example = "2026-01-31T12:00:00Z"
        raise argparse.ArgumentTypeError(f"not a moment like {example}: {text}") from error
    return moment.astimezone(timezone.utc).replace(tzinfo=None) if moment.tzinfo else moment


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"not a port from 0 to {_LAST_PORT}: {text}")
    return int(text)


def _add_place(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--dashboard-port", type=_port, default=DASHBOARD_PORT, help="default: 8501"
    )
    command.add_argument(
        "--dashboard-host",
        default=DASHBOARD_HOST,
        help="the address that the dashboard listens on (default: 127.0.0.1, this machine only)",
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m embedded", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="the whole pipeline on real events, then the dashboard")
    demo.add_argument("--no-dashboard", action="store_true", help="stop after the summary")
    _add_place(demo)
    demo.add_argument("--json", action="store_true", help="the summary as one JSON line, last")
    demo.set_defaults(run=_demo)

    up = commands.add_parser("up", help="all parts in one process, until Ctrl-C")
    up.add_argument(
        "--port", type=_port, default=DEFAULT_PORT, help="of the broker (default: 9092)"
    )
    up.add_argument("--topic", default="churn.events", help="default: churn.events")
    up.add_argument("--bootstrap-servers", help="use this Kafka cluster instead of an own broker")
    up.add_argument("--client", choices=CHOICES, default=KAFKA_PYTHON, help="what the loader uses")
    up.add_argument("--no-dashboard", action="store_true")
    _add_place(up)
    up.set_defaults(run=_up)

    schedule = commands.add_parser(
        "schedule", help="one pass after the other until it is stopped, without the rest of `up`"
    )
    schedule.set_defaults(run=_schedule)

    tick = commands.add_parser(
        "tick", help="one pass: refresh what changed, run tasks that are due"
    )
    tick.add_argument("--as-of", type=_moment, help="the moment in UTC to act as of (default: now)")
    tick.set_defaults(run=_tick)

    export = commands.add_parser("export", help="every table as a Parquet file")
    export.add_argument("folder", type=Path, help="a new or empty folder")
    export.set_defaults(run=_export)

    query = commands.add_parser("query", help="read the database with one select statement")
    query.add_argument("sql", help='for example "select * from manager_risk_queue"')
    query.add_argument("--role", default=DEFAULT_ROLE, help="whose view to preview")
    query.add_argument("--max-rows", type=int, default=40)
    query.set_defaults(run=_query)
    return parser


if __name__ == "__main__":
    sys.exit(main())
