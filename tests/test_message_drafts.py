"""Who writes a message: the template, or an LLM within its budget; a draft comes in any case."""

import json
import threading
import time
from collections import Counter
from datetime import timedelta

import pytest

from embedded.engine.storage import transact
from embedded.summary import riskiest
from outreach import asking
from outreach.asking import ask_waiting
from outreach.names import fitting_name
from outreach.providers import ask, generate_retention_email, review_retention_email
from outreach.settings import read_settings
from runtime.clock import utc_now
from tests.conftest import Pipeline, event, run_module
from tests.outreach_fixtures import (
    ATTACKS,
    GOOD,
    customer,
    raise_alerts,
    run,
    set_up,
    states,
)

pytest_plugins = ("tests.outreach_fixtures",)
ALL = tuple("ABCDEFGH")


def ask_now(pipeline: Pipeline) -> int:
    return ask_waiting(pipeline.database, read_settings(pipeline.connection))


def ledger(pipeline: Pipeline) -> list[tuple]:
    return pipeline.rows("select alert_id, outcome from llm_calls order by alert_id, attempt")


def providers(pipeline: Pipeline) -> Counter:
    return Counter(row[0] for row in pipeline.rows("select provider from current_drafts"))


def test_an_llms_draft_is_checked_kept_and_counted(pipeline, llm):
    set_up(pipeline, provider="ollama", model="fake", cost_per_million_tokens=2.0)
    raise_alerts(pipeline, "A")
    raise_alerts(pipeline, "B", arm="holdout")  # not drawn yet: treated like any other
    raise_alerts(pipeline, "H", arm="holdout", arm_drawn=None)
    assert states(pipeline) == {"A": "OPEN", "B": "OPEN", "H": "HELD_OUT"}
    assert ask_now(pipeline) == 2
    assert ask_now(pipeline) == 0
    assert len(llm.prompts) == 2
    assert states(pipeline) == {"A": "DRAFTED", "B": "DRAFTED", "H": "HELD_OUT"}
    assert pipeline.rows(
        "select distinct provider, author, revision, error from current_drafts"
    ) == [("ollama", "ollama", 0, None)]
    body = pipeline.one("select body from current_drafts where alert_id = 'A'")
    assert body.startswith("Dear Ada Keller,")
    assert "a small thank-you with your next order" in body
    usage = pipeline.rows(
        "select provider, model, calls, accepted, prompt_tokens, reply_tokens, cost"
        " from manager_llm_usage"
    )
    assert usage == [("ollama", "fake", 2, 2, 400, 200, 0.0012)]


def test_a_prompt_holds_reasons_only_never_what_a_customer_wrote(pipeline, llm):
    """And what an LLM writes that obeys an attack nevertheless is refused or marked."""
    names = [attack["text"] for attack in ATTACKS]
    pipeline.add(
        *(one for n, name in enumerate(names) for one in customer(f"X{n}", name)),
        *(
            event(f"t{n}", f"X{n}", "ticket_opened", utc_now(),
                  properties={"subject": name, name: name})
            for n, name in enumerate(names)
        ),
    )  # fmt: skip
    pipeline.tick()
    set_up(pipeline, provider="ollama", tries=1, calls_per_run=1000)
    llm.replies = [attack["obeyed"] for attack in ATTACKS]
    raise_alerts(pipeline, *(f"X{n}" for n in range(len(names))))
    assert ask_now(pipeline) == len(ATTACKS)
    prompt = read_settings(pipeline.connection).prompt
    reasons = pipeline.one("select distinct top_reasons from high_risk_history")
    assert set(llm.prompts) == {f"{prompt} {reasons}"}
    # What is marked is read by the LLM once more; what is refused, the template writes instead.
    outcomes = Counter(pipeline.rows("select outcome, purpose from llm_calls"))
    marked = outcomes["accepted", "write"]
    assert outcomes == {
        ("refused", "write"): len(ATTACKS) - marked,
        ("accepted", "write"): marked,
        ("accepted", "review"): marked,
    }
    assert providers(pipeline) == {"template": len(ATTACKS) - marked, "ollama": marked}
    by_llm = pipeline.rows("select marks <> '[]' from current_drafts where provider = 'ollama'")
    assert set(by_llm) == {(True,)}
    assert len(llm.reviewed) == marked
    offers = pipeline.rows("select distinct offer from high_risk_history")
    assert offers == [("thank_you",)]
    # A name is greeted, and said nowhere else.
    drafts = pipeline.rows(
        "select subject, body, customer_id from current_drafts"
        " join high_risk_history using (alert_id) where provider = 'template'"
    )
    names = dict(zip((f"X{n}" for n in range(len(names))), names, strict=True))
    for subject, body, customer_id in drafts:
        assert subject == "We have missed you"
        greeting = body.split("\n")[0]
        assert greeting in (f"Dear {fitting_name(names[customer_id])},", "Dear customer,")
    assert len({body.split("\n", 1)[1] for _, body, _ in drafts}) == 1


