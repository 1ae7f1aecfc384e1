"""Letters in words of an LLM's own: marked, read a second time, approved one by one."""

import json
from collections import Counter

from embedded.engine.procedures import call
from outreach.doubts import OWN_WORDS as OWN
from outreach.providers import ask
from outreach.settings import read_settings
from tests.letters import collected
from tests.outreach_fixtures import (
    GOOD,
    OWN_SENTENCE,
    OWN_WORDS,
    customer,
    raise_alerts,
    set_up,
    states,
)
from tests.test_alert_states import move
from tests.test_message_drafts import ask_now, ledger

pytest_plugins = ("tests.outreach_fixtures",)


def test_no_bad_letter_reaches_the_approval_unmarked_over_ollamas_protocol(pipeline, llm):
    """Each as the reply about a customer of its own; tests/test_letters.py has more of them."""
    letters = {f"L{n}": one for n, one in enumerate(collected("first_letters"))}
    pipeline.add(*(one for key in letters for one in customer(key)))
    pipeline.tick()
    set_up(pipeline, provider="ollama", tries=1, calls_per_run=1000, calls_per_day=1000)
    raise_alerts(pipeline, *letters)
    order = [row[0] for row in call(pipeline.database, "begin_llm_run", {})]
    llm.replies = [letters[key]["reply"] for key in order]
    assert ask_now(pipeline) == len(letters)
    drafts = pipeline.rows("select alert_id, provider, marks = '[]' from current_drafts")
    found = Counter((letters[key]["expected"], *rest) for key, *rest in drafts)
    assert found["refused", "ollama", True] == 0
    # What is refused, the template writes, whose letters need no marks.
    assert found["accepted", "template", True] == 0
    assert found["accepted", "ollama", False] == 10
    assert sum(found.values()) == len(letters) == 82


def test_a_letter_with_words_of_its_own_is_read_twice_and_approved_by_itself(pipeline, llm):
    set_up(pipeline, provider="ollama", model="fake")
    raise_alerts(pipeline, "A", "B", "C")
    llm.replies = [GOOD, OWN_WORDS, OWN_WORDS]
    llm.reviews = [json.dumps({"doubts": ["untrue"]}), "no JSON"]
    assert ask_now(pipeline) == 3
    assert ask_now(pipeline) == 0
    assert [len(llm.prompts), len(llm.reviewed)] == [3, 2]
    prompt = read_settings(pipeline.connection).review_prompt
    assert llm.reviewed[0].startswith(prompt)
    assert OWN_SENTENCE in llm.reviewed[0]
    assert "Ada" not in llm.reviewed[0]
    found = [
        [one["why"] for one in json.loads(marks)]
        for (marks,) in pipeline.rows("select marks from current_drafts order by marks")
    ]
    assert found == [
        [],
        [[OWN], ["second reading: states something that the reasons do not say"]],
        [[OWN], ["the second reading gave no answer"]],
    ]
    ledger_of_reviews = "select outcome from llm_calls where purpose = 'review' order by 1"
    assert pipeline.rows(ledger_of_reviews) == [("accepted",), ("refused",)]
    refused = move(pipeline, "APPROVED", "A", "B", "C")
    assert {sentence for _, sentence, *_ in refused} == {
        "The draft has marked text: read it, and approve it by itself."
    }
    assert Counter(states(pipeline).values()) == {"APPROVED": 1, "DRAFTED": 2}
    for alert_id, *_ in refused:
        # Also by itself only who says which revision was read, and it is still that one.
        assert len(move(pipeline, "APPROVED", alert_id)) == 1
        assert move(pipeline, "APPROVED", alert_id, revision=1) == [
            (alert_id, "The draft was changed meanwhile: read it again.")
        ]
        assert move(pipeline, "APPROVED", alert_id, revision=0) == []
    assert set(states(pipeline).values()) == {"APPROVED"}


def test_a_reply_that_does_not_fit_any_more_is_written_by_the_template(pipeline, llm):
    """Accepted, then the company's sentences changed before the second reading."""
    set_up(pipeline, provider="ollama", calls_per_run=1)
    raise_alerts(pipeline, "A")
    llm.replies = [OWN_WORDS]
    [(alert_id, purpose, about, attempt)] = call(pipeline.database, "begin_llm_run", {})
    given = {"alert_id": alert_id, "purpose": purpose, "attempt": attempt, "outcome": "replied"}
    reply = {"detail": None, "reply": ask(read_settings(pipeline.connection), about).reply}
    counts = dict.fromkeys(("prompt_tokens", "reply_tokens", "seconds"))
    call(pipeline.database, "note_llm_call", given | reply | counts)
    [(_, purpose, _, _)] = call(pipeline.database, "begin_llm_run", {})
    assert purpose == "review"
    pipeline.connection.execute("delete from message_sentences where code = 'closing_2'")
    assert ask_now(pipeline) == 1
    assert states(pipeline) == {"A": "DRAFTED"}
    [(provider, model, error)] = pipeline.rows("select provider, model, error from current_drafts")
    assert (provider, model) == ("template", "none")
    assert error.startswith("written by the template: the letter has unusual symbols")


def test_without_a_budget_for_the_second_reading_the_draft_says_so(pipeline, llm):
    set_up(pipeline, provider="ollama", calls_per_day=1)
    raise_alerts(pipeline, "A")
    llm.replies = [OWN_WORDS]
    assert ask_now(pipeline) == 1
    assert llm.reviewed == []
    assert "the second reading gave no answer" in pipeline.one("select marks from current_drafts")
    assert ledger(pipeline) == [("A", "accepted"), ("A", "not_called")]
