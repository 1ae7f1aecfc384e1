"""What becomes of a reply: the company's sentences are accepted, all others marked or refused."""

import json
from collections import Counter

import pytest

from outreach.doubts import ANOTHER_DOUBT, NOT_READ, OWN_WORDS, RUBRIC
from outreach.letters import CHECKS, FRAME, TWICE, check_message, draft_message, judge, read_review
from outreach.replies import LONGEST_REPLY
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


def marked(found: dict) -> list[str]:
    """What is marked in a letter, as it stands there."""
    texts = {"subject": found["subject"], "body": found["body"]}
    for mark in found["marks"]:
        if mark["in"] in texts:
            begin = mark["start"]
            assert texts[mark["in"]][begin : begin + len(mark["text"])] == mark["text"]
    return [mark["text"] for mark in found["marks"] if mark["text"]]


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
        if found["verdict"] != "refused":
            assert " ".join(sentence.split()) in " ".join(marked(found))


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


def test_a_reply_that_is_too_long_is_not_read():
    assert broken(GOOD.ljust(LONGEST_REPLY)) == []
    assert broken(GOOD.ljust(LONGEST_REPLY + 1)) == ["form"]


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
    found = draft(WITH_OWN_WORDS, review=json.dumps({"doubts": ["UNTRUE", "threat"]}))
    assert found["verdict"] == "marked"
    assert marked(found) == [OWN_SENTENCE]
    assert [mark["why"] for mark in found["marks"]] == [
        [OWN_WORDS],
        [f"second reading: {RUBRIC['untrue']}", f"second reading: {ANOTHER_DOUBT}"],
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
    told = json.loads(draft(WITH_OWN_WORDS, name=None)["own_words"])  # as judge_replies asks
    assert told["own_sentences"] == [OWN_SENTENCE]
    assert OWN_SENTENCE in told["letter"]
    assert told["letter"].startswith("Dear customer,")
    assert draft(GOOD)["own_words"] is None


def test_the_rubric_is_the_one_that_is_asked():
    assert set(json.loads(render("{{ tojson(review_rubric()) }}"))) == set(RUBRIC)


def test_a_letter_without_greeting_and_signature_is_marked():
    letter = whole(GOOD)
    body = letter["body"].split("\n\n", 1)[1].rsplit("\n\n", 1)[0]
    found = draft(json.dumps({**letter, "body": body}))
    assert [(mark["in"], mark["why"]) for mark in found["marks"]] == [("letter", [FRAME])]
    twice = draft(chosen("silent_opening_1", "middle_1", "middle_1", "silent_offer_1"))
    assert [(mark["in"], mark["why"]) for mark in twice["marks"]] == [("letter", [TWICE])]


def test_a_name_stands_in_the_greeting_and_nowhere_else():
    letter = whole(GOOD)
    body = letter["body"].replace("is all we need.", "is all we need, {name}.")
    found = draft(json.dumps({"subject": "{name}, we miss you", "body": body}), "Your Account")
    assert found["subject"] == "We miss you"
    assert found["body"].startswith("Dear Your Account,\n\n")
    assert found["body"].count("Your Account") == 1
    assert found["marks"][-1]["why"] == ["the customer's name reads like a message"]


def test_an_offer_or_a_name_is_not_looked_at_again():
    written = json.loads(draft_message(GOOD, "Ada", "a gift for {name}", REASONS, OURS, None))
    assert "a gift for {name}" in written["body"]


# -- a manager's edits -----------------------------------------------------------------------------


def edited(body: str, subject: str = "We have missed you", name: str = "Ada Keller") -> dict:
    return json.loads(check_message(subject, body, name, OFFER, REASONS, OURS))


def test_what_a_manager_changes_is_marked_or_refused():
    body = draft(GOOD)["body"]
    assert edited(body)["verdict"] == "accepted"
    assert marked(edited(body.replace("a short reply", "one word"))) == [
        "If something is wrong, one word to this message is all we need."
    ]
    # The number is the customer's own.
    assert marked(edited(body.replace("we miss you.", "we miss you!"))) == [
        "It has been more than 2 weeks since your last visit, and we miss you!"
    ]
    assert marked(edited(body.replace("Ada Keller", "Bob Smith"))) == ["Dear Bob Smith,"]
    assert marked(edited(body.replace("Dear Ada", "Good morning Ada"))) == [
        "Good morning Ada Keller,"
    ]
    assert "chosen offer" in edited(body.replace("10 percent", "90 percent"))["error"]
    assert "a number" in edited(body.replace("2 weeks", "3 weeks"))["error"]
    assert "a link" in edited(body + " evil.com")["error"]


def test_an_edit_is_judged_and_kept_as_it_will_be_sent():
    """No placeholder is filled any more, and no name is taken out of a sentence before."""
    body = draft(GOOD)["body"]
    typed = body.replace("Ada Keller", "{name}").replace(OFFER, "{offer}")
    assert edited(typed)["verdict"] == "refused"
    assert edited(body, "We{name} have missed you")["verdict"] == "refused"
    for name, subject in (
        ("Never", "We have Never missed you"),
        ("Not", "Not, We have missed you"),
    ):
        found = edited(body.replace("Ada Keller", name), subject, name)
        assert marked(found) == [subject]
    kept = edited(f"{body}\r\n\n", "We have missed you\r\n")
    assert (kept["subject"], kept["body"]) == ("We have missed you", body)
    assert edited(body.replace("\n\n", "\n\t\u2028\n"))["verdict"] == "refused"


@pytest.mark.parametrize(
    "name",
    ["Wir", "An", "We", "Kind", "When", "If", "It", "visit", "Dear", "O", "Will", "小龙 O'Neil"],
)
def test_a_name_may_be_a_word_of_the_letter(name):
    made = draft(GOOD, name)
    assert edited(made["body"], name=name)["verdict"] == "accepted"
    assert marked(edited(made["body"].replace("we miss you.", "we long for you."), name=name)) == [
        "It has been more than 2 weeks since your last visit, and we long for you."
    ]
    assert marked(edited(made["body"].replace(f"Dear {name}", f"Hi {name}"), name=name)) == [
        f"Hi {name},"
    ]


def test_an_offer_may_be_words_of_the_letter():
    made = json.loads(draft_message(GOOD, "Ada", "a short reply", REASONS, OURS, None))
    assert made["verdict"] == "accepted"
    again = check_message(made["subject"], made["body"], "Ada", "a short reply", REASONS, OURS)
    assert json.loads(again)["verdict"] == "accepted"


def test_a_greeting_is_replaced_and_what_follows_it_in_the_line_is_kept():
    letter = whole(GOOD)
    for name, greeting in (("Ada", "Dear Ada,"), (None, "Dear customer,")):
        found = draft(json.dumps({**letter, "body": letter["body"].replace("\n", " ")}), name)
        assert found["body"].startswith(f"{greeting}  It has been more than 2 weeks")
        assert OFFER in found["body"]
    found = draft(
        json.dumps({**letter, "body": letter["body"].replace("Dear {name},", "Hi {name}!")})
    )
    assert marked(found) == ["Hi Ada Keller!"]


@pytest.mark.parametrize(
    "sentence",
    [
        "¿Cómo estás?",
        "Ne-ar plăcea să știm.",
        "Chúng tôi nhớ bạn.",
        "Wie geht´s «dir» und ‚euch‘?",
        "Please\u00a0tell us, whatever it is.",
        "We are soooo sorry.",
        "Weeks / months may pass.",
    ],
)
def test_natural_words_of_other_languages_are_marked_and_not_refused(sentence):
    found = draft(chosen("silent_opening_1", sentence, "silent_offer_1"))
    assert marked(found) == [sentence]


def test_letters_of_another_script_need_a_company_that_writes_it():
    reply = chosen("silent_opening_1", "Мы скучаем.", "silent_offer_1")
    assert broken(reply) == ["characters"]
    russian = OURS + "\nmiddle_9 | middle | any | Мы будем рады вас видеть."
    found = json.loads(draft_message(reply, "Ada", OFFER, REASONS, russian, None))
    assert marked(found) == ["Мы скучаем."]


# -- the seed --------------------------------------------------------------------------------------


def test_both_languages_have_both_tones_and_every_reason():
    assert STYLES == [("de", "formal"), ("de", "warm"), ("en", "formal"), ("en", "warm")]
    for style in STYLES:
        there = {(one.part, one.reason) for one in read_sentences(sentences(*style))}
        assert {part for part, _ in there} == set(PARTS)
        for code in CODES[:-1]:
            assert {("subject", code), ("opening", code)} <= there