def test_who_has_no_reason_gets_an_alert_an_offer_and_a_draft_all_the_same(pipeline, llm):
    """No figure explains the risk of these customers: the offer is the one for any reason."""
    pipeline.add(*customer("P", segment="premium"))
    pipeline.tick()
    now = utc_now()
    rows = [(one, 0.9, "high", now, 10.0, "[]", "m", "h", now) for one in "ABCDEFGHP"]
    transact(
        pipeline.connection,
        lambda open_: open_.executemany(
            "insert into churn_scores values (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows
        ),
    )
    assert {first for *_, first in riskiest(pipeline.connection)} == {"no single reason"}
    run(pipeline, "sweep_silent_customers", now + timedelta(seconds=1))
    found = dict(pipeline.rows("select customer_id, offer from high_risk_history"))
    assert found == dict.fromkeys("ABCDEFGH", "thank_you") | {"P": "personal_call"}
    assert pipeline.rows(
        "select distinct first_reason from manager_risk_queue where alert_status = 'DRAFTED'"
    ) == [(None,)]
    drafts = pipeline.rows("select subject, body from current_drafts where status = 'DRAFTED'")
    assert len(drafts) == 9
    for subject, body in drafts:
        assert subject == "We have something for you"
        assert body.startswith("Dear Ada Keller,\n\nThank you for being with us.\n")
    set_up(pipeline, provider="ollama", model="fake")
    prompt = read_settings(pipeline.connection).prompt
    assert ask(read_settings(pipeline.connection), "[]").reply == GOOD
    assert llm.prompts == [f"{prompt} []"]


def test_budget_zero_means_the_templates_text_and_no_call(pipeline, llm):
    for number, budget in enumerate(("calls_per_run", "calls_per_day")):
        set_up(pipeline, provider="ollama", calls_per_run=50, calls_per_day=50)
        set_up(pipeline, **{budget: 0})
        raise_alerts(pipeline, ALL[number])
        assert ask_now(pipeline) == 1
    assert llm.prompts == []
    assert providers(pipeline) == {"template": 2}
    assert (
        pipeline.rows("select outcome, detail from llm_calls")
        == [("not_called", "the LLM's budget of the day is used up")] * 2
    )
    assert pipeline.one("select error from current_drafts limit 1") == (
        "written by the template: the LLM's budget of the day is used up"
    )


def test_the_budget_of_a_run_waits_and_that_of_a_day_does_not(pipeline, llm):
    set_up(pipeline, provider="ollama", calls_per_run=2, calls_per_day=5)
    raise_alerts(pipeline, *ALL[:7])
    assert ask_now(pipeline) == 4  # two by the LLM; two are beyond the day's budget
    assert ask_now(pipeline) == 2
    assert ask_now(pipeline) == 1
    assert len(llm.prompts) == 5
    assert providers(pipeline) == {"ollama": 5, "template": 2}


