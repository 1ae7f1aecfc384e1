"""Alerts move as the table of moves says; who may not be written to is never queued."""

import json
import shutil
from datetime import timedelta

import pytest

from runtime.clock import utc_now
from runtime.errors import EngineError
from runtime.user import user_name
from tests.conftest import event
from tests.dbt import PROJECT, render, run_dbt
from tests.outreach_fixtures import customer, raise_alerts, run, states

pytest_plugins = ("tests.outreach_fixtures",)
MANAGER = f"{user_name()} as CHURN_MANAGER"

ENDS = {
    *("RETAINED", "LOST", "REJECTED", "SUPPRESSED", "INVALID_ADDRESS", "HELD_OUT", "EXPIRED"),
}


def move(
    pipeline,
    to_state: str,
    *alerts: str,
    reason: str = "as asked",
    revision: int | None = None,
) -> list[tuple]:
    arguments = {"alert_ids": json.dumps(alerts), "to_state": to_state}
    read = None if revision is None else str(revision)
    answer = pipeline.call("move_alerts", arguments | {"reason": reason, "revision": read})
    return [(alert_id, sentence) for alert_id, sentence, _ in answer]


def edit(pipeline, alert_id: str, **texts) -> list[tuple]:
    row = pipeline.rows("select subject, body from current_drafts where alert_id = ?", alert_id)
    draft = dict(zip(("subject", "body"), row[0] if row else ("", ""), strict=True))
    arguments = draft | texts | {"alert_id": alert_id}
    return pipeline.call("edit_draft", arguments)


def test_the_moves_lead_one_way_to_an_end(pipeline):
    moves = pipeline.rows("select from_state, to_state from alert_transitions")
    order, left = [], {state for move in moves for state in move}
    while left:
        ends = {one for one in left if not any(a == one and b in left for a, b in moves)}
        assert ends, f"a circle within {left}"
        order.append(ends)
        left -= ends
    # Late events may tell that a lost customer has stayed.
    assert order[0] == ENDS - {"LOST"}


def test_a_manager_moves_only_what_the_table_allows_and_twice_changes_one_row(pipeline):
    raise_alerts(pipeline, "A", "B")
    assert states(pipeline) == {"A": "DRAFTED", "B": "DRAFTED"}
    allowed = {
        to_state
        for from_state, to_state, moved_by in pipeline.rows(
            "select from_state, to_state, moved_by from alert_transitions"
        )
        if from_state == "DRAFTED" and moved_by in ("any", "manager")
    }
    every = {row[0] for row in pipeline.rows("select to_state from alert_transitions")} | {
        "NONSENSE"
    }
    for to_state in sorted(every - allowed - {"DRAFTED", "HELD_OUT"}):
        assert move(pipeline, to_state, "A") == [
            ("A", f"An alert that is DRAFTED cannot become {to_state}.")
        ]
    assert states(pipeline)["A"] == "DRAFTED"
    assert move(pipeline, "APPROVED", "A", "B", "A") == []
    before = pipeline.rows("from alert_events order by all")
    assert move(pipeline, "APPROVED", "A", "B") == []
    assert pipeline.rows("from alert_events order by all") == before
    assert states(pipeline) == {"A": "APPROVED", "B": "APPROVED"}
    assert pipeline.rows(
        "select from_state, to_state, actor, reason from alert_events where alert_id = 'A'"
        " order by occurred_at, to_state desc"
    ) == [
        ("", "OPEN", "process_alerts", "risk of 50 %, threshold 20 %"),
        ("OPEN", "DRAFTED", "template", "draft by template"),
        ("DRAFTED", "APPROVED", MANAGER, "as asked"),
    ]


def test_a_rejection_needs_a_reason_and_is_final(pipeline):
    raise_alerts(pipeline, "A")
    assert move(pipeline, "REJECTED", "A", reason="") == [
        ("A", "Say why: REJECTED needs a reason.")
    ]
    assert move(pipeline, "REJECTED", "A") == []
    assert move(pipeline, "APPROVED", "A") == [
        ("A", "An alert that is REJECTED cannot become APPROVED.")
    ]
    assert move(pipeline, "APPROVED", "no such") == [("no such", "There is no such alert.")]


