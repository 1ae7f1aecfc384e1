"""Tasks and procedures beside each other on Snowflake: nothing comes twice, in any order.

The bodies that were sent run statement by statement, in every order that Snowflake's locks allow.
"""

import json

import pytest

from tests.snowflake.interleaving import NAMESPACE, Beside, every_order, without_turns
from tests.snowflake.standin.scripting import parse

NAMES = (
    "process_alerts", "sweep_silent_customers", "advance_alerts", "move_alerts", "edit_draft",
    "queue_messages", "waiting_for_llm",
)  # fmt: skip
# As AI_COMPLETE says it with details of what it did and of errors.
ANSWER = {
    "value": {
        "structured_output": [{"raw_message": {"subject": "no such code", "sentences": []}}],
        "usage": {"prompt_tokens": 900, "completion_tokens": 20},
    },
    "error": None,
}
# Or so: what the documentation says of the value can be read both ways.
AS_TEXT = {**ANSWER, "value": json.dumps(ANSWER["value"])}
ALL_IDS = "(select to_json(list(alert_id)) from alert_states where state = '{}')"


@pytest.fixture(scope="module")
def account(deployment):
    """What the deploy has made, filled with what DuckDB holds of the same events."""
    pipeline = deployment.pipeline.connection
    kept = {name for (name,) in deployment.pipeline.rows("select table_name from duckdb_tables()")}
    return Beside(
        deployment.first,
        deployment.manifest["nodes"],
        NAMES,
        lambda name: pipeline.execute(f"from {name}").df() if name in kept else None,
    )


@pytest.fixture
def unscored(account):
    """Nobody was ever scored: whoever comes first raises all alerts."""
    written = (
        "churn_scores", "churn_score_history", "high_risk_history", "alert_events",
        "retention_emails", "outbox", "llm_calls",
    )  # fmt: skip
    account.run("; ".join(f"delete from {table}" for table in written))
    account.save()
    return account


@pytest.fixture
def opened(unscored):
    """Alerts that are raised and not drafted, and those of a customer who opts out meanwhile."""
    run_alone(unscored, "sweep_silent_customers")
    unscored.run("delete from retention_emails; delete from alert_events where to_state <> 'OPEN'")
    unscored.save()
    return unscored


@pytest.fixture
def drafted(unscored):
    """Alerts that wait for a manager."""
    run_alone(unscored, "sweep_silent_customers")
    unscored.save()
    return unscored


@pytest.fixture
def approved(drafted):
    """Alerts that a manager has approved, and that nobody has queued."""
    run_alone(drafted, "move_alerts", **move(drafted, "APPROVED"))
    drafted.save()
    return drafted


@pytest.fixture
def asked(opened, empty_pipelines, monkeypatch):
    """Alerts that Cortex is to write for, which answers all the same; ASK_LLM as it is sent."""
    nodes = empty_pipelines.for_snowflake()["nodes"].values()
    code = {
        node["name"]: node["compiled_code"].replace(
            node["relation_name"].rsplit(".", 1)[0], NAMESPACE
        )
        for node in nodes
        if node["name"] in ("message_settings", "llm_answers", "ask_llm")
    }
    for function in ("generate_retention_email", "review_retention_email"):
        opened.run(
            f"create or replace macro {function}(prompt, about) as case when about like '%silent%'"
            f" then '{json.dumps(ANSWER)}' else '{json.dumps(AS_TEXT)}' end"
        )
    was = opened.views["message_settings"]
    opened.make(f"create or replace view message_settings as {code['message_settings']}")
    opened.make(f"create or replace table llm_answers as {code['llm_answers']}")
    monkeypatch.setitem(opened.scripts, "ask_llm", parse(f"begin {code['ask_llm']}; end"))
    opened.save()
    yield opened
    opened.make(was)
    opened.run("drop table llm_answers")


def run_alone(account, name, **arguments):
    [run] = account.beside((name, arguments))
    account.set_time(0)
    return run.run()


def move(account, state, reason=""):
    [(ids,)] = account.run(f"select {ALL_IDS.format('DRAFTED')}")
    return {"alert_ids": str(ids), "to_state": state, "reason": reason, "revision": None}


def orders(account, *bodies, query="select 1", answer=1):
    """Run them in every order, and return how many there are.

    In none comes anything twice, and after each a query for one number gives the same.
    """
    count = 0
    for order in every_order(account, *bodies):
        count += 1
        assert account.doubles() == {}, order
        assert account.run(query) == [(answer,)], order
    return count


def count_of(state):
    """Return a query for the number of alerts in a state."""
    return f"select count(*) from alert_states where state = '{state}'"


def test_a_changed_customer_and_the_sweep_raise_one_alert(unscored):
    run_alone(unscored, "sweep_silent_customers")
    [(raised,)] = unscored.run("select count(*) from alert_events where to_state = 'DRAFTED'")
    assert raised > 5
    bodies = ("process_alerts", {}), ("sweep_silent_customers", {})
    drafted = "select count(*) from alert_events where to_state = 'DRAFTED'"
    assert orders(unscored, *bodies, query=drafted, answer=raised) > 10