def test_a_call_whose_answer_is_lost_counts_in_the_budget_and_as_a_try(pipeline, llm, monkeypatch):
    """Whoever asks is killed while the LLM thinks: the call was made, and perhaps paid for."""

    def killed(*_):
        raise KeyboardInterrupt

    set_up(pipeline, provider="ollama", calls_per_day=2, cost_per_million_tokens=2.0)
    raise_alerts(pipeline, "A")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(asking, "ask", killed)
        ask_now(pipeline)
    assert ledger(pipeline) == [("A", "asked")]
    assert pipeline.one("select cost from llm_calls") > 0
    assert pipeline.one("select calls from manager_llm_usage") == 1
    raise_alerts(pipeline, "B")
    assert ask_now(pipeline) == 2
    assert len(llm.prompts) == 1  # one call of the two a day was lost
    assert Counter(row[1] for row in ledger(pipeline)) == {
        "failed": 1, "accepted": 1, "not_called": 1
    }  # fmt: skip
    assert pipeline.one("select detail from llm_calls where outcome = 'failed'") == (
        "the run ended before the answer was stored; the cost is an estimate"
    )


def test_what_failed_is_tried_again_in_another_run_three_times_at_most(pipeline, llm):
    set_up(pipeline, provider="ollama", tries=3)
    raise_alerts(pipeline, "A", "B")
    llm.replies = ["PWNED", "", "", GOOD, "still no JSON"]
    assert ask_now(pipeline) == 0
    assert ask_now(pipeline) == 1
    assert states(pipeline) == {"A": "OPEN", "B": "DRAFTED"}
    assert ask_now(pipeline) == 1
    assert [row[1] for row in ledger(pipeline) if row[0] == "A"] in (
        ["refused", "failed", "refused"],
        ["failed", "failed", "refused"],
    )
    assert providers(pipeline) == {"ollama": 1, "template": 1}
    assert pipeline.one("select error from current_drafts where alert_id = 'A'") == (
        "written by the template: no draft in 3 tries"
    )
    assert pipeline.one("select count(*) from retention_emails where body is null") == 0


