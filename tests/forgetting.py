"""A customer to be forgotten, in every table and file of a pipeline, and how to look for one."""

import json
from datetime import timedelta
from hashlib import md5
from pathlib import Path

from embedded.engine.storage import transact
from outreach.delivery import hand_over_waiting
from outreach.senders.choice import open_sender
from outreach.settings import read_settings
from runtime.clock import utc_now
from tests.conftest import Pipeline, event
from tests.outreach_fixtures import REASONS, customer, run

ID, VISITOR, NAME = "H0900", "guest-0900", "Wilhelmina Kaesebier"
ADDRESS = "w.kaesebier@example.org"
TEXTS = (ID, VISITOR, NAME, ADDRESS)
# The last one ends as the forgotten one. None begins so: the file's statistics keep first bytes.
OTHERS = ("K1", "K2", "K3", "7H0900")
RIGHTS = {"reason": "", "revision": None}
# What a producer got wrong about the customer, and about others.
REJECTED = (
    b'{"customer_id": "H0900", "event_type": 7}',
    b'{"customer": "H0900"}',
    b"H0900;purchase;\xff\xfe",
    b'{"customer_id": 9, "name": "Wilhelmina Kaesebier"}',
    b'{"to": "W.KAESEBIER@EXAMPLE.ORG"}',
    b'{"customer_id":"guest-0900"}',
)
REJECTED_OF_OTHERS = (
    b'{"customer_id": "7H0900", "event_type": 7}',
    b'{"customer_id": "H09001", "event_type": 7}',
    b"\x00\x01",
    b'{"customer_id": "K1", "name": "Wilhelmina", "sent_by": "crm-H0900-import"}',
)


def alert_of(customer_id: str, what: str) -> str:
    """Return an alert's id, which is computed from the customer's as the pipeline does it."""
    return md5(f"{customer_id}|{what}".encode(), usedforsecurity=False).hexdigest()


def all_texts() -> tuple[str, ...]:
    """Return all that must be gone, with the ids of alerts, which are computed from the id."""
    return (*TEXTS, *(alert_of(ID, what) for what in ("sent", "held", "queued", "drafted")))


def fill(pipeline: Pipeline) -> None:
    """Give the pipeline the customer and others, in every table that can hold one."""
    own = {"name": NAME, "email": ADDRESS}
    pipeline.add(*customer(ID, **own), *customer(VISITOR, **own))
    pipeline.add(*(one for other in OTHERS for one in customer(other)))
    now = utc_now()
    pipeline.add(
        *(
            event(f"{one}-{day}", one, "purchase", now - timedelta(days=day), amount=5.0 + day)
            for one in (ID, *OTHERS)
            for day in range(1, 120, 3)
        ),
        event("m1", ID, "customer_merged", now, properties={"merged_id": VISITOR}),
        # Not followed, because the visitor was merged before: yet its row names the id.
        event("m2", "K3", "customer_merged", now, properties={"merged_id": VISITOR}),
    )
    pipeline.tick()
    for step in (_past_alerts, _present_alerts):
        for one in (ID, "K1", "7H0900"):
            step(pipeline, one)
    _elsewhere(pipeline, now)
    # What no task has read yet stands in the engine's logs.
    pipeline.add(*(event(f"{one}-late", one, "purchase", now, amount=3.0) for one in (ID, "K1")))
    pipeline.refresh()


def _past_alerts(pipeline: Pipeline, one: str) -> None:
    """Raise an alert to be sent and one to be held out, of which the outcome is known."""
    for what, arm in (("sent", "treated"), ("held", "holdout")):
        _raise(pipeline, one, what, arm)
        assert len(pipeline.call("move_alerts", _approval(one, what))) == int(what == "held")
    hand_over(pipeline)
    # As if all of it had been long ago.
    for table, column in (
        ("high_risk_history", "created_at"), ("outbox", "noted_at"),
        ("alert_events", "occurred_at"),
    ):  # fmt: skip
        pipeline.connection.execute(
            f"update {table} set {column} = {column} - interval '100 days'"
            " where alert_id in (?, ?)",
            [alert_of(one, "sent"), alert_of(one, "held")],
        )
    run(pipeline, "advance_alerts")


def _present_alerts(pipeline: Pipeline, one: str) -> None:
    """Raise one whose message waits to be handed over, and one that waits for approval."""
    for what in ("queued", "drafted"):
        _raise(pipeline, one, what, "treated")
    assert pipeline.call("move_alerts", _approval(one, "queued")) == []
    pipeline.call("queue_messages", {})
    drafted = alert_of(one, "drafted")
    (subject, body) = pipeline.rows(
        "select subject, body from current_drafts where alert_id = ?", drafted
    )[0]
    edited = {"alert_id": drafted, "subject": subject + ", dear friend", "body": body}
    assert pipeline.call("edit_draft", edited) == []
    given = {"alert_ids": json.dumps([drafted]), "owner": "bob", "due_on": None}
    assert pipeline.call("assign_alerts", given) == []


