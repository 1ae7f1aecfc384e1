"""The company's sentences: what no letter could be made of stops the build, in a sentence."""

import pytest

from outreach.settings import read_settings
from tests.dbt import render, run_dbt
from tests.letters import sentences

pytest_plugins = ("tests.outreach_fixtures",)

BAD_ROWS = {
    "en warm: part subject has no sentence for any reason": "part = 'subject' and reason = 'any'",
    "de formal: part signature has no sentence for any reason": "part = 'signature'",
}
BAD_FIELDS = {
    "code a b: a code has small letters": "code = 'a b' where code = 'silent_opening_1'",
    "code offer_1 has several sentences": "code = 'offer_1' where code = 'offer_2'",
    "the part is not one of subject, greeting": "part = 'ps' where code = 'middle_1'",
    "a text is one line": "sentence_text = 'a | b' where code = 'middle_1'",
    "and no tab": "sentence_text = 'a' || chr(9) || 'b' where code = 'middle_1'",
    "closing_2: a text is one line": "sentence_text = ' ' where code = 'closing_2'",
    "code closing-9: a code has": "code = 'closing-9' where code = 'closing_2'",
    "the reason is not one of any, silent": "reason = 'silnet' where code = 'silent_opening_1'",
    "(no language) warm: ": "language = null where code = 'middle_1' and tone = 'warm'",
    "middle_1: a text is one line": "sentence_text = 'a' || chr(10) || 'b' where code = 'middle_1'",
    "names {offer} once": "sentence_text = 'For you.' where code = 'offer_1'",
    "middle_1: a sentence of part offer": "sentence_text = '{offer}' where code = 'middle_1'",
    "a greeting names {name} once": "sentence_text = 'Hi,' where code = 'greeting_1'",
    "braces may hold name, offer, weeks_away and years_with_us": "sentence_text = 'In {days} days.'"
    " where code = 'middle_1'",
}


def test_what_no_letter_could_be_made_of_is_said_in_sentences(pipeline):
    query = render("{{ sentence_problems(ref('message_sentences')) }}")
    assert pipeline.rows(query) == []
    changes = {
        **{text: f"delete from message_sentences where {rows}" for text, rows in BAD_ROWS.items()},
        **{text: f"update message_sentences set {change}" for text, change in BAD_FIELDS.items()},
    }
    for sentence, change in changes.items():
        pipeline.connection.execute("begin")
        pipeline.connection.execute(change)
        problems = "\n".join(row[0] for row in pipeline.rows(query))
        assert sentence in problems
        assert problems.startswith("seeds/message_sentences.csv, ")
        pipeline.connection.execute("rollback")


UNUSABLE = {
    "the letter does not name the chosen offer": "sentence_text = 'Since'"
    " || ' {weeks_away} weeks: {offer}.' where part = 'offer' and reason = 'any'",
    "for the reason few_visits: the letter is too short, too long": "sentence_text ="
    " repeat('Please come. ', 200) where code = 'few_visits_opening_1'",
    "for the reason friction: the letter is too short, too long": "sentence_text ="
    " repeat('Sorry ', 30) where code = 'friction_subject_1'",
    "it would be marked": "sentence_text = 'Dear {name}, since {weeks_away} weeks'"
    " where part = 'greeting'",
}


@pytest.mark.parametrize("problem", UNUSABLE)
def test_sentences_that_make_no_letter_stop_the_build(pipeline, problem):
    pipeline.connection.execute(f"update message_sentences set {UNUSABLE[problem]}")
    pipeline.close()
    done = run_dbt("build", "-s", "message_settings", check=False)
    assert done.returncode != 0
    assert problem in " ".join(done.stdout.split())


def test_sentences_in_another_language_than_there_are_stop_the_build(pipeline):
    chosen = ("--vars", "{message_language: fr}")
    done = run_dbt("build", "-s", "message_settings", *chosen, check=False)
    assert done.returncode != 0
    assert "there are no sentences in language fr and tone warm: set the vars" in done.stdout
    assert pipeline.one("select count(*) from message_settings where sentences like '%missed you%'")


def test_the_lines_of_sql_are_those_of_the_seed(pipeline):
    assert read_settings(pipeline.connection).sentences == sentences()