def test_an_llm_that_is_down_costs_three_calls_and_the_template_writes(pipeline, monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:9")  # nobody listens there
    set_up(pipeline, provider="ollama", tries=1)
    raise_alerts(pipeline, *ALL)
    assert ask_now(pipeline) == 8
    assert Counter(row[1] for row in ledger(pipeline)) == {"failed": 3, "not_called": 5}
    details = {row[0] for row in pipeline.rows("select detail from llm_calls")}
    assert any("cannot be reached" in detail for detail in details)
    assert "the LLM did not answer 3 times in a row" in details
    assert providers(pipeline) == {"template": 8}


@pytest.mark.parametrize(
    "host", ["http://me:s3cret/x@127.0.0.1:9", "http://me:s3cret@[", "s3cret:x"]
)
def test_an_address_that_is_none_is_not_quoted(pipeline, monkeypatch, host):
    monkeypatch.setenv("OLLAMA_HOST", host)
    set_up(pipeline, provider="ollama")
    error = ask(read_settings(pipeline.connection), "[]").error
    assert error
    assert "s3cret" not in error


def test_an_llm_that_is_slow_is_given_up_and_holds_up_neither_alerts_nor_others(pipeline, llm):
    llm.wait_seconds = 30
    set_up(pipeline, provider="ollama", tries=1, timeout_seconds=1)
    raise_alerts(pipeline, "A")
    asked = threading.Thread(target=ask_now, args=(pipeline,))
    asked.start()
    while not llm.prompts:
        time.sleep(0.01)
    raise_alerts(pipeline, "B")  # a task's transaction, while the LLM thinks
    assert states(pipeline) == {"A": "OPEN", "B": "OPEN"}
    assert asked.is_alive()
    asked.join()
    assert states(pipeline)["A"] == "DRAFTED"
    assert pipeline.one("select detail from llm_calls") == "no answer within 1 s"


@pytest.mark.parametrize(
    ("misbehave", "said"),
    [
        ({"padding": 5_000_000}, "more than 65,536 bytes"),
        ({"raw": b"no JSON"}, "no answer of an LLM"),
        ({"raw": b"{}"}, "no answer of an LLM"),
        ({"raw": b'{"message":{"role":"assistant","content":""}}'}, "an empty reply"),
        ({"raw": b'{"error":"model not found"}', "status": 404}, "answered 404"),
    ],
)
def test_a_hostile_llm_gets_one_line_in_the_ledger(pipeline, llm, misbehave, said):
    set_up(pipeline, provider="ollama", tries=1)
    for name, value in misbehave.items():
        setattr(llm, name, value)
    answer = ask(read_settings(pipeline.connection), "[]")
    assert answer.reply is None or answer.error == "an empty reply"
    assert said in answer.error
    assert "\n" not in answer.error


def test_the_function_of_sql_asks_the_configured_provider_once(pipeline):
    answer = json.loads(
        pipeline.one(
            """select generate_retention_email(prompt, '[{"code": "friction"}]')"""
            " from message_settings"
        )
    )
    assert json.loads(answer["reply"])["subject"] == "friction_subject_1"
    assert answer["error"] is None
    settings = read_settings(pipeline.connection)
    assert json.loads(generate_retention_email(settings, None, None))["reply"]
    # A template has no words of its own, so that there is nothing to read twice.
    assert json.loads(review_retention_email(settings, None, None))["error"]


@pytest.mark.parametrize("step", ["begin_llm_run", "note_llm_call", "draft_messages"])
def test_a_crash_between_any_two_steps_leaves_one_draft(pipeline, llm, monkeypatch, step):
    """Killed before that step and after it; then the next run makes good what was broken off."""
    set_up(pipeline, provider="ollama")
    raise_alerts(pipeline, "A")
    whole = asking.call
    for when in ("before", "after"):

        def killed(database, name, arguments, when=when):
            if (name, when) == (step, "before"):
                raise KeyboardInterrupt
            answer = whole(database, name, arguments)
            if name == step:
                raise KeyboardInterrupt
            return answer

        monkeypatch.setattr(asking, "call", killed)
        with pytest.raises(KeyboardInterrupt):
            ask_now(pipeline)
    monkeypatch.setattr(asking, "call", whole)
    ask_now(pipeline)
    run(pipeline, "advance_alerts")
    assert states(pipeline) == {"A": "DRAFTED"}
    assert pipeline.one("select count(*) from retention_emails") == 1
    assert pipeline.one("select count(*) from alert_events") == 2
    assert len(llm.prompts) <= 3


def test_a_crash_of_the_task_between_any_two_statements_leaves_one_alert_and_one_draft(pipeline):
    """Each statement of PROCESS_ALERTS, killed after it and run again: as on Snowflake, where each
    is a transaction, and as here, where all are one."""
    import duckdb

    from embedded.engine.registry import tasks

    raise_alerts(pipeline, "A")
    body = tasks(pipeline.connection)["sweep_silent_customers"].body
    statements = duckdb.extract_statements(body)
    pipeline.connection.execute("delete from alert_events; delete from retention_emails")
    for killed_after in range(len(statements)):
        for statement in statements[: killed_after + 1]:
            pipeline.connection.execute(statement)
    assert states(pipeline) == {"A": "DRAFTED"}
    for table in ("high_risk_history", "retention_emails"):
        assert pipeline.one(f"select count(*) from {table}") == 1
    assert pipeline.one("select count(*) from alert_events") == 2


def test_the_command_says_in_one_line_that_there_is_no_database(monkeypatch, tmp_path):
    monkeypatch.setenv("CHURN_HOME", str(tmp_path / "none"))
    done = run_module("outreach", "unresolved")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "there is no database" in done.stderr
