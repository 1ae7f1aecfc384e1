"""All that the dashboard writes: moves of alerts, edits of drafts, who sees to what by when.

Each ends in a procedure of the same name on both engines, which decides what is allowed and answers
with a sentence for what is not, and for each approved alert that is held out. What the asking role
does not see, it cannot move.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from connection import DUCKDB, Away, Source, at_hand, query, snowflake_session
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


def move(source: Source, alert_ids: Sequence[str], to_state: str, reason: str) -> list[Answer]:
    """Move alerts to a state, as far as that is allowed; return what was refused, and held out."""
    arguments = {"to_state": to_state, "reason": reason.strip()}
    return _call_for(source, "move_alerts", alert_ids, lambda ids: ids | arguments)


def edit_draft(source: Source, alert_id: str, subject: str, body: str) -> list[Answer]:
    """Give a draft new words, as its next revision; return why they were refused, if they were."""
    arguments = {"alert_id": alert_id, "subject": subject.strip(), "body": body.strip()}
    return _call_for(source, "edit_draft", [alert_id], lambda _: arguments)


def assign(
    source: Source, alert_ids: Sequence[str], owner: str, due_on: date | None
) -> list[Answer]:
    """Say who sees to alerts, and by when; return what was refused."""
    arguments = {"owner": owner.strip(), "due_on": due_on.isoformat() if due_on else None}
    return _call_for(source, "assign_alerts", alert_ids, lambda ids: ids | arguments)


def viewer(source: Source) -> str:
    """Return who is looking: on Snowflake the viewer's login, on the laptop the user and role."""
    return f"{source.viewer} as {source.role}" if source.backend == DUCKDB else source.viewer


def _call_for(
    source: Source,
    procedure: str,
    alert_ids: Sequence[str],
    arguments: Callable[[dict[str, str | None]], dict[str, str | None]],
) -> list[Answer]:
    """Call a procedure for those of the alerts that this role sees.

    `arguments` makes its arguments of the one that names these alerts.
    """
    try:
        with at_hand(source, PATIENCE_SECONDS):
            visible, refused = _visible(source, alert_ids)
            if visible:
                given = arguments({"alert_ids": json.dumps(list(visible))})
                refused += _call(source, procedure, given, visible)
            return refused
    except Away as error:
        return [Answer(one, f"Nothing was changed: {error}.") for one in alert_ids]


def _visible(source: Source, alert_ids: Sequence[str]) -> tuple[dict[str, str], list[Answer]]:
    """Return the alerts that this role sees, with their customers, and refuse the others."""
    wanted = list(dict.fromkeys(alert_ids))
    marks = ", ".join("?" for _ in wanted) or "null"
    found = query(
        source,
        f"select alert_id, customer_id from manager_outreach where alert_id in ({marks})",
        wanted,
    )
    visible = dict(zip(found["alert_id"], found["customer_id"], strict=True))
    return visible, [Answer(one, "There is no such alert.") for one in wanted if one not in visible]


def _call(
    source: Source,
    procedure: str,
    arguments: dict[str, str | None],
    customers: Mapping[str, str],
) -> list[Answer]:
    answer = _call_duckdb if source.backend == DUCKDB else _call_snowflake
    rows = answer(source, procedure, {**arguments, "actor": viewer(source)})
    forget(source, customers)
    return [Answer(*row) for row in rows]


def _call_duckdb(source: Source, procedure: str, arguments: dict[str, str | None]) -> list[tuple]:
    from embedded.engine.procedures import call
    from embedded.session import existing_database

    return call(existing_database(), procedure, arguments)


def _call_snowflake(_: Source, procedure: str, arguments: dict[str, str | None]) -> list[tuple]:
    named = ", ".join(f"{name} => ?" for name in arguments)
    rows = (
        snowflake_session()
        .sql(f"call {procedure}({named})", params=list(arguments.values()))
        .collect()
    )
    return [tuple(row) for row in rows]