def test_a_held_out_or_suppressed_customer_never_reaches_queued(pipeline):
    """However often managers ask, and whatever they ask for."""
    raise_alerts(pipeline, "H", arm="holdout", arm_drawn=None)
    raise_alerts(pipeline, "G", arm="holdout")
    assert len(move(pipeline, "APPROVED", "G")) == 1
    pipeline.add(*customer("unwilling", marketing_consent=False), *customer("nowhere", email=""))
    pipeline.add(*customer("gone"), event("gone", "gone", "subscription_cancelled", utc_now()))
    pipeline.tick()
    given = {"customer_id": "B", "reason": "unsubscribed"}
    assert pipeline.call("suppress_customer", given) == []
    who = ("unwilling", "nowhere", "gone", "B")
    raise_alerts(pipeline, *who)
    expected = dict.fromkeys("GH", "HELD_OUT") | dict.fromkeys(who, "SUPPRESSED")
    assert states(pipeline) == expected
    for to_state in ("DRAFTED", "APPROVED", "QUEUED", "SENT"):
        assert len(move(pipeline, to_state, "G", "H", *who)) == 6
        run(pipeline, "advance_alerts")
    assert states(pipeline) == expected
    assert pipeline.one("select count(*) from outbox") == 0
    assert pipeline.rows("select alert_id from retention_emails") == [("G",)]
    # Even where a mistake had approved it.
    pipeline.connection.execute(
        "insert into alert_events values ('x', 'G', 'HELD_OUT', 'APPROVED', 'x', 'x', now())"
    )
    run(pipeline, "advance_alerts")
    assert states(pipeline)["G"] == "APPROVED"
    assert pipeline.one("select count(*) from outbox") == 0


def test_consent_is_asked_again_when_a_message_is_queued(pipeline):
    raise_alerts(pipeline, "A", "B", "C")
    assert move(pipeline, "APPROVED", "A", "B") == []
    pipeline.call("suppress_customer", {"customer_id": "A", "reason": "x"})
    pipeline.call("suppress_customer", {"customer_id": "C", "reason": "x"})
    assert move(pipeline, "APPROVED", "C") == [
        ("C", "Nothing may be sent: the customer is on the suppression list: x.")
    ]
    run(pipeline, "advance_alerts")
    assert states(pipeline) == {"A": "SUPPRESSED", "B": "QUEUED", "C": "SUPPRESSED"}
    assert pipeline.rows("select alert_id, step from outbox") == [("B", "QUEUED")]


def test_who_was_written_to_lately_is_left_alone(pipeline):
    raise_alerts(pipeline, "A")
    pipeline.connection.execute(
        "insert into outbox values ('m', 'older', 'A', 'HANDED_OVER', 1, 'folder', '', ?)",
        [utc_now() - timedelta(days=13)],
    )
    refused = move(pipeline, "APPROVED", "A")
    assert refused == [
        ("A", "Nothing may be sent: the customer was written to less than 14 days ago.")
    ]
    pipeline.connection.execute("update outbox set noted_at = noted_at - interval 1 day")
    assert move(pipeline, "APPROVED", "A") == []


def test_a_manager_edits_a_draft_within_the_checks(pipeline):
    raise_alerts(pipeline, "A")
    body = pipeline.one("select body from current_drafts").replace("a while", "some time")
    assert edit(pipeline, "A", body=body) == []
    assert edit(pipeline, "A", body=body) == []
    assert pipeline.rows("select revision, author, body from current_drafts") == [
        (1, MANAGER, body)
    ]
    assert edit(pipeline, "A", body=f"{body} See evil.com")[0][1].startswith(
        "Not taken: the letter"
    )
    assert pipeline.one("select count(*) from retention_emails") == 2
    assert move(pipeline, "APPROVED", "A", revision=1) == []
    assert edit(pipeline, "A", subject="Something else for you")[0] == (
        "A",
        "An alert that is APPROVED has no draft to edit.",
    )
    assert edit(pipeline, "B")[0] == ("B", "There is no such alert.")