def test_a_stream_that_shows_every_customer_again_raises_no_alert_again(drafted):
    """As after a stream was made again, once the sweep has caught up."""
    counts = "select (select count(*) from high_risk_history), (select count(*) from alert_events)"
    before = drafted.run(counts)
    for name in ("sweep_silent_customers", "process_alerts"):
        run_alone(drafted, name)
    assert drafted.doubles() == {}
    assert drafted.run(counts) == before


def test_without_turns_there_would_be_doubles(unscored, monkeypatch):
    """What the test above would find: it can fail."""
    for name in ("process_alerts", "sweep_silent_customers"):
        monkeypatch.setitem(unscored.scripts, name, without_turns(unscored.scripts[name]))
    bodies = ("process_alerts", {}), ("sweep_silent_customers", {})
    assert any(unscored.doubles() for _ in every_order(unscored, *bodies))


@pytest.mark.parametrize("name", ["process_alerts", "sweep_silent_customers"])
def test_two_tasks_draft_and_move_an_alert_once(opened, name):
    run_alone(opened, "advance_alerts")
    [(drafted,)] = opened.run(count_of("DRAFTED"))
    assert drafted > 5
    moved = {"query": count_of("DRAFTED"), "answer": drafted}
    assert orders(opened, (name, {}), ("advance_alerts", {}), **moved) > 2


def test_two_managers_decide_once(drafted):
    approve, reject = move(drafted, "APPROVED"), move(drafted, "REJECTED", "known")
    undecided = {"query": count_of("DRAFTED"), "answer": 0}
    assert orders(drafted, ("move_alerts", approve), ("move_alerts", reject), **undecided) == 2
    assert orders(drafted, ("move_alerts", approve), ("move_alerts", approve), **undecided) == 2


def test_a_manager_decides_while_tasks_run(drafted):
    approve = "move_alerts", move(drafted, "APPROVED")
    undecided = {"query": count_of("DRAFTED"), "answer": 0}
    assert orders(drafted, ("advance_alerts", {}), approve, **undecided) > 2
    assert orders(drafted, ("sweep_silent_customers", {}), approve, **undecided) > 1


def test_two_managers_edit_one_draft(drafted):
    [(alert_id, subject, body), *_] = drafted.run(
        "select alert_id, subject, body from retention_emails order by alert_id"
    )
    edits = [
        {"alert_id": alert_id, "subject": subject, "body": body.replace("\n\n", f"\n\n{words} ", 1)}
        for words in ("We hope that you are well.", "We hope that all is well with you.")
    ]
    revisions = f"select count(*) from retention_emails where alert_id = '{alert_id}'"
    bodies = [("edit_draft", edit) for edit in edits]
    assert orders(drafted, *bodies, query=revisions, answer=3) == 2


def test_a_message_is_queued_once(approved):
    queue = ("queue_messages", {})
    [(waiting,)] = approved.run(count_of("APPROVED"))
    assert waiting > 2
    queued = {"query": count_of("QUEUED"), "answer": waiting}
    assert orders(approved, ("advance_alerts", {}), queue, **queued) > 2
    assert orders(approved, queue, queue, **queued) == 2


def test_an_answer_that_was_paid_for_is_kept_when_the_run_breaks_off(asked):
    [run] = asked.beside(("ask_llm", {}))
    asked.set_time(0)
    while not any(one.startswith("insert into CHURN.PIPELINE.llm_answers") for one in run.done):
        run.step()
    run.step()  # the answers are committed, and nobody has read them
    [(answers,)] = asked.run("select count(*) from llm_answers")
    assert answers > 5
    assert asked.run("select distinct outcome from llm_calls") == [("asked",)]
    run_alone(asked, "ask_llm")
    noted = "select count(*) from llm_calls where attempt = 1 and outcome = 'refused'"
    assert asked.run(noted) == [(answers,)]
    assert asked.doubles() == {}
    tokens = "select distinct prompt_tokens, reply_tokens from llm_calls"
    assert asked.run(tokens) == [(900, 20)]


def test_a_call_whose_answer_is_lost_is_counted_and_paid_for(asked):
    """The task is cancelled while Cortex thinks: nothing of that statement is stored."""
    [run] = asked.beside(("ask_llm", {}))
    asked.set_time(0)
    while not run.next.startswith("insert into CHURN.PIPELINE.llm_answers"):
        run.step()
    [(planned, cost)] = asked.run("select count(*), min(cost) from llm_calls")
    assert planned > 5
    assert cost > 0
    run_alone(asked, "ask_llm")
    assert asked.run("select count(*) from llm_answers where attempt = 1") == [(0,)]
    lost = "select count(*), min(cost) from llm_calls where attempt = 1 and outcome = 'failed'"
    assert asked.run(lost) == [(planned, cost)]
    assert asked.run("select count(*) from llm_calls where attempt = 2") == [(planned,)]
    assert asked.run("select distinct outcome from llm_calls where attempt = 2") == [("refused",)]
    assert asked.doubles() == {}


def test_the_llm_is_asked_once_a_turn_whatever_runs_beside_it(asked):
    noted = {"query": "select count(distinct attempt) from llm_calls", "answer": 1}
    assert orders(asked, ("ask_llm", {}), ("advance_alerts", {}), **noted) > 5


def test_without_alerts_that_wait_the_llm_costs_one_statement(asked):
    asked.run("delete from high_risk_history")
    [run] = asked.beside(("ask_llm", {}))
    asked.set_time(0)
    assert run.run() == "nothing to do"
    assert len(run.done) == 1
