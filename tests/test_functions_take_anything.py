"""The functions of messages, as SQL calls them: whatever a row holds, none of them fails."""

import json
from itertools import product

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedded.functions import register_functions
from tests.letters import sentences
from tests.outreach_fixtures import GOOD, REASONS
from tests.outreach_fixtures import OWN_WORDS as WITH_OWN_WORDS

OURS = sentences()
HOSTILE = (
    None, "", " ", "\x00", "{name}{offer}", "(?P<", "\\", "\\1", "[" * 100_000, "{" * 9_000,
    '{"a":' * 5_000, "9" * 5_000, "-1e999999", "NaN", "null", '"text"', "[[]]", '[{"code": {}}]',
    '{"subject": "\\ud800", "body": "\\udfff"}', '{"subject": 1, "body": null}', GOOD,
    "\N{ZERO WIDTH JOINER}" * 300, "e\N{COMBINING ACUTE ACCENT}" * 200, "\U0010ffff", "a." * 4_000,
    "l-i-k-e t-h-i-s " * 400, "Dear " * 1_500, "A" * 7_999, OURS, WITH_OWN_WORDS,
)  # fmt: skip
KEYS = ("code", "facts", "subject", "body", "sentences", "doubts")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(("code", "facts", "subject", "body", "sentences", "doubts")),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
REPLIES = st.fixed_dictionaries({"subject": st.text(max_size=140), "body": st.text(max_size=400)})
TEXTS = st.none() | st.text(max_size=200) | JSON.map(json.dumps) | REPLIES.map(json.dumps)
OFFERS = st.text("abc {name}[[", min_size=1).map("x{}".format)
MANY = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def sql():
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as churn")
        register_functions(connection)
        connection.execute("use churn.main")
        yield connection


def verdict(sql: duckdb.DuckDBPyConnection, function: str, *texts: str | None) -> dict:
    places = ", ".join("?" * len(texts))
    # As the statements read it: JSON, or the row would have no verdict.
    row = sql.execute(f"select try_cast({function}({places}) as json)", list(texts)).fetchone()
    assert row[0] is not None, texts
    return json.loads(row[0])


def has_one_outcome(found: dict) -> bool:
    """Either all checks hold, or the error says which one does not."""
    return all(found["checks"].values()) == (found["error"] is None)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text)[:24])
def test_a_hostile_text_in_any_place(sql, text):
    for one, other in product((text, "x"), (text, None, "an offer")):
        for name in ("draft_message", "check_message"):
            assert has_one_outcome(verdict(sql, name, text, one, other, text, OURS, text))
            assert has_one_outcome(verdict(sql, name, GOOD, text, one, REASONS, OURS, other))
            assert has_one_outcome(verdict(sql, name, GOOD, one, other, text, text, text))
        assert set(verdict(sql, "write_from_template", text, one)) == {"subject", "sentences"}
    assert set(verdict(sql, "read_review", text)) == {"doubts", "error"}


@MANY
@given(texts=st.tuples(TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS))
def test_any_texts(sql, texts):
    assert has_one_outcome(verdict(sql, "draft_message", *texts))
    assert has_one_outcome(verdict(sql, "check_message", *texts))
    assert set(verdict(sql, "write_from_template", *texts[:2])) == {"subject", "sentences"}
    assert set(verdict(sql, "read_review", texts[0])) == {"doubts", "error"}


@MANY
@given(name=st.none() | st.text(max_size=60), offer=OFFERS)
def test_any_name_and_offer_in_a_good_reply(sql, name, offer):
    found = verdict(sql, "draft_message", GOOD, name, offer, REASONS, OURS, None)
    assert found["error"] is None
    assert "{name}" not in found["subject"]
    assert f"this is waiting for you: {offer or ''}." in found["body"]


def test_a_role_is_any_text(sql):
    for text in HOSTILE:
        [found] = sql.execute("select is_role_in_session(?)", [text]).fetchone()
        assert not found
