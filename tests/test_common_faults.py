"""Thirteen faults that churn systems have: where each is tested; here, what fits nowhere else."""

import ast
from datetime import timedelta

import pytest

from embedded.engine.storage import transact
from runtime.clock import utc_now
from tests.conftest import event
from tests.dbt import PROJECT, run_dbt
from tests.outreach_fixtures import run

pytest_plugins = ("tests.outreach_fixtures",)

HERE = "test_common_faults"
TESTS = {
    "1 a join fans out: other rows change a summed amount": (
        HERE, "test_logs_and_tickets_do_not_change_a_summed_amount"),
    "2 the same events twice count twice": (
        "test_flow", "test_the_same_file_replayed_again_changes_no_metric"),
    "3 a refresh without a new event raises an alert": (
        "test_flow", "test_ten_more_ticks_do_nothing"),
    "4 who stays above the line is alerted again and again": (
        HERE, "test_who_stays_above_the_line_or_flaps_gets_one_alert_in_14_days"),
    "5 the alert's score is not that of the stored features": (
        "test_flow", "test_the_stored_score_is_predict_churn_on_the_stored_features"),
    "6 features or labels know the future": (
        "test_training", "test_the_future_changes_no_feature_and_later_events_change_no_label"),
    "7 a task leaves its change feed unread": (
        "test_flow", "test_ten_more_ticks_do_nothing"),
    "8 a crash between draft and insert makes two rows": (
        "test_message_drafts", "test_a_crash_between_any_two_steps_leaves_one_draft"),
    "9 a text in an event changes offer, recipient or adds a link": (
        "test_message_drafts", "test_a_prompt_holds_reasons_only_never_what_a_customer_wrote"),
    "10 a role sees addresses or raw events that it must not": (
        HERE, "test_readers_get_views_only"),
    "11 a held-out or suppressed customer is queued": (
        "test_alert_states", "test_a_held_out_or_suppressed_customer_never_reaches_queued"),
    "12 no budget is an error": (
        "test_message_drafts", "test_budget_zero_means_the_templates_text_and_no_call"),
    "13 malformed JSON stops the batch or is lost": (
        "test_ingest_events", "test_every_message_is_one_row_of_the_database"),
}  # fmt: skip


@pytest.mark.parametrize("fault", TESTS)
def test_each_fault_has_its_test(fault):
    file, name = TESTS[fault]
    tree = ast.parse((PROJECT / "tests" / f"{file}.py").read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_logs_and_tickets_do_not_change_a_summed_amount(pipeline):
    sums = "select purchase_amount_28d, purchase_amount_total from churn_metrics_live"
    before = pipeline.rows(f"{sums} where customer_id = 'A'")
    assert before == [(10.0, 10.0)]
    now = utc_now()
    pipeline.add(
        *(event(f"log{n}", "A", "email_opened", now) for n in range(2)),
        *(event(f"case{n}", "A", "ticket_opened", now) for n in range(3)),
    )
    pipeline.tick()
    assert pipeline.rows(f"{sums} where customer_id = 'A'") == before
    assert (
        pipeline.one("select friction_count_28d from churn_metrics_live where customer_id = 'A'")
        == 3
    )


def test_who_stays_above_the_line_or_flaps_gets_one_alert_in_14_days(pipeline):
    start = utc_now()
    insert = "insert into churn_scores values (?, 0.9, 'high', ?, 10, '[]', 'm', 'h', ?)"
    rows = [(customer, start, start) for customer in ("A", "B")]
    transact(pipeline.connection, lambda open_: open_.executemany(insert, rows))
    for day in (0, 1, 5, 13):
        # B leaves the band and comes back each time.
        pipeline.connection.execute(
            "update churn_scores set band_since = ? where customer_id = 'B'",
            [start + timedelta(days=day, seconds=-1)],
        )
        run(pipeline, "sweep_silent_customers", as_of=start + timedelta(days=day))
    counts = "select customer_id, count(*) from high_risk_history group by 1 order by 1"
    assert pipeline.rows(counts) == [("A", 1), ("B", 1)]
    run(pipeline, "sweep_silent_customers", as_of=start + timedelta(days=14, minutes=1))
    assert pipeline.rows(counts) == [("A", 1), ("B", 2)]


def test_readers_get_views_only():
    grants = run_dbt(
        "compile", "-q", "--no-populate-cache", "--no-introspect", "--inline",
        "{{ grant_statements() | join(';') }}", target="snowflake",
    ).stdout.strip().split(";")  # fmt: skip
    for role in ("MARKETING_ANALYST", "CHURN_MANAGER", "CHURN_APP"):
        mine = [grant.strip() for grant in grants if grant.strip().endswith(f"to role {role}")]
        mine = [grant for grant in mine if " caller " not in grant]  # which give nobody anything
        selects = [grant for grant in mine if "select" in grant]
        assert selects
        # A semantic view has its owner's rights, and reads managers' views only.
        views = [grant for grant in selects if " on semantic view " not in grant]
        assert all(".manager_" in grant and " on view " in grant for grant in views)
        assert not [grant for grant in mine if " on table " in grant or "insert" in grant]
        assert ("procedure" in " ".join(mine)) == (role != "MARKETING_ANALYST")
