"""Files as they are: every kind of CSV, time and amount, as events of the contract."""

import gzip
import json
from zoneinfo import ZoneInfo

import numpy
import pytest

from ingest.events import decode
from ingest.file_options import FileOptions
from ingest.files import EventFile, read_lines
from ingest.formats.csv_file import csv_blocks
from ingest.seen import Seen
from runtime.errors import IngestError
from tests.event_files import ORDERS, SHOP, broken, csv, events


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2024-07-01", "UTC", "2024-07-01T00:00:00Z"),
        ("2024-07-01 12:30", "UTC", "2024-07-01T12:30:00Z"),
        ("2024-07-01 12:30", "Europe/Berlin", "2024-07-01T10:30:00Z"),
        ("2024-01-01T12:30:15.25", "Europe/Berlin", "2024-01-01T11:30:15.250000Z"),
        ("2024-07-01", "Europe/Berlin", "2024-06-30T22:00:00Z"),
        ("2024-07-01 12:30:15 +0200", "America/New_York", "2024-07-01T10:30:15Z"),
        ("2024-07-01 12:30:15-05:30", "UTC", "2024-07-01T18:00:15Z"),
        ("2024-07-01 12:30:15.123456789 UTC", "Europe/Berlin", "2024-07-01T12:30:15.123456Z"),
    ],
)
def test_times_as_text(tmp_path, text, zone, expected):
    path = csv(tmp_path, f"client,created,total\nc1,{text},1\n")
    options = FileOptions(SHOP, ORDERS.constants, zone=ZoneInfo(zone), zone_name=zone)
    [found] = events(path, options)
    assert found["occurred_at"] == expected


@pytest.mark.parametrize(
    ("text", "time_format", "expected"),
    [
        ("31.12.2024 14:05", "%d.%m.%Y %H:%M", "2024-12-31T13:05:00Z"),
        ("12/31/2024", "%m/%d/%Y", "2024-12-30T23:00:00Z"),
        ("31 Dec 2024 14:05 -0500", "%d %b %Y %H:%M %z", "2024-12-31T19:05:00Z"),
        ("2024-12-31", "%d.%m.%Y", "2024-12-30T23:00:00Z"),
    ],
)
def test_times_in_another_format(tmp_path, text, time_format, expected):
    path = csv(tmp_path, f"client,created,total\nc1,{text},1\nc1,soon,1\n")
    zone = {"zone": ZoneInfo("Europe/Berlin"), "zone_name": "Europe/Berlin"}
    options = FileOptions(SHOP, ORDERS.constants, time_format=time_format, **zone)
    good, bad = read_lines(path, options=options)
    assert json.loads(good.message)["occurred_at"] == expected
    assert bad.is_broken


@pytest.mark.parametrize("text", ["2024-02-31", "31.12.2024", "12/31/2024", "soon", "0000-01-01"])
def test_a_text_that_is_no_time_is_left_for_the_contract_to_reject(tmp_path, text):
    [line] = read_lines(csv(tmp_path, f"client,created,total\nc1,{text},1\n"), options=ORDERS)
    assert line.is_broken
    assert json.loads(line.message)["occurred_at"] == text


@pytest.mark.parametrize(
    ("text", "decimal_comma", "expected"),
    [
        ("12.40", False, 12.4),
        (" -3 ", False, -3),
        ("1.234,50", True, 1234.5),
        ("12,5", True, 12.5),
        ("1e3", False, 1000),
    ],
)
def test_amounts_as_text(tmp_path, text, decimal_comma, expected):
    path = csv(tmp_path, f"client;created;total\nc1;2024-01-01;{text}\n")
    [found] = events(path, FileOptions(SHOP, ORDERS.constants, decimal_comma=decimal_comma))
    assert found["amount"] == expected


@pytest.mark.parametrize("text", ["12,50", "EUR 5", "NaN", "1_000", "٣"])
def test_an_amount_that_is_no_number_is_rejected(tmp_path, text):
    path = csv(tmp_path, f'client;created;total\nc1;2024-01-01;"{text}"\n')
    [line] = read_lines(path, options=ORDERS)
    assert decode(line.message).reason == "amount is not a finite number"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_csv_with_any_delimiter_quotes_and_a_byte_order_mark(tmp_path, delimiter, mark):
    rows = [
        ["Client", "created", "total", "note"],
        ["007", "2024-01-01", "1.5", '"says ""yes,\r\nno; or\t|"""'],
        ["c2", "2024-01-02", "", ""],
    ]
    text = "\r\n".join(delimiter.join(row) for row in rows) + "\r\n\r\n"
    first, second = events(csv(tmp_path, mark + text.encode()))
    assert (first["customer_id"], first["amount"]) == ("007", 1.5)
    assert first["properties"] == {"note": 'says "yes,\r\nno; or\t|"'}
    assert "amount" not in second
    assert "properties" not in second


