"""One process or thread per database that asks the LLM and hands messages over.

Apart from the scheduler, so that a slow LLM or mail server holds up no refresh and no alert. Nobody
keeps the database file while either of them is waited for.
"""

import time
from threading import Event

import duckdb

from embedded.engine.storage import Database
from outreach.asking import ask_waiting
from outreach.delivery import hand_over_waiting, resolve_interrupted
from outreach.senders import Sender
from outreach.senders.choice import open_sender
from outreach.settings import read_settings
from runtime.command_line import report
from runtime.errors import EngineError, first_line
from runtime.single_process import single_process

_LOOK_SECONDS = 1.0
# Time alone makes a message due again: a try that failed, a customer who was written to lately.
_LOOK_AT_LATEST_SECONDS = 30.0
# Where it is written that there may be something to do at once; rows are only ever added.
_MESSAGES = "outbox"
_TOLD_BY = ("alert_events", "llm_calls", _MESSAGES)


def work(database: Database, stop: Event, *, once: bool = False) -> None:
    """Do what there is to do, again and again until `stop` is set; raises EngineError."""
    sender = open_sender(database.home)
    told = "messages of this database are handled"
    with single_process(database.home, "outreach", told, stop) as is_ours:
        if not is_ours:
            return
        resolve_interrupted(database, sender, report)
        if once:
            _pass(database, sender, stop, set(_TOLD_BY))
        else:
            _passes(database, sender, stop)


def _passes(database: Database, sender: Sender, stop: Event) -> None:
    seen: dict[str, int] = {}
    looked = 0.0
    while not stop.wait(_LOOK_SECONDS):
        try:
            counts = _counts(database)
            changed = {table for table in _TOLD_BY if counts[table] != seen.get(table)}
            if time.monotonic() - looked >= _LOOK_AT_LATEST_SECONDS:
                changed, looked = set(_TOLD_BY), time.monotonic()
            seen = counts  # what is committed meanwhile is looked at twice
            if changed:
                _pass(database, sender, stop, changed)
        except duckdb.FatalException:
            raise
        except (duckdb.Error, EngineError) as error:
            report(f"messages: {first_line(error)}; trying again")
            stop.wait(_LOOK_AT_LATEST_SECONDS)


def _counts(database: Database) -> dict[str, int]:
    counts = ", ".join(f"(select count(*) from {table})" for table in _TOLD_BY)
    return dict(zip(_TOLD_BY, database.rows(f"select {counts}")[0], strict=True))


def _pass(database: Database, sender: Sender, stop: Event, changed: set[str]) -> None:
    """Ask about alerts and hand messages over, if there are any; without any nothing is written."""
    with database.session() as opened, opened.cursor() as connection:
        settings = read_settings(connection)
    if _is_any(database, "waiting_for_llm"):
        drafts = ask_waiting(database, settings, stop.is_set)
        report(f"messages: {drafts} drafted")
    is_approved = _is_any(database, "alert_states where state = 'APPROVED'")
    if is_approved or (_MESSAGES in changed and _is_any(database, "waiting_messages")):
        count = hand_over_waiting(database, sender, settings, report, stop.is_set)
        if count:
            report(f"messages: {count} handed over to {sender.name}")


def _is_any(database: Database, rows: str) -> bool:
    return bool(database.rows(f"select 1 from {rows} limit 1"))
