"""`python -m outreach run`: one process a lake that asks the LLM and hands messages over.

Apart from the scheduler, so that a slow LLM or mail server holds up no refresh and no alert.
"""

import time
from threading import Event

import duckdb

from embedded.changes import changes_since, current_snapshot
from embedded.database import connect, lake_path
from embedded.schedule import ending_with_the_engine
from outreach.asking import ask_waiting
from outreach.delivery import hand_over_waiting, resolve_interrupted
from outreach.senders import Sender
from outreach.senders.choice import open_sender
from outreach.settings import read_settings
from runtime.command_line import report
from runtime.errors import EngineError, first_line
from runtime.signals import stop_on_signals
from runtime.single_process import single_process

_LOOK_SECONDS = 1.0
# Time alone makes a message due again: a try that failed, a customer who was written to lately.
_LOOK_AT_LATEST_SECONDS = 30.0
# Where it is written that there may be something to do at once.
_MESSAGES = "outbox"
_TOLD_BY = {"alert_events", "llm_calls", _MESSAGES}


def work(*, once: bool = False) -> None:
    """Do what there is to do, again and again until SIGTERM or SIGINT; raises EngineError."""
    stop = stop_on_signals()
    sender = open_sender(lake_path())
    with (
        connect(create=False) as connection,
        single_process(
            lake_path(), "outreach", "messages of this lake are handled", stop
        ) as is_ours,
        ending_with_the_engine(),
    ):
        if not is_ours:
            return
        resolve_interrupted(connection, sender, report)
        if once:
            _pass(connection, sender, stop, _TOLD_BY)
        else:
            _passes(connection, sender, stop)


def _passes(connection: duckdb.DuckDBPyConnection, sender: Sender, stop: Event) -> None:
    seen, looked = 0, 0.0
    while not stop.wait(_LOOK_SECONDS):
        try:
            snapshot = current_snapshot(connection)
            changed = _TOLD_BY
            if time.monotonic() - looked < _LOOK_AT_LATEST_SECONDS:
                if snapshot == seen:
                    continue
                changed = _TOLD_BY & {one.table for one in changes_since(connection, seen)}
            else:
                looked = time.monotonic()
            seen = snapshot  # what is committed meanwhile is looked at twice
            if changed:
                _pass(connection, sender, stop, changed)
        except duckdb.FatalException:
            raise
        except (duckdb.Error, EngineError) as error:
            report(f"messages: {first_line(error)}; trying again")
            stop.wait(_LOOK_AT_LATEST_SECONDS)


def _pass(
    connection: duckdb.DuckDBPyConnection, sender: Sender, stop: Event, changed: set[str]
) -> None:
    """Ask about alerts and hand messages over, if there are any; without any nothing is written."""
    settings = read_settings(connection)
    if _is_any(connection, "waiting_for_llm"):
        drafts = ask_waiting(connection, settings, stop.is_set)
        report(f"messages: {drafts} drafted")
    is_approved = _is_any(connection, "alert_states where state = 'APPROVED'")
    if is_approved or (_MESSAGES in changed and _is_any(connection, "waiting_messages")):
        count = hand_over_waiting(connection, sender, settings, report, stop.is_set)
        if count:
            report(f"messages: {count} handed over to {sender.name}")


def _is_any(connection: duckdb.DuckDBPyConnection, rows: str) -> bool:
    return connection.execute(f"select 1 from {rows} limit 1").fetchone() is not None
