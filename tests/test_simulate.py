"""Simulate: made-up subscribers who obey the contract, repeat exactly, and fade before they go."""

# ruff: noqa: F401, F811 - fixtures are imported by name

import json
from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone
from itertools import islice

import pytest
import yaml

from ingest.events import Event, decode
from ingest.loader import load
from ingest.options import parse
from ingest.simulate import Faults, messages, simulate
from tests.dbt import PROJECT
from tests.ingest_fixtures import address, ingest, one_line, raw_tables, raw_tables_path, sink

END = datetime(2026, 6, 1, tzinfo=timezone.utc)
DAYS = 180


@pytest.fixture(scope="module")
def events():
    return list(simulate(400, DAYS, 7, END))


def moment(event: dict) -> datetime:
    return datetime.fromisoformat(event["occurred_at"].replace("Z", "+00:00"))


def by_customer(events) -> dict[str, list[dict]]:
    grouped = defaultdict(list)
    for event in events:
        grouped[event["customer_id"]].append(event)
    return grouped


def test_every_event_obeys_the_contract(events):
    assert all(isinstance(decode(json.dumps(one).encode()), Event) for one in events)
    assert len({one["event_id"] for one in events}) == len(events)


def test_events_come_in_order_and_end_just_before_the_end(events):
    times = [one["occurred_at"] for one in events]
    assert times == sorted(times)
    assert END - timedelta(days=DAYS) <= moment(events[0])
    # What ends earlier looks like a loader that has stopped: stale_after_minutes.
    assert END - timedelta(minutes=10) < moment(events[-1]) < END


def test_the_same_arguments_give_the_same_events(events):
    assert list(islice(simulate(400, DAYS, 7, END), 1_000)) == events[:1_000]
    other_seed = list(islice(simulate(400, DAYS, 8, END), 1_000))
    other_end = list(islice(simulate(400, DAYS, 7, END + timedelta(days=1)), 1_000))
    for others in (other_seed, other_end):
        assert not {one["event_id"] for one in others} & {one["event_id"] for one in events}


def test_event_types_are_those_that_the_project_maps(events):
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))
    mapped = {name for names in project["vars"]["event_categories"].values() for name in names}
    used = {one["event_type"] for one in events}
    assert used <= mapped
    expected = {"purchase", "ticket_opened", "payment_failed", "profile_updated"}
    assert expected | {"campaign_received", "email_opened", "coupon_redeemed"} <= used
    assert "subscription_cancelled" in used


def test_a_profile_comes_first_and_is_complete(events):
    for history in by_customer(events).values():
        assert history[0]["event_type"] == "profile_updated"
        profile = history[0]["properties"]
        assert profile["email"].split("@")[1] in ("example.com", "example.net", "example.org")
        assert profile["monthly_value"] > 0
        assert isinstance(profile["marketing_consent"], bool)
        assert {"name", "region", "segment"} <= set(profile)


def test_nothing_comes_after_a_cancellation(events):
    cancelled = [
        history
        for history in by_customer(events).values()
        if any(one["event_type"] == "subscription_cancelled" for one in history)
    ]
    assert len(cancelled) >= 10
    for history in cancelled:
        assert history[-1]["event_type"] == "subscription_cancelled"


@pytest.mark.parametrize(
    ("reason", "fades", "stays"),
    [
        ("not_used", ("login", "purchase"), ()),
        ("too_expensive", ("purchase",), ("login",)),
        ("too_many_problems", ("quiet weeks",), ("login",)),
    ],
)
def test_leavers_fade_in_the_way_that_their_cause_makes_them(events, reason, fades, stays):
    def counts(history: list[dict], from_days: int, to_days: int) -> Counter:
        left = moment(history[-1])
        window = (left - timedelta(days=from_days), left - timedelta(days=to_days))
        found = Counter(
            one["event_type"] for one in history if window[0] < moment(one) <= window[1]
        )
        found["quiet weeks"] = not found["ticket_opened"]
        return found

    before, late = Counter(), Counter()
    for history in by_customer(events).values():
        last = history[-1]
        is_leaver = last["event_type"] == "subscription_cancelled"
        is_old = moment(last) - moment(history[0]) > timedelta(days=84)
        if is_leaver and is_old and last["properties"]["reason"] == reason:
            before += counts(history, 77, 63)
            late += counts(history, 14, 0)
    for name in fades:
        assert late[name] < 0.6 * before[name], (name, before, late)
    for name in stays:
        assert late[name] > 0.6 * before[name], (name, before, late)


