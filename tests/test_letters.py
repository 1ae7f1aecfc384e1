"""What becomes of a reply: the company's sentences are accepted, all others marked or refused."""

import json
from collections import Counter

import pytest

from outreach.doubts import NOT_READ, OWN_WORDS, RUBRIC
from outreach.letters import CHECKS, LONGEST_REPLY, check_message, draft_message, judge, read_review
from outreach.sentences import NUMBERS, fitting_sentences, read_sentences
from outreach.template import write_from_template
from tests.dbt import render
from tests.letters import PARTS, collected, seed_rows, sentences
from tests.outreach_fixtures import GOOD, OWN_SENTENCE, REASONS
from tests.outreach_fixtures import OWN_WORDS as WITH_OWN_WORDS

OFFER = "10 percent off your next order"
OURS = sentences()
STYLES = sorted({(row["language"], row["tone"]) for row in seed_rows()})
CODES = ["silent", "fewer_active_days", "lower_spend", "friction", "few_visits", "something else"]


def draft(reply: str | None, name: str | None = "Ada Keller", review: str | None = None) -> dict:
    return json.loads(draft_message(reply, name, OFFER, REASONS, OURS, review))


def broken(reply: str | None) -> list[str]:
    return [name for name, holds in draft(reply)["checks"].items() if not holds]


def chosen(*listed: str, subject: str = "silent_subject_1") -> str:
    return json.dumps({"subject": subject, "sentences": list(listed)})


def whole(reply: str) -> dict[str, str]:
    """A reply as the whole letter that it makes, with the placeholders in it."""
    made = json.loads(draft_message(reply, "{name}", "{offer}", REASONS, OURS, None))
    return {"subject": made["subject"], "body": made["body"].replace("customer", "{name}", 1)}


# -- the two rates ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["first_letters", "letters"])
def test_no_bad_letter_is_accepted_and_no_natural_one_refused(name):
    found = Counter((one["expected"], judge(one["reply"], OURS, REASONS)["verdict"])
                    for one in collected(name))  # fmt: skip
    assert found["refused", "accepted"] == 0, found
    assert found["accepted", "refused"] == 0, found
    assert sum(found.values()) >= 82


def test_a_bad_sentence_in_the_place_of_one_of_ours_is_marked_or_refused():
    """As a reply of the form that is asked for, which an LLM is held to."""
    bad = [one["sentence"] for one in collected("letters") if one.get("sentence")]
    assert len(bad) >= 90
    for sentence in bad:
        found = draft(chosen("silent_opening_1", sentence, "silent_offer_1", "closing_2"))
        assert found["verdict"] == "refused" or sentence in [m["text"] for m in found["marks"]]


def test_every_attack_is_marked_or_refused():
    attacks = collected("attacks")
    assert len(attacks) >= 60
    found = Counter(draft(attack["obeyed"])["verdict"] for attack in attacks)
    assert found["accepted"] == 0


def test_a_letter_that_says_no_more_than_the_company_is_accepted_in_either_form():
    for reply in (GOOD, json.dumps(whole(GOOD))):
        found = draft(reply)
        assert (found["verdict"], found["marks"], found["error"]) == ("accepted", [], None)
        assert found["body"] == (
            "Dear Ada Keller,\n\nIt has been more than 2 weeks since your last visit, and we miss"
            f" you.\n\nWhen you come back, this is waiting for you: {OFFER}.\n\nIf something is"
            " wrong, a short reply to this message is all we need.\n\nKind regards\nYour customer"
            " team"
        )


# -- the template ----------------------------------------------------------------------------------


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("code", CODES)
def test_the_templates_letter_is_accepted_in_every_style(code, style):
    reasons = json.dumps([{"code": code}])
    lines = sentences(*style)
    made = json.loads(
        draft_message(write_from_template(reasons, lines), "Ada", OFFER, reasons, lines, None)
    )
    assert (made["verdict"], made["error"]) == ("accepted", None)
    assert made["body"].count(OFFER) == made["body"].count("Ada") == 1
    assert "{" not in made["subject"] + made["body"]
    again = check_message(made["subject"], made["body"], "Ada", OFFER, reasons, lines)
    assert json.loads(again)["verdict"] == "accepted"


@pytest.mark.parametrize("reasons", [None, "", "[]", "nonsense", "[1]", '[{"text": "x"}]', "[[]]"])
def test_the_template_needs_no_reason(reasons):
    reply = write_from_template(reasons, OURS)
    made = json.loads(draft_message(reply, None, OFFER, reasons, OURS, None))
    assert made["verdict"] == "accepted"
    assert made["body"].startswith("Dear customer,\n\nThank you for being with us.\n")


# -- numbers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("weeks", [1, 0, -3, 100000, "3", 2.5, True, None, {"weeks_away": 3}])
def test_a_sentence_with_a_number_needs_a_whole_one_that_makes_it_true(weeks):
    reasons = json.dumps([{"code": "silent", "facts": {"weeks_away": weeks}}])
    codes = {one.code for one in fitting_sentences(OURS, reasons)}
    assert "silent_opening_1" in codes
    assert "silent_opening_2" not in codes
    refused = json.loads(draft_message(GOOD, "Ada", OFFER, reasons, OURS, None))
    assert refused["checks"]["choice"] is False


def test_the_numbers_are_those_of_the_reasons():
    assert set(NUMBERS) == set(json.loads(render("{{ tojson(reason_numbers()) }}")))


# -- what is refused -------------------------------------------------------------------------------