def test_what_nobody_decides_on_expires(pipeline):
    raise_alerts(pipeline, "A", days_ago=13.9)
    raise_alerts(pipeline, "B")
    run(pipeline, "advance_alerts")
    assert states(pipeline) == {"A": "DRAFTED", "B": "DRAFTED"}
    run(pipeline, "advance_alerts", as_of=utc_now() + timedelta(days=1))
    assert states(pipeline) == {"A": "EXPIRED", "B": "DRAFTED"}


def test_who_sees_to_an_alert_is_kept_with_who_said_so(pipeline):
    raise_alerts(pipeline, "A", "B")

    def assign(owner: str, *alerts: str):
        arguments = {"alert_ids": json.dumps(alerts), "owner": owner, "due_on": "2026-12-01"}
        return pipeline.call("assign_alerts", arguments)

    assert assign("bob", "A", "B") == assign("bob", "A", "B") == assign("eve", "A") == []
    assert pipeline.one("select count(*) from alert_assignments") == 3
    assert pipeline.rows("select alert_id, owner from manager_outreach order by 1") == [
        ("A", "eve"),
        ("B", "bob"),
    ]
    move(pipeline, "REJECTED", "A")
    assert assign("bob", "A") == [("A", "An alert that is REJECTED needs nobody any more.")]
    pipeline.add(*customer("nowhere", email="nowhere"))
    pipeline.tick()
    raise_alerts(pipeline, "nowhere")
    assert assign("bob", "nowhere") == [
        ("nowhere", "An alert that is INVALID_ADDRESS needs nobody any more.")
    ]


def test_a_due_date_that_is_none_is_refused_in_a_sentence(pipeline):
    raise_alerts(pipeline, "A")
    arguments = {"alert_ids": '["A"]', "owner": "bob"}
    for wrong in ("tomorrow", "31.12.2026", "", "infinity", "12026-01-01"):
        assert pipeline.call("assign_alerts", arguments | {"due_on": wrong}) == [
            ("A", "The due date must be a date such as 2026-01-31.")
        ]
    assert pipeline.one("select count(*) from alert_assignments") == 0
    for right in ("2026-12-31", None):
        assert pipeline.call("assign_alerts", arguments | {"due_on": right}) == []
    assert pipeline.rows("select due_on is null from alert_assignments order by 1") == [
        (False,), (True,)
    ]  # fmt: skip


def test_parameters_are_values_and_never_sql(pipeline):
    raise_alerts(pipeline, "A")
    nasty = "'); drop table alert_events; --"
    assert move(pipeline, "REJECTED", "A", nasty, reason=nasty) == [
        (nasty, "There is no such alert.")
    ]
    assert pipeline.one("select reason from alert_states") == nasty
    with pytest.raises(EngineError, match="takes alert_ids, reason, revision, to_state"):
        pipeline.call("move_alerts", {"reason": "x"})
    with pytest.raises(EngineError, match="no procedure nonsense"):
        pipeline.call("nonsense", {})


@pytest.mark.parametrize(
    "asked",
    ["A", "", None, "null", "1", '"A"', '{"a": ["A"]}', '["A"', '["A"]x', "['A']", "[null]",
     "[" * 100_000, '["\\ud800"]', "\x00"],
    ids=lambda asked: repr(asked)[:12],
)  # fmt: skip
def test_what_is_no_list_of_alerts_is_told_in_a_sentence_and_moves_nothing(pipeline, asked):
    raise_alerts(pipeline, "A")
    move_it = {"alert_ids": asked, "to_state": "APPROVED", "reason": "", "revision": None}
    assert pipeline.call("move_alerts", move_it) == [(None, "There is no such alert.", "refused")]
    assign_it = {"alert_ids": asked, "owner": "bob", "due_on": None}
    assert pipeline.call("assign_alerts", assign_it) == [(None, "There is no such alert.")]
    assert states(pipeline) == {"A": "DRAFTED"}
    assert pipeline.one("select count(*) from alert_assignments") == 0