def _raise(pipeline: Pipeline, one: str, what: str, arm: str) -> None:
    pipeline.connection.execute(
        "insert into high_risk_history values"
        " (?, ?, 0.5, 0.2, 10.0, ?, 'thank_you', ?, 'OPEN', 'm', ?, 'default', null, 10,"
        " 'approval')",
        [alert_of(one, what), one, REASONS, arm, utc_now()],
    )
    run(pipeline, "sweep_silent_customers")


def _approval(one: str, what: str) -> dict:
    return {"alert_ids": json.dumps([alert_of(one, what)]), "to_state": "APPROVED", **RIGHTS}


def hand_over(pipeline: Pipeline) -> list[str]:
    """Hand over what waits; return what is said about it."""
    said: list[str] = []
    settings = read_settings(pipeline.connection)
    hand_over_waiting(pipeline.database, open_sender(pipeline.path), settings, said.append)
    return said


def _elsewhere(pipeline: Pipeline, now) -> None:
    """Write rows where training, scoring, the LLM, the engine and the loader would."""

    def work(open_) -> None:
        for one in (ID, VISITOR, "K1"):
            open_.execute(
                "insert into churn_scores by name select ? as customer_id, 0.4 as score,"
                " 'low' as band, '[]' as top_reasons, ? as scored_at", [one, now],
            )  # fmt: skip
            open_.execute(
                "insert into churn_score_history by name select * from churn_scores"
                " where customer_id = ?", [one],
            )  # fmt: skip
            open_.execute(
                "insert into suppressions values (?, 'asked', ?, ?)", [one, f"{one}'s friend", now]
            )
            open_.execute(
                "insert into training_snapshots by name select ? as customer_id,"
                " date '2026-01-01' as cutoff_date", [one],
            )  # fmt: skip
            if one == VISITOR:
                continue
            open_.execute(
                "insert into llm_calls by name select ? as call_id, ? as alert_id, 'ollama' as"
                " provider, 'accepted' as outcome, ? as reply, 0.5 as cost, ? as called_at",
                [
                    f"call-{one}",
                    alert_of(one, "sent"),
                    f"Dear {NAME if one == ID else 'Ada'}, {one}",
                    now,
                ],
            )
            open_.execute(
                "insert into embedded.set_aside values ('t', 'd', ?, ?, ?)",
                [json.dumps({"customer_id": one}), f"{one}: no number", now],
            )
            open_.execute(
                "insert into embedded.task_history values ('t', 'FAILED', ?, ?, ?, 1.0)",
                [f"value '{one}' is no number", now, now],
            )
        open_.executemany(
            "insert into churn_events_rejected by name select $1 as message, 'broken' as reason,"
            " 'test' as kafka_topic, 1 as kafka_partition, $2 as kafka_offset, $3 as loaded_at",
            [(one, place, now) for place, one in enumerate((*REJECTED, *REJECTED_OF_OTHERS))],
        )
        open_.execute(
            "update train_churn_model set status = 'trained without 2 of 9 rows that are no"
            f" numbers, of customers {ID}, K1'"
        )

    transact(pipeline.connection, work)


def rows_of(pipeline: Pipeline) -> dict[str, list[tuple]]:
    """Return every row of every table, as texts."""
    tables = pipeline.rows(
        "select schema_name, table_name from duckdb_tables()"
        " where database_name = 'churn' and not temporary order by 1, 2"
    )
    return {
        f"{schema}.{table}": pipeline.rows(
            f'select columns(*)::varchar from churn.{schema}."{table}"'
        )
        for schema, table in tables
    }


def mentions(pipeline: Pipeline, texts: tuple[str, ...]) -> dict[str, list[tuple]]:
    """Return the rows that hold one of the texts as such, by table."""
    found = {}
    for table, rows in rows_of(pipeline).items():
        hits = [row for row in rows if names(row, texts)]
        if hits:
            found[table] = hits
    return found


def names(row: tuple, texts: tuple[str, ...]) -> bool:
    """Tell whether one of the texts stands in a row."""
    said = _without_others("\n".join(value or "" for value in row).lower())
    return any(text.lower() in said for text in texts)


def files_with(home: Path, texts: tuple[str, ...]) -> dict[str, set[str]]:
    """Return which files below a folder hold which of the texts in their bytes."""
    found = {}
    for file in sorted(home.rglob("*")):
        content = (
            _without_others(file.read_bytes().lower().decode("latin-1")).encode("latin-1")
            if file.is_file()
            else b""
        )
        hits = {text for text in texts if text.lower().encode() in content}
        if hits:
            found[str(file.relative_to(home))] = hits
    return found


def _without_others(text: str) -> str:
    for one in ("7h0900", "h09001", "crm-h0900-import"):
        text = text.replace(one, "")
    return text
