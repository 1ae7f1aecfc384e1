"""All that the dashboard writes: moves of alerts, edits of drafts, who sees to what by when.

Each ends in a procedure of the same name on both engines. It decides who may do what to which
alert, writes down who did it, and answers with a sentence for what is not allowed, and for each
approved alert that is held out.
"""

import json
from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

import pandas as pd
from connection import DUCKDB, Away, Source, at_hand, in_full, snowflake_session
from data import outreach
from data.changes import forget

PATIENCE_SECONDS = 5.0  # that a button waits for another process that has the database file


class Answer(NamedTuple):
    """What there is to say of an alert, as a sentence: why something was refused, in most cases."""

    alert_id: str
    sentence: str
    kind: str = "refused"  # or held_out: approved, and nothing is sent

    @property
    def is_held_out(self) -> bool:
        """Whether the alert was approved and is held out."""
        return self.kind == "held_out"


def move(
    source: Source, chosen: pd.DataFrame, to_state: str, reason: str, revision: str | None = None
) -> list[Answer]:
    """Move alerts to a state, as far as that is allowed; return what was refused, and held out.

    chosen: alert_id and customer_id of each. revision: of the one draft that was read.
    """
    customers = _customers(chosen)
    given = {"alert_ids": json.dumps(list(customers)), "to_state": to_state}
    given |= {"reason": reason.strip(), "revision": revision}
    return _call(source, "move_alerts", given, customers)


def edit_draft(source: Source, alert_id: str, subject: str, body: str) -> list[Answer]:
    """Give a draft new words, as its next revision; return why they were refused, if they were."""
    given = {"alert_id": alert_id, "subject": subject.strip(), "body": body.strip()}
    shown = outreach.alert(source, alert_id) or {}
    return _call(source, "edit_draft", given, {alert_id: shown.get("customer_id", "")})


def assign(source: Source, chosen: pd.DataFrame, owner: str, due_on: date | None) -> list[Answer]:
    """Say who sees to alerts, and by when; return what was refused."""
    customers = _customers(chosen)
    given = {"alert_ids": json.dumps(list(customers)), "owner": owner.strip()}
    due = due_on.isoformat() if due_on else None
    return _call(source, "assign_alerts", given | {"due_on": due}, customers)


def _customers(chosen: pd.DataFrame) -> dict[str, str]:
    return dict(zip(chosen["alert_id"], chosen["customer_id"], strict=True))


def _call(
    source: Source,
    procedure: str,
    arguments: dict[str, str | None],
    customers: Mapping[str, str],
) -> list[Answer]:
    """Call a procedure for alerts, given with their customers."""
    answer = _call_duckdb if source.backend == DUCKDB else _call_snowflake
    try:
        with at_hand(source, PATIENCE_SECONDS):
            rows = answer(source, procedure, arguments)
    except Away as error:
        return [Answer(one, f"Nothing was changed: {error}.") for one in customers]
    forget(source, customers)
    return [Answer(*row) for row in rows]


def _call_duckdb(source: Source, procedure: str, arguments: dict[str, str | None]) -> list[tuple]:
    from embedded.engine.procedures import call
    from embedded.session import existing_database

    return call(existing_database(), procedure, arguments, role=source.role)


def _call_snowflake(_: Source, procedure: str, arguments: dict[str, str | None]) -> list[tuple]:
    named = ", ".join(f"{name} => ?" for name in arguments)
    rows = (
        snowflake_session()
        .sql(f"call {in_full(procedure)}({named})", params=list(arguments.values()))
        .collect()
    )
    return [tuple(row) for row in rows]
