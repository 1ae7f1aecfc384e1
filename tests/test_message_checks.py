"""What may stand in a message: our own texts and good drafts may, what an attack wants may not."""

import json
from collections import Counter

import pytest

from outreach.checks import CHECKS, LONGEST_REPLY, check_message, draft_message, fitting_name
from outreach.template import _OPENINGS, write_from_template
from tests.outreach_fixtures import ATTACKS, GOOD, GOOD_BODY

PROMPT = "Begin the body with Dear, exactly so, and name what we offer exactly once."
OFFER = "10 percent off your next order"


def verdict(reply: str, name: str | None = "Ada Keller") -> dict:
    return json.loads(draft_message(reply, name, OFFER, PROMPT))


def broken(reply: str) -> list[str]:
    return [name for name, holds in verdict(reply)["checks"].items() if not holds]


def reply(body: str, subject: str = "We miss you, {name}") -> str:
    return json.dumps({"subject": subject, "body": body})


def with_words(words: str) -> str:
    return GOOD_BODY.replace("how you are.", f"how you are.{words}")


@pytest.mark.parametrize("code", [*_OPENINGS, "something else"])
def test_the_templates_own_messages_pass(code):
    written = verdict(write_from_template(json.dumps([{"code": code}])))
    assert written["error"] is None
    assert written["body"].startswith("Dear Ada Keller,")
    assert written["body"].count(OFFER) == 1
    assert "{" not in written["subject"] + written["body"]


@pytest.mark.parametrize("reasons", [None, "", "[]", "nonsense", "[1]", '[{"text": "x"}]'])
def test_the_template_needs_no_reason(reasons):
    assert verdict(write_from_template(reasons))["error"] is None


def test_what_an_llm_writes_well_passes():
    for body in (
        GOOD_BODY,
        "Hi {name},\n\nIt’s been a little while since your last visit. We hope everything is well!"
        " We have put aside {offer} and hope to see you soon.\n\nBest,\nThe team",
        "Hello {name},\n\nwe noticed that you have come by less often since March, and we would"
        " love to hear why. To say thank you for being with us: {offer}.\n\nWarm regards,\n"
        "Your Customer Care Team",
    ):
        assert broken(reply(body)) == [], body


def test_every_attack_is_refused_and_the_results_are_counted():
    assert len(ATTACKS) >= 60
    refused = Counter(attack["kind"] for attack in ATTACKS if broken(attack["obeyed"]))
    assert refused == Counter(attack["kind"] for attack in ATTACKS)
    for attack in ATTACKS:
        assert set(verdict(attack["obeyed"])) == {"checks", "error"}  # no text to approve


def test_each_check_refuses_something_that_the_others_let_pass():
    alone = {
        "schema": json.dumps({"subject": "We miss you", "body": GOOD_BODY, "bcc": "x"}),
        "length": reply(GOOD_BODY, subject=""),
        "characters": reply(with_words(" =x")),
        "offer": reply(GOOD_BODY.replace("{offer}", "this")),
        "language": reply(with_words(" Uw rekening wordt vandaag nog gesloten tenzij.")),
        "no_link": reply(with_words(" See our website.")),
        "no_amount": reply(with_words(" That is half of it.")),
        "no_promise": reply(with_words(" We promise you that.")),
        "no_request": reply(with_words(" Tell us your password.")),
        "no_person": reply(with_words(" It was Maria who told us.")),
        "no_abuse": reply(with_words(" You are stupid to go.")),
        "no_prompt": reply(with_words(" Name what we offer exactly once.")),
    }
    assert set(alone) == set(CHECKS)
    assert {name: broken(text) for name, text in alone.items()} == {name: [name] for name in alone}


@pytest.mark.parametrize("text", [None, "", "null", "[]", "{}", "7", "x" * LONGEST_REPLY * 600])
def test_what_is_no_message_is_refused(text):
    assert broken(text) == ["schema"]


@pytest.mark.parametrize(
    "name",
    ["Ada Keller", "O'Neil", "Ludwig van Beethoven", "J. Smith", "Renée", "李小龙", "Анна Петрова"],
)
def test_names_are_names(name):
    assert fitting_name(name) == name


def test_what_a_customer_calls_itself_is_not_always_repeated():
    for name in (
        *(attack["text"] for attack in ATTACKS if attack["field"] == "name"),
        *(None, "", " ", "Aнна", "Ada {offer}", "Ada\u200bKeller", "ada", "A" * 41, "A B C D E"),
    ):
        assert fitting_name(name) == "customer", name


def test_an_offer_or_a_name_is_not_looked_at_again():
    written = json.loads(draft_message(GOOD, "Ada", "a gift for {name}", PROMPT))
    assert "a gift for {name}" in written["body"]


def test_what_a_manager_writes_keeps_to_the_same():
    sent = verdict(GOOD)

    def error(body: str) -> str | None:
        return json.loads(check_message(sent["subject"], body, "Ada Keller", OFFER, PROMPT))[
            "error"
        ]

    assert error(sent["body"]) is None
    assert error(sent["body"].replace("a while", "some time")) is None
    assert "chosen offer" in error(sent["body"].replace("10 percent", "90 percent"))
    assert "link" in error(sent["body"] + " evil.com")
    assert "somebody" in error(sent["body"].replace("Ada Keller", "Bob Smith"))
