"""Messages on the laptop: ask the LLM, hand over what was approved, note what became of it."""

import argparse
import sys

from embedded.session import existing_database
from outreach.senders import Delivery
from runtime.command_line import run_command
from runtime.signals import stop_on_signals
from runtime.user import user_name


def main() -> int:
    """Run one command; return 0, or 1 after one line on what is wrong."""
    return run_command(_parser())


def _run(arguments: argparse.Namespace) -> None:
    from outreach.work import work

    work(existing_database(), stop_on_signals(), once=arguments.once)


def _note(arguments: argparse.Namespace) -> int:
    from outreach.delivery import note

    delivery = Delivery(arguments.step.upper(), arguments.detail)
    return _say(note(existing_database(), arguments.alert_id, delivery, user_name()))


def _suppress(arguments: argparse.Namespace) -> int:
    from embedded.engine.procedures import call

    given = {"customer_id": arguments.customer_id, "reason": arguments.reason}
    return _say(call(existing_database(), "suppress_customer", given))


def _unresolved(_: argparse.Namespace) -> int:
    rows = existing_database().rows("from unresolved_messages order by noted_at")
    for alert_id, message_id, step, sender, detail, noted_at in rows:
        sys.stdout.write(f"{alert_id} {step} by {sender} at {noted_at}: {detail} ({message_id})\n")
    if rows:
        sys.stdout.write(
            "look whether they arrived, then: python -m outreach note ALERT handed_over|failed\n"
        )
    return int(bool(rows))


def _pack(_: argparse.Namespace) -> None:
    from outreach.pack import pack

    sys.stdout.write(f"{pack()}\n")


def _say(answer: list[tuple]) -> int:
    for _, sentence in answer:
        sys.stderr.write(f"{sentence}\n")
    return int(bool(answer))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m outreach", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="ask and hand over until it is stopped: what `up` runs")
    run.add_argument("--once", action="store_true", help="what there is to do now, then end")
    run.set_defaults(run=_run)

    note = commands.add_parser("note", help="what became of a message")
    note.add_argument("alert_id")
    note.add_argument(
        "step", help="bounced, invalid_address, replied, unsubscribed, handed_over or failed"
    )
    note.add_argument("detail", nargs="?", default="")
    note.set_defaults(run=_note)

    suppress = commands.add_parser("suppress", help="never write to a customer again")
    suppress.add_argument("customer_id")
    suppress.add_argument("reason", help="unsubscribed, complained, ...")
    suppress.set_defaults(run=_suppress)

    unresolved = commands.add_parser("unresolved", help="messages of which nobody knows")
    unresolved.set_defaults(run=_unresolved)

    pack = commands.add_parser("pack", help="zip what Snowflake imports into target/outreach.zip")
    pack.set_defaults(run=_pack)
    return parser


if __name__ == "__main__":
    sys.exit(main())
