"""Parquet files as warehouses and pandas write them, as events of the contract."""

from datetime import date, datetime, timezone
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.file_options import FileOptions
from runtime.errors import IngestError
from tests.event_files import ORDERS, SHOP, csv, events

AT = datetime(2026, 11, 20, 10)
NANOSECONDS = 1763632800123456789
EVENT = {
    "event_id": pa.array(["p-1"]),
    "customer_id": pa.array(["42"]),
    "event_type": pa.array(["purchase"]),
    "occurred_at": pa.array([AT], pa.timestamp("us")),
    "amount": pa.array([12.4]),
}


def parquet(tmp_path, **columns):
    path = tmp_path / "export.parquet"
    pq.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {}),
        ({"customer_id": pa.array([42], pa.int64())}, {}),
        ({"customer_id": pa.array([42.0])}, {}),
        ({"event_id": pa.array([7], pa.int64())}, {"event_id": "7"}),
        ({"amount": pa.array([Decimal("12.40")], pa.decimal128(10, 2))}, {}),
        ({"amount": pa.array([12], pa.int64())}, {"amount": 12}),
        ({"amount": pa.array([float("nan")])}, {"amount": None}),
        ({"amount": pa.array(["12.40"])}, {}),
        (
            {"occurred_at": pa.array([NANOSECONDS], pa.timestamp("ns"))},
            {"occurred_at": "2025-11-20T10:00:00.123456Z"},
        ),
        (
            {"occurred_at": pa.array([1763632800123], pa.timestamp("ms"))},
            {"occurred_at": "2025-11-20T10:00:00.123000Z"},
        ),
        (
            {"occurred_at": pa.array([1763632800000000], pa.timestamp("us", "Europe/Berlin"))},
            {"occurred_at": "2025-11-20T10:00:00Z"},
        ),
        ({"occurred_at": pa.array(["2026-11-20T10:00:00Z"])}, {}),
        ({"occurred_at": pa.array([AT.date()])}, {"occurred_at": "2026-11-20T00:00:00Z"}),
        ({"event_type": pa.array(["purchase"]).dictionary_encode()}, {}),
        (
            {name: EVENT[name].cast(pa.large_string()) for name in ("event_id", "customer_id")},
            {},
        ),
        ({"customer_id": pa.array([b"42"])}, {}),
        ({"properties": pa.array(['{"a": 1}'])}, {"properties": {"a": 1}}),
        ({"properties": pa.array([b'{"a": 1}'])}, {"properties": {"a": 1}}),
        ({"properties": pa.array([{"a": 1}])}, {"properties": {"a": 1}}),
        (
            {"properties": pa.array([[("a", "1")]], pa.map_(pa.string(), pa.string()))},
            {"properties": {"a": "1"}},
        ),
        ({"properties": pa.array([""])}, {}),
        ({"shop": pa.array(["web"])}, {"properties": {"shop": "web"}}),
        (
            {
                "seen": pa.array([{"at": NANOSECONDS}], pa.struct([("at", pa.timestamp("ns"))])),
                "properties": pa.array(['{"a": 1}']),
            },
            {"properties": {"a": 1, "seen": {"at": "2025-11-20T10:00:00.123456"}}},
        ),
    ],
)  # fmt: skip
def test_parquet_of_every_shape(tmp_path, changes, expected):
    [found] = events(parquet(tmp_path, **(EVENT | changes)), FileOptions())
    usual = {
        "event_id": "p-1",
        "customer_id": "42",
        "event_type": "purchase",
        "occurred_at": "2026-11-20T10:00:00Z",
        "amount": 12.4,
    }
    wanted = usual | expected
    assert found == {name: value for name, value in wanted.items() if value is not None}


def test_names_in_capitals_are_the_same_names(tmp_path):
    [found] = events(
        parquet(tmp_path, **{name.upper(): column for name, column in EVENT.items()}), FileOptions()
    )
    assert (found["event_id"], found["amount"]) == ("p-1", 12.4)


def test_numbers_are_no_times_until_somebody_says_what_they_count(tmp_path):
    path = parquet(tmp_path, **(EVENT | {"occurred_at": pa.array([1763632800000])}))
    with pytest.raises(IngestError) as refused:
        events(path, FileOptions())
    said = str(refused.value)
    assert "the column occurred_at, the time, holds numbers: add --time-unit" in said
    assert "s no date; ms 2025-11-20 10:00:00; us 1970-01-21 09:53:52; ns 1970-01-01 00:29" in said
    assert "\n" not in said
    [found] = events(path, FileOptions(time_unit="ms"))
    assert found["occurred_at"] == "2025-11-20T10:00:00Z"
    text = csv(tmp_path, "client,created,total\nc1,1763632800.5,1\n")
    with pytest.raises(IngestError, match="the column created, the time, holds numbers"):
        events(text)
    [found] = events(text, FileOptions(SHOP, ORDERS.constants, time_unit="s"))
    assert found["occurred_at"] == "2025-11-20T10:00:00.500000Z"


def test_dates_and_moments_in_columns_that_are_no_fields(tmp_path):
    path = parquet(
        tmp_path,
        **EVENT,
        day=pa.array([date(2024, 1, 2)]),
        at=pa.array([datetime(2024, 1, 2, tzinfo=timezone.utc)]),
        left=pa.array([None], pa.string()),
    )
    [found] = events(path, FileOptions())
    assert found["properties"] == {"day": "2024-01-02", "at": "2024-01-02T00:00:00Z"}