def test_a_csv_that_is_compressed_or_tab_separated(tmp_path):
    text = b"client\tcreated\ttotal\nc1\t2024-01-01\t1\n"
    for name in ("orders.csv.gz", "orders.TSV.GZ"):
        [found] = events(csv(tmp_path, gzip.compress(text), name))
        assert found["customer_id"] == "c1"
    whole = gzip.compress(text * 1000)
    with pytest.raises(IngestError, match="cannot be read"):
        events(csv(tmp_path, whole[: len(whole) // 2], "cut.csv.gz"))


def test_rows_that_cannot_be_taken_apart_cost_only_themselves(tmp_path):
    path = csv(
        tmp_path,
        b"client,created,total\n"
        b"c1,2024-01-01,1\n"
        b"c2,2024-01-02\n"
        b"c3,2024-01-03,1,2\n"
        b'c4,"2024-01-04,1\n'
        b"c5,2024-01-05,1\n"
        b"\n"
        b"c\xe9,2024-01-06,1\n"
        b"client,created,total\n"
        b'c9,"2024-01-09",1\n',
    )
    found = broken(path)
    assert [(number, content) for number, _, content in found] == [
        (3, b"c2,2024-01-02"),
        (4, b"c3,2024-01-03,1,2"),
        (5, b'c4,"2024-01-04,1'),
        (8, b"c\xe9,2024-01-06,1"),
        (9, b"client,created,total"),
    ]
    reasons = [reason for _, reason, _ in found]
    assert reasons[0] == "the row has 2 fields and the header has 3"
    assert reasons[1] == "the row has 4 fields and the header has 3"
    assert "a quote that is out of place or never closed" in reasons[2]
    assert "not UTF-8" in reasons[3]
    assert reasons[4] == "the row is the header again"
    good = [json.loads(line.message) for line in read_lines(path, options=ORDERS) if line.key]
    assert [one["customer_id"] for one in good] == ["c1", "c5", "c9"]


def test_blocks_of_large_rows_are_small(tmp_path):
    wide = "x" * 100_000
    path = csv(tmp_path, "client,note\n" + f"c1,{wide}\n" * 200)
    counts = [len(block.numbers) for block in csv_blocks(path, 10_000)]
    assert sum(counts) == 200
    assert max(counts) < 70


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("orders.csv", b"", "is empty"),
        ("orders.csv", b"\n \n", "is empty"),
        ("orders.csv", b"client,created,total\n", "is empty"),
        ("orders.csv", b"client,created,total,client\n", "has the column client twice"),
        ("orders.csv", b"client,created,total,Client\nc,2024-01-01,1,c\n", "differ in capitals"),
        ("orders.csv", "client,created\n".encode("utf-16"), "is UTF-16: save it as UTF-8"),
        (
            "orders.csv",
            b"kunde,created,total\nc,2024-01-01,1\n",
            r"has no column client \(--map customer_id=client\): its columns are kunde, created,",
        ),
        ("orders.csv.gz", b"client", "cannot be read"),
        ("orders.xlsx", b"PK", "ends in none of .csv, .tsv, .jsonl and .parquet"),
        ("orders.parquet.gz", b"", "ends in none of"),
        ("orders.parquet", b"no", "is not a Parquet file that can be read"),
        ("orders.jsonl", b'[{"client": 1}]', "begins with a JSON array"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, name, content, words):
    with pytest.raises(IngestError, match=words) as refused:
        if not list(read_lines(csv(tmp_path, content, name), options=ORDERS)):
            raise IngestError("is empty")
    assert "\n" not in str(refused.value)


def test_a_column_that_is_missing_is_named_with_what_may_be_done(tmp_path):
    path = csv(tmp_path, "client,day\nc1,2024-01-01\n")
    for mapped, words in [
        ({}, "no column customer_id: add --map customer_id=COLUMN; its columns are client, day"),
        ({"customer_id": "client"}, "or, if all rows are of one type, --set event_type=purchase"),
    ]:
        with pytest.raises(IngestError) as refused:
            events(path, FileOptions(mapped))
        assert words in str(refused.value)
    with pytest.raises(IngestError, match="amount has a --map and a --set"):
        FileOptions({"amount": "a"}, {"amount": "1"})
    with pytest.raises(IngestError, match="occurred_at=soon is not a time"):
        EventFile(path, FileOptions({}, {"occurred_at": "soon"}))


def test_a_customer_list_becomes_profiles(tmp_path):
    path = csv(
        tmp_path, "client,Full Name,EMAIL,area,tier,since,ok\nc1,Ada,a@b.example,n,,2024,Yes\n"
    )
    options = FileOptions(
        {"customer_id": "client", "name": "full name", "region": "area", "marketing_consent": "OK"},
        {"event_type": "profile_updated", "occurred_at": "2024-01-31", "segment": "retail"},
    )
    [found] = events(path, options)
    assert found["occurred_at"] == "2024-01-31T00:00:00Z"
    assert found["properties"] == {
        "since": "2024",
        "name": "Ada",
        "email": "a@b.example",
        "region": "n",
        "segment": "retail",
        "marketing_consent": True,
    }


@pytest.mark.parametrize("consent", ["no", "false", "0", "", "maybe", "N"])
def test_whatever_is_no_plain_yes_is_no_consent(tmp_path, consent):
    path = csv(tmp_path, f"customer_id,marketing_consent,x\nc1,{consent},1\n")
    options = FileOptions({}, {"event_type": "profile_updated", "occurred_at": "2024-01-01"})
    [found] = events(path, options)
    assert found["properties"].get("marketing_consent") in (None, consent)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Check-in", "check_in"),
        ("Ticket opened", "ticket_opened"),
        ("Kündigung", "kundigung"),
        ("  PURCHASE ", "purchase"),
        ("login", "login"),
    ],
)
def test_types_are_put_into_the_contracts_form(tmp_path, given, expected):
    path = csv(tmp_path, f"customer_id,event_type,occurred_at\nc1,{given},2024-01-01\n")
    assert events(path, FileOptions())[0]["event_type"] == expected


def test_an_id_that_is_missing_follows_from_the_row_and_its_number_among_equals(tmp_path):
    rows = ["c1,2024-01-01,5", "c2,2024-01-01,5", "c1,2024-01-01,5"]
    path = csv(tmp_path, "\n".join(["client,created,total", *rows]))
    first, second, third = (one["event_id"] for one in events(path))
    assert third == f"{first}-2"
    assert second not in (first, third)
    assert max(map(len, (first, second, third))) <= 64
    longer = csv(tmp_path, "\n".join(["total,client,created,new", *(
        f"{total},{client},{day}," for client, day, total in (row.split(",") for row in rows[::-1])
    )]), "later.csv")  # fmt: skip
    assert {one["event_id"] for one in events(longer)} == {first, second, third}
    otherwise = FileOptions(SHOP, ORDERS.constants, zone=ZoneInfo("Asia/Tokyo"), zone_name="T")
    assert [one["event_id"] for one in events(path, otherwise)] == [first, second, third]
    of_another_type = FileOptions(SHOP, {"event_type": "refund"})
    assert {one["event_id"] for one in events(path, of_another_type)}.isdisjoint(
        (first, second, third)
    )
    mixed = csv(tmp_path, "event_id,client,created,total\nmine,c1,2024-01-01,5\n,c1,2024-01-01,5\n")
    assert [one["event_id"][:4] for one in events(mixed)] == ["mine", "row-"]


def test_ids_do_not_depend_on_where_blocks_end(tmp_path):
    path = csv(tmp_path, "client,created,total\n" + "c1,2024-01-01,5\nc2,2024-01-01,5\n" * 50)
    found = [
        [
            json.loads(value)["event_id"]
            for one in EventFile(path, ORDERS).messages(rows)
            for value in one.values
        ]
        for rows in (7, 1_000)
    ]
    assert found[0] == found[1]
    assert len(set(found[0])) == 100


def test_how_often_keys_have_come():
    draw = numpy.random.default_rng(5)
    seen, counts = Seen(), {}
    for size in (1, 50, 400, 3, 1_000, 20):
        keys = draw.integers(-300, 300, size)
        expected = []
        for key in keys.tolist():
            counts[key] = counts.get(key, 0) + 1
            expected.append(counts[key])
        assert seen.occurrences(keys).tolist() == expected


def test_jsonl_of_the_contract_stays_as_it_is_and_any_other_is_read_by_columns(tmp_path):
    text = (
        '{ "event_id":"e1","customer_id":"c1","event_type":"x","occurred_at":"2024-01-01T00:00Z"}'
    )
    path = csv(tmp_path, f"\n{text}\n{{broken\n", "events.jsonl")
    assert [line.message for line in read_lines(path)] == [text.encode(), b"{broken"]
    [messages] = EventFile(path).messages()
    assert messages.numbers == [2, 3]
    own = csv(
        tmp_path,
        '{"CLIENT": 7, "created": "2024-01-01", "total": 2.5, "more": {"a": [1]}}\n'
        '{"client": 8}\n[1]\n{"CLIENT": 9, "created": "2024-01-02", "late": true}\n',
        "own.jsonl",
    )
    with pytest.raises(IngestError, match="differ in capitals"):
        list(read_lines(own, options=ORDERS))
    own.write_text(own.read_text().replace("CLIENT", "client"))
    lines = list(read_lines(own, options=ORDERS))
    assert [line.is_broken for line in lines] == [False, True, True, False]
    first, last = json.loads(lines[0].message), json.loads(lines[3].message)
    assert (first["customer_id"], first["amount"]) == ("7", 2.5)
    assert first["properties"] == {"more": {"a": [1]}}
    assert last["properties"] == {"late": True}
    assert broken(own) == [(3, "the line is not a JSON object", b"[1]")]