def test_half_a_letter_is_refused_in_one_line(pipeline):
    with pytest.raises(EngineError, match="reason is not valid Unicode"):
        move(pipeline, "REJECTED", "A", reason="\ud800")


BAD_POLICIES = {
    "threshold must be above 0 and at most 1, not 1.5": "update alert_policy set threshold = 1.5",
    "alert_rule must be score or value, not sum": "update alert_policy set alert_rule = 'sum'",
    "exit_ratio must be above 0 and at most 1, not 0": "update alert_policy set exit_ratio = 0",
    "holdout_percent must be from 0 to 100, not -1": "update alert_policy set holdout_percent = -1",
    "cooldown_days must be from 0 to 3650, not -1": "update alert_policy set cooldown_days = -1",
    "contact_gap_days must be from 0 to 3650, not empty": "update alert_policy set"
    " contact_gap_days = null",
    "expire_days must be from 1 to 3650, not 3651": "update alert_policy set expire_days = 3651",
    "has no segment default": "delete from alert_policy where segment = 'default'",
    "segment premium has several rows": "update alert_policy set segment = ' Premium '",
    "offer more_for_less has several costs": "update offers set cost = 2"
    " where offer = 'more_for_less' and reason = 'lower_spend'",
    "the cost of offer thank_you must be at least 0": "update offers set cost = -1"
    " where offer = 'thank_you'",
    "no offer for any reason and any segment": "delete from offers where offer = 'thank_you'",
    "offer thank_you has several texts": "insert into offers"
    " values ('thank_you', 'x', 'x', 1, '', 0)",
    "a text without braces or links": "update offers set offer_text = 'see http://x.example'",
    "there is no offer nonsense in": "update alert_policy set offers = 'thank_you nonsense'",
    "is for the reason bad_weather, which no score": "update offers set reason = 'bad_weather'",
    "role CHURN_MANAGER may act without seeing": "update manager_regions set"
    " sees_personal_data = false",
    "role CHURN_MANAGER_EAST has several rows": "insert into manager_regions"
    " values ('CHURN_MANAGER_EAST', ' East', true, true)",
    "role CHURN_MANAGER needs a region": "update manager_regions set region = ' '",
    "role_name churn_manager must be in capitals": "update manager_regions set"
    " role_name = lower(role_name)",
    "user_name ann must be in capitals": "insert into dashboard_users values ('ann', 'X')",
}  # fmt: skip


def test_what_is_wrong_with_a_policy_is_said_in_sentences(pipeline):
    macros = (
        "alert_policy_problems(ref('alert_policy'))",
        "offer_problems(ref('offers'))",
        "policy_offer_problems(ref('alert_policy'), ref('offers'))",
        "manager_region_problems(ref('manager_regions'))",
        "dashboard_user_problems(ref('dashboard_users'))",
    )
    inline = ";".join(f"{{{{ {macro} }}}}" for macro in macros)
    queries = render(inline).split(";")

    def problems() -> str:
        return "\n".join(row[0] for query in queries for row in pipeline.rows(query))

    assert problems() == ""
    for sentence, change in BAD_POLICIES.items():
        pipeline.connection.execute("begin")
        pipeline.connection.execute(change)
        assert sentence in problems()
        pipeline.connection.execute("rollback")


def test_a_bad_policy_stops_the_build_and_the_old_one_stays(pipeline, tmp_path):
    project = tmp_path / "project"
    shutil.copytree(
        PROJECT, project, ignore=shutil.ignore_patterns(".*", "target", "logs", "app", "ingest")
    )
    policy = project / "seeds" / "alert_policy.csv"
    policy.write_text(policy.read_text().replace("default,score,0.25", "default,score,1.25"))
    done = run_dbt("seed", "-s", "alert_policy", "--project-dir", str(project), check=False)
    assert done.returncode != 0
    assert "segment default: threshold must be above 0 and at most 1, not 1.25" in done.stdout
    assert pipeline.one("select threshold from alert_policy where segment = 'default'") == 0.25
