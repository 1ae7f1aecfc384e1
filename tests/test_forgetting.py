"""Forgetting a customer: what is gone, what is kept, and that nothing brings it back."""

import json
from datetime import timedelta

import pytest

from embedded import forgetting
from embedded.engine import rewriting, storage
from outreach.senders.folder import FolderSender
from runtime.clock import utc_now
from tests.conftest import Pipeline, event
from tests.dbt import run_dbt
from tests.forgetting import (
    ADDRESS,
    ID,
    NAME,
    REJECTED_OF_OTHERS,
    VISITOR,
    alert_of,
    all_texts,
    files_with,
    fill,
    hand_over,
    mentions,
    names,
    rows_of,
)
from tests.outreach_fixtures import customer, run
from tests.recomputed import differing_rows

pytest_plugins = ("tests.outreach_fixtures",)
COUNTS = (
    "select * from retention_effect order by all",
    "select * from retention_money order by all",
    "select arm, churned, horizon_days, value, count(*) from outcomes group by all order by all",
    "select days, spend, has_left, count(*) from alert_spend group by all order by all",
    "select segment, arm, score, value_at_risk, created_at from high_risk_history order by all",
    "select provider, outcome, cost from llm_calls order by all",
    "select step, attempt, sender, noted_at from outbox order by all",
)


def command(customer_id: str = ID, dry_run: bool = False, check: bool = True):
    arguments = json.dumps({"customer_id": customer_id, "dry_run": dry_run})
    return run_dbt("run-operation", "forget_customer", "--args", arguments, check=check)


def forget(pipeline: Pipeline, customer_id: str = ID) -> list[str]:
    """Forget without dbt, to the end; return what is said."""
    answer = forgetting.forget_customer(pipeline.database, customer_id, "false")
    pipeline.close()
    return [sentence for *_, sentence in answer if sentence]