def test_some_fall_silent_without_a_word(events):
    silent = 0
    for history in by_customer(events).values():
        active = [one for one in history if one["event_type"] in ("login", "purchase")]
        last = history[-1]["event_type"]
        if active and moment(active[-1]) < END - timedelta(days=42):
            silent += last != "subscription_cancelled"
    assert silent >= 10


def test_faults_come_in_the_shares_that_were_asked_for(events):
    faulty = [text for _, text in messages(events, Faults(0.05, 0.1, 0.02), seed=7)]
    assert faulty == [text for _, text in messages(events, Faults(0.05, 0.1, 0.02), seed=7)]
    assert len(faulty) / len(events) == pytest.approx(1.045, abs=0.01)
    judged = [decode(text) for text in faulty]
    broken = sum(not isinstance(one, Event) for one in judged)
    assert broken / len(events) == pytest.approx(0.02, abs=0.005)
    times = [one.occurred_at for one in judged if isinstance(one, Event)]
    assert times != sorted(times)
    clean = [json.loads(text) for _, text in messages(events, Faults(), seed=7)]
    assert clean == events


def test_a_file_holds_what_the_library_yields(tmp_path, events):
    path = tmp_path / "events.jsonl"
    command = ("simulate", "--customers", "400", "--days", str(DAYS), "--seed", "7")
    done = ingest(*command, "--end", "2026-06-01T00:00:00Z", "--output", str(path))
    assert done.returncode == 0, done.stderr
    assert f"wrote {len(events):,} events" in done.stdout
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [json.loads(text) for text in lines] == events


def test_a_topic_takes_them_faults_included(sink, raw_tables, address):
    topic = "simulated.with.faults"
    options = ("--duplicates", "1%", "--out-of-order", "2%", "--malformed", "0.5%")
    command = ("simulate", "--customers", "60", "--days", "60", "--create-topic", *options)
    done = ingest(*command, "--bootstrap-servers", address, "--topic", topic)
    assert done.returncode == 0, done.stderr
    summary = load(sink, address, topic, until_end=True)
    assert f"sent {summary.accepted + summary.rejected:,} events" in done.stdout
    [(events, rows)] = raw_tables.rows(
        "select count(distinct event_id), count(*) from churn_scores_raw where kafka_topic = ?",
        topic,
    )
    assert summary.accepted == rows > events
    assert summary.rejected > 0


def test_a_file_that_cannot_be_written(tmp_path):
    path = tmp_path / "nowhere" / "events.jsonl"
    done = ingest("simulate", "--customers", "1", "--days", "1", "--output", str(path))
    assert "cannot be written" in one_line(done)


@pytest.mark.parametrize(
    "arguments",
    [
        ("simulate", "--customers", "0", "--days", "1"),
        ("simulate", "--customers", "1", "--days", "1000000"),
        ("simulate", "--customers", "1", "--days", "1", "--malformed", "7"),
        ("simulate", "--customers", "1", "--days", "1", "--end", "yesterday"),
        ("simulate", "--customers", "1", "--days", "1", "--rate", "0"),
        ("load", "--into", "somewhere"),
        (),
    ],
)
def test_options_that_make_no_sense_exit_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        parse(arguments)
    assert ended.value.code == 2
    assert "error:" in capsys.readouterr().err