def test_each_check_refuses_something_that_the_others_let_pass():
    letter = whole(GOOD)
    alone = {
        "form": json.dumps({**json.loads(GOOD), "bcc": "x"}),
        "choice": chosen("friction_opening_1", "silent_offer_1", "closing_2"),
        "length": json.dumps({**letter, "subject": ""}),
        "characters": chosen("silent_opening_1", "Come b\u0430ck.", "silent_offer_1"),
        "offer": chosen("silent_opening_1", "closing_2"),
        "no_number": chosen("silent_opening_1", "silent_offer_1", "Take the 4 of them."),
        "no_address": chosen("silent_opening_1", "silent_offer_1", "See shop.example for more."),
    }
    assert set(alone) == set(CHECKS)
    assert {name: broken(text) for name, text in alone.items()} == {name: [name] for name in alone}


@pytest.mark.parametrize("text", [None, "", "null", "[]", "{}", "7", "x" * LONGEST_REPLY * 600])
def test_what_is_no_letter_is_refused(text):
    assert broken(text) == ["form"]


@pytest.mark.parametrize(
    "listed",
    [
        ["greeting_1", "silent_offer_1"],
        ["silent_offer_1", "signature_1"],
        ["silent_subject_2", "silent_offer_1"],
    ],
)
def test_a_sentence_has_its_place(listed):
    assert broken(chosen(*listed)) == ["choice"]


def test_the_offer_is_named_once():
    assert broken(chosen("silent_opening_1", "silent_offer_1", "offer_1")) == ["offer"]


# -- what is marked --------------------------------------------------------------------------------


def test_words_of_its_own_are_marked_with_what_is_doubtful_about_them():
    found = draft(WITH_OWN_WORDS, review=json.dumps({"doubts": ["untrue", "nonsense"]}))
    assert found["verdict"] == "marked"
    assert found["marks"] == [
        {"text": OWN_SENTENCE, "why": [OWN_WORDS]},
        {"text": "The letter", "why": [f"second reading: {RUBRIC['untrue']}"]},
    ]
    found = draft(chosen("silent_offer_1", "We promise you half a refund, says Maria."))
    assert found["marks"][0]["why"] == [OWN_WORDS, RUBRIC["amount"], RUBRIC["promise"],
                                        RUBRIC["person"]]  # fmt: skip


@pytest.mark.parametrize("review", ["", "no JSON", "{}", '{"doubts": "none"}'])
def test_a_second_reading_that_says_nothing_is_marked(review):
    assert draft(WITH_OWN_WORDS, review=review)["marks"][1]["why"] == [NOT_READ]
    assert draft(WITH_OWN_WORDS, review='{"doubts": []}')["marks"] == draft(WITH_OWN_WORDS)["marks"]
    assert json.loads(read_review(review))["error"]


def test_the_second_reading_is_given_letter_and_own_words_and_no_name():
    told = json.loads(draft(WITH_OWN_WORDS)["own_words"])
    assert told["own_sentences"] == [OWN_SENTENCE]
    assert OWN_SENTENCE in told["letter"]
    assert "Ada" not in json.dumps(told)
    assert draft(GOOD)["own_words"] is None


def test_the_rubric_is_the_one_that_is_asked():
    assert set(json.loads(render("{{ tojson(review_rubric()) }}"))) == set(RUBRIC)


def test_a_letter_without_greeting_and_signature_is_marked():
    letter = whole(GOOD)
    body = letter["body"].split("\n\n", 1)[1].rsplit("\n\n", 1)[0]
    found = draft(json.dumps({**letter, "body": body}))
    assert [mark["text"] for mark in found["marks"]] == ["The letter"]


def test_a_name_stands_in_the_greeting_and_nowhere_else():
    letter = whole(GOOD)
    body = letter["body"].replace("is all we need.", "is all we need, {name}.")
    found = draft(json.dumps({"subject": "{name}, we miss you", "body": body}), "Your Account")
    assert found["subject"] == "We miss you"
    assert found["body"].startswith("Dear Your Account,\n\n")
    assert found["body"].count("Your Account") == 1
    assert {"text": "Your Account", "why": ["the customer's name reads like a message"]} in (
        found["marks"]
    )


def test_an_offer_or_a_name_is_not_looked_at_again():
    written = json.loads(draft_message(GOOD, "Ada", "a gift for {name}", REASONS, OURS, None))
    assert "a gift for {name}" in written["body"]


# -- a manager's edits -----------------------------------------------------------------------------


def test_what_a_manager_changes_is_marked_or_refused():
    sent = draft(GOOD)

    def edited(body: str, subject: str = sent["subject"]) -> dict:
        return json.loads(check_message(subject, body, "Ada Keller", OFFER, REASONS, OURS))

    body = sent["body"]
    assert edited(body)["verdict"] == "accepted"
    found = edited(body.replace("a short reply", "one word"))
    assert [mark["text"] for mark in found["marks"]] == [
        "If something is wrong, one word to this message is all we need."
    ]
    assert edited(body.replace("Ada Keller", "Bob Smith"))["verdict"] == "marked"
    assert edited(body, "Something else for you")["verdict"] == "marked"
    assert "chosen offer" in edited(body.replace("10 percent", "90 percent"))["error"]
    assert "a number" in edited(body.replace("2 weeks", "3 weeks"))["error"]
    assert "a link" in edited(body + " evil.com")["error"]


# -- the seed --------------------------------------------------------------------------------------


def test_both_languages_have_both_tones_and_every_reason():
    assert STYLES == [("de", "formal"), ("de", "warm"), ("en", "formal"), ("en", "warm")]
    for style in STYLES:
        there = {(one.part, one.reason) for one in read_sentences(sentences(*style))}
        assert {part for part, _ in there} == set(PARTS)
        for code in CODES[:-1]:
            assert {("subject", code), ("opening", code)} <= there