@pytest.fixture(scope="module")
def prepared(empty_pipelines, tmp_path_factory):
    """A pipeline with the customer in every table; each test gets a copy as `pipeline`."""
    path = empty_pipelines.copy("all", tmp_path_factory.mktemp("forgetting") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHURN_HOME", str(path))
        pipeline = Pipeline(path)
        fill(pipeline)
        pipeline.close()
    return path


def test_nothing_of_a_forgotten_customer_is_left_in_any_table_or_file(pipeline):
    texts = all_texts()
    found = mentions(pipeline, texts)
    assert set(found) > {
        "main.churn_scores_raw", "main.churn_events_rejected", "main.churn_scores",
        "main.churn_score_history", "main.high_risk_history", "main.outcomes", "main.alert_spend",
        "main.alert_events", "main.alert_assignments", "main.retention_emails", "main.llm_calls",
        "main.outbox", "main.suppressions", "main.training_snapshots", "main.train_churn_model",
        "main.churn_metrics_live", "main.customer_profiles", "main.customer_events",
        "main.customer_identities", "main.customer_merges",
        "embedded.set_aside", "embedded.task_history", "embedded.changes_churn_metrics_live",
    }  # fmt: skip
    pipeline.close()
    assert {NAME, ADDRESS, ID} <= files_with(pipeline.path, texts)["churn.duckdb"]
    before = [pipeline.rows(query) for query in COUNTS]
    said = command().stdout
    assert "  outcomes | 2 | made anonymous" in said
    assert "forget_customer: This customer is forgotten, since 20" in said
    assert mentions(pipeline, texts) == {}
    pipeline.close()
    assert files_with(pipeline.path, texts) == {}
    assert [pipeline.rows(query) for query in COUNTS] == before
    assert pipeline.rows("select message from churn_events_rejected order by kafka_offset") == [
        (one,) for one in REJECTED_OF_OTHERS
    ]
    assert pipeline.tick() is not None
    assert mentions(pipeline, texts) == {}


def test_rows_of_others_are_as_they_were(pipeline):
    """Bit by bit, and the pipeline goes on as if the customer had never been there."""
    before = rows_of(pipeline)
    forget(pipeline)
    after = rows_of(pipeline)
    texts = all_texts()
    for table, rows in before.items():
        if table in (
            "embedded.dynamic_tables",
            "embedded.refresh_states",
            "main.train_churn_model",
        ):
            continue
        gone = [row for row in rows if row not in after[table]]
        come = [row for row in after[table] if row not in rows]
        assert all(names(row, texts) for row in gone), table
        if table != "main.forgotten_customers":
            # Or the merge of another one that named it.
            assert all(names(row, ("forgotten", "em2")) for row in come), table
    pipeline.refresh()
    known = "select customer_id from churn_metrics_live order by 1"
    assert pipeline.rows(known) == [("7H0900",), ("K1",), ("K2",), ("K3",)]
    assert differing_rows(pipeline.connection) == {}


def test_a_dry_run_lists_what_there_is_and_changes_nothing(pipeline):
    command(dry_run=True)  # merges that came since the last refresh are known then
    before = rows_of(pipeline)
    said = command(dry_run=True).stdout
    assert data_of(rows_of(pipeline)) == data_of(before)
    for line in (
        "  churn_scores | 2 | removed", "  suppressions | 2 | removed",
        "  churn_events_rejected | 6 | removed", "  high_risk_history | 4 | made anonymous",
        "  outcomes | 2 | made anonymous", "  train_churn_model.status | 1 | made anonymous",
        "  churn_scores_raw.payload, merges of others | 1 | made anonymous",
    ):  # fmt: skip
        assert line in said


def test_nobody_and_somebody_twice(pipeline):
    before = rows_of(pipeline)
    assert command("nobody").stdout.count("There is no such customer.") == 1
    assert "There is no such customer." in command('") or 1 = 1 --').stdout
    assert command(" ", check=False).returncode
    assert data_of(rows_of(pipeline)) == data_of(before)
    forget(pipeline)
    after = rows_of(pipeline)
    for one in (ID, VISITOR):
        [again] = forget(pipeline, one)
        assert again.startswith("This customer is forgotten, since 20")
    assert data_of(rows_of(pipeline)) == data_of(after)
    assert pipeline.one("select count(distinct salt) from forgotten_customers") == 1
    assert len(pipeline.rows("select id_hash from forgotten_customers")) == 2


def data_of(rows: dict) -> dict:
    return {table: found for table, found in rows.items() if table.startswith("main.")}


def test_any_of_the_ids_forgets_all_of_them(pipeline):
    forget(pipeline, VISITOR)
    assert mentions(pipeline, all_texts()) == {}


def test_a_message_that_was_not_handed_over_is_not_sent(pipeline):
    outbox = pipeline.path / "outbox"
    assert {file.stem for file in outbox.iterdir()} == {
        alert_of(one, "sent") for one in (ID, "K1", "7H0900")
    }
    forget(pipeline)
    states = "select count(*) from alert_states where customer_id like 'forgotten-%' and state = ?"
    assert pipeline.one(states, "SUPPRESSED") == 2  # queued, and waiting for approval
    assert hand_over(pipeline) == []
    assert {file.stem for file in outbox.iterdir()} == {
        *(alert_of(one, "sent") for one in ("K1", "7H0900")),
        alert_of("7H0900", "queued"),  # K1 is suppressed
    }
    assert pipeline.rows("from unresolved_messages") == []


def test_while_a_message_is_being_handed_over_nothing_is_done(pipeline):
    claimed = pipeline.call("claim_message", {"claim_id": "c", "sender": "folder"})
    assert len(claimed) == 1
    own = alert_of(ID, "queued")
    pipeline.connection.execute(
        "update outbox set alert_id = ?, customer_id = ? where detail = 'c'", [own, ID]
    )
    before = rows_of(pipeline)
    [said] = forget(pipeline)
    assert said.startswith("A message to this customer is being handed over")
    assert data_of(rows_of(pipeline)) == data_of(before)
    noted = {"alert_id": own, "step": "FAILED", "sender": "folder", "detail": ""}
    assert pipeline.call("note_delivery", noted) == []
    forget(pipeline)
    assert mentions(pipeline, all_texts()) == {}


def test_alerts_that_were_open_never_close(pipeline):
    """Nobody knows what became of them: without events everybody would seem to have left."""
    forget(pipeline)
    later = utc_now() + timedelta(days=200)
    pipeline.add(event("late", "K1", "purchase", later, amount=1.0), loaded_at=later)
    pipeline.refresh()
    run(pipeline, "advance_alerts", later)
    closed = (
        "select left(alerts.customer_id, 9), count(*) from {} as closed"
        " inner join high_risk_history as alerts using (alert_id) group by all"
    )
    outcomes = dict(pipeline.rows(closed.format("outcomes")))
    assert outcomes == {"forgotten": 2, "K1": 4, "7H0900": 4}
    spans = dict(pipeline.rows(closed.format("alert_spend")))
    assert spans == {"forgotten": 4, "K1": 8, "7H0900": 8}


def test_an_answer_of_the_llm_that_comes_too_late_is_not_kept(pipeline):
    late = {
        "alert_id": alert_of(ID, "drafted"), "purpose": "write", "attempt": "1",
        "outcome": "replied", "detail": "", "reply": NAME, "prompt_tokens": "1",
        "reply_tokens": "1", "seconds": "1",
    }  # fmt: skip
    forget(pipeline)
    pipeline.call("note_llm_call", late)
    assert mentions(pipeline, all_texts()) == {}


class Killed(BaseException):
    """Ends what is under way at that place, as a kill does."""


@pytest.mark.parametrize(
    ("where", "what"),
    [
        (forgetting, "ask_for_rewriting"),  # within the transaction
        (storage, "rewrite_if_due"),  # after it
        (rewriting, "_sync"),  # the copy is in its place
        (FolderSender, "remove"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_a_killed_process_began_the_next_one_ends(pipeline, monkeypatch, where, what):
    def die(*_, **__):
        raise Killed

    home, texts = pipeline.path, all_texts()
    letter = home / "outbox" / f"{alert_of(ID, 'sent')}.eml"
    with monkeypatch.context() as patch:
        patch.setattr(where, what, die)
        with pytest.raises(Killed):
            forgetting.forget_customer(pipeline.database, ID, "false")
            pipeline.close()
            pipeline.rows("select 1")
    pipeline.close()
    after = Pipeline(home)
    assert forgetting.is_all_forgotten(home)
    if what == "ask_for_rewriting":
        assert mentions(after, texts)
        assert letter.exists()
        forget(after)
    assert mentions(after, texts) == {}
    after.close()
    assert files_with(home, texts) == {}
    assert not letter.exists()


def test_a_full_disk_keeps_the_old_file_and_says_so(pipeline, monkeypatch, caplog):
    def full(*_):
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(rewriting, "_copy", full)
        forgetting.forget_customer(pipeline.database, ID, "false")
        pipeline.close()
        assert mentions(pipeline, all_texts()) == {}
        assert "what was deleted is still in the bytes" in caplog.text
        assert not forgetting.is_all_forgotten(pipeline.path)
        pipeline.close()
        assert "churn.duckdb" in files_with(pipeline.path, all_texts())
    command()
    pipeline.close()
    assert files_with(pipeline.path, all_texts()) == {}


def test_after_a_copy_new_events_are_seen_and_no_old_one_twice(empty_pipeline):
    """The numbers of rows begin again, and dynamic tables go by them."""
    for number in range(6):
        empty_pipeline.add(*customer(f"c{number}"))
    empty_pipeline.refresh()
    empty_pipeline.connection.execute("delete from churn_scores_raw where customer_id = 'c0'")
    empty_pipeline.refresh()
    rewriting.ask_for_rewriting(empty_pipeline.path)
    empty_pipeline.close()
    empty_pipeline.add(*customer("c6"))
    assert not rewriting.is_rewriting_due(empty_pipeline.path)
    empty_pipeline.refresh()
    empty_pipeline.add(*customer("c7"))
    empty_pipeline.refresh()
    known = "select customer_id from churn_metrics_live order by 1"
    assert [one for (one,) in empty_pipeline.rows(known)] == [f"c{n}" for n in range(1, 8)]
    assert differing_rows(empty_pipeline.connection) == {}
