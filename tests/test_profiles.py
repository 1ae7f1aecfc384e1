"""Profiles merge field by field; what no seed knows, and what contradicts itself, is counted."""

import json
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import EPOCH, Pipeline, event

PROPERTY = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
BLANKS = " \t\n\r\u00a0\u202f\u3000\u200b\u200c\u200d\u2060\ufeff"
TEXTS = st.sampled_from(["Ada", " Ada", "Ben\u00a0", "", "  ", "\u200b", "Åsa Ö"]) | st.text(
    max_size=5
)
FIELDS = {
    "name": TEXTS | st.none(),
    "email": TEXTS | st.none(),
    "region": st.sampled_from(["north", "North ", "\u00a0NORTH", "west", 7, None]),
    "segment": st.sampled_from(["Premium", "premium ", "basic", None]),
    "monthly_value": st.sampled_from(
        [
            *(0, 12.5, "40", " 40 ", "1e3", -1, 1e300, 1_000_000_000, 1_000_000_001, True, None),
            *(
                "NaN",
                "inf",
                "-inf",
                "1,250.00",
                "EUR 45",
                "1_0",
                "0x1F",
                "",
                "１２",
                "4.",
                ".5",
                "+5",
            ),
        ]
    ),
    "marketing_consent": st.sampled_from([True, False, "true", "TRUE ", "yes", 1, None]),
}
NUMBERS = {0: 0, 12.5: 12.5, "40": 40, " 40 ": 40, "1e3": 1000, 1_000_000_000: 1e9}
profiles = st.fixed_dictionaries({}, optional=FIELDS)
# Few customers and few moments, so that ties are common.
histories = st.lists(
    st.tuples(st.sampled_from("ABC"), st.integers(0, 2), profiles), min_size=1, max_size=12
)


def _trimmed(value) -> str | None:
    text = json.dumps(value) if isinstance(value, int | float | bool) else value
    return (text or "").strip(BLANKS) or None


def merged(history: list[tuple]) -> dict[str, tuple]:
    """What is known of each customer, folded event by event in the order in which they count."""
    found = {}
    for customer in sorted({one[0] for one in history}):
        own = sorted((one for one in history if one[0] == customer), key=lambda one: one[1])
        known: dict = {}
        consents: dict[int, bool] = {}
        for _, moment, profile in own:
            for field, value in profile.items():
                known[field] = value
            if "marketing_consent" in profile:
                said = _trimmed(profile["marketing_consent"]) or ""
                consents[moment] = consents.get(moment, True) and said.lower() == "true"
        value = known.get("monthly_value")
        number = NUMBERS.get(value) if not isinstance(value, bool) else None
        found[customer] = (
            _trimmed(known.get("name")),
            _trimmed(known.get("email")),
            (_trimmed(known.get("region")) or "").lower() or None,
            (_trimmed(known.get("segment")) or "").lower() or None,
            number,
            _trimmed(value) is not None and number is None,
            consents[max(consents)] if consents else False,
            EPOCH - timedelta(days=2 - max(moment for _, moment, _ in own)),
        )
    return found


@PROPERTY
@given(history=histories, cut=st.integers(0, 12))
def test_a_profile_is_what_its_events_add_up_to(shared_pipeline, history, cut):
    shared_pipeline.connection.execute("delete from churn_scores_raw")
    events = [
        event(
            f"profile-{at}",
            customer,
            "profile_updated",
            EPOCH - timedelta(days=2 - moment),
            properties=profile,
        )
        for at, (customer, moment, profile) in enumerate(history)
    ]
    for part in (events[:cut], events[cut:]):
        if part:
            shared_pipeline.add(*part)
            shared_pipeline.refresh()
    rows = shared_pipeline.rows(
        "select customer_id, name, email, region, segment, monthly_value, has_unreadable_value,"
        " has_marketing_consent, updated_at from customer_profiles"
    )
    assert {row[0]: row[1:] for row in rows} == merged(history)


@pytest.fixture
def built(empty_pipelines, tmp_path, monkeypatch):
    """A whole pipeline, views and seeds included."""
    monkeypatch.setenv("CHURN_HOME", str(tmp_path / "home"))
    pipeline = Pipeline(empty_pipelines.copy("all", tmp_path / "home"))
    yield pipeline
    pipeline.close()


def test_what_no_seed_knows_is_listed_with_counts(built):
    profiles = [
        {"region": "North ", "segment": "PREMIUM", "monthly_value": 40},
        {"region": "nord", "segment": "vip", "monthly_value": "EUR 45"},
        {"region": "Nord", "monthly_value": "much"},
        {"region": " SOUTH", "segment": "default"},
        {},
    ]
    built.add(
        *(
            event(f"p-{at}", f"c{at}", "profile_updated", EPOCH, properties=profile)
            for at, profile in enumerate(profiles)
        )
    )
    built.refresh()
    expected = [
        ("monthly_value", "not understood", 2),
        ("region", "nord", 2),
        ("segment", "vip", 1),
    ]
    query = "select field, found_value, customers from {} order by all"
    assert built.rows(query.format("unknown_profile_values")) == expected
    assert built.rows(query.format("manager_profile_values")) == expected


def test_a_copy_that_says_something_else_is_counted_and_one_in_other_words_is_not(built):
    first = event("1", "c1", "purchase", EPOCH, amount=20.0, properties={"a": 1, "b": [1, 2]})
    built.add(
        first,
        event("2", "c1", "purchase", EPOCH, amount=5.0, properties={"a": 1}),
        first,
        {**first, "amount": 900.0},
        {**first, "occurred_at": EPOCH - timedelta(days=3)},
        {**first, "properties": {"a": 2, "b": [1, 2]}},
        {**first, "properties": {"b": [1, 2], "a": 1}},
        {**first, "customer_id": "c2"},
        {**first, "event_type": "refund"},
    )
    built.connection.execute(
        'update churn_scores_raw set payload = \'{ "properties" : {"a":1 ,"b": [1,2]} }\''
        " where kafka_offset = 2"
    )
    built.refresh()
    assert built.rows(
        "select customer_id, event_type, amount from customer_events"
        " where event_id = 'e1' order by 1, 2"
    ) == [("c1", "purchase", 20.0), ("c1", "refund", 20.0), ("c2", "purchase", 20.0)]
    contradicting = "select event_id, kafka_offset from contradicting_events order by kafka_offset"
    assert built.rows(contradicting) == [("e1", 3), ("e1", 4), ("e1", 5)]
    assert built.rows("select kafka_topic, messages from manager_rejected") == [("test", 3)]


def test_a_purchase_and_its_refund_may_share_an_id(built):
    built.add(
        event("1001", "c1", "purchase", EPOCH, amount=30.0),
        event("1001", "c1", "refund", EPOCH, amount=10.0),
        event("1001", "c2", "purchase", EPOCH, amount=700.0),
    )
    built.refresh()
    assert built.rows(
        "select customer_id, purchase_amount_total from churn_metrics_live order by 1"
    ) == [("c1", 20.0), ("c2", 700.0)]
