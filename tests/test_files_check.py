"""The check of files: what it says, and that what it says of training is what the models find."""

import csv
import gzip
import io
import re
import subprocess
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import msgspec
import yaml

from ingest.event_types import UNNAMED
from ingest.file_arguments import file_options, options_from
from ingest.file_check import check_files
from ingest.file_loader import load_file
from ingest.file_options import FIELDS, PROFILE_FIELDS, FileOptions
from ingest.files import EventFile
from ingest.samples.shop import ACTIVITY, CUSTOMERS, ORDERS
from ingest.samples.shop.make import make, write_csv
from ingest.simulate import simulate
from ingest.sinks import open_sink
from tests.conftest import run_module
from tests.dbt import PROJECT, run_dbt
from training import minimum

DOCUMENT = PROJECT / "docs" / "your-events.md"
VARS = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]


def commands(verb: str) -> dict[str, tuple[Path, FileOptions]]:
    """Return what the document's commands with the sample do, by the file's name."""
    found = {}
    text = DOCUMENT.read_text().replace("\\\n", " ")
    for line in text.splitlines():
        words = line.split()
        if words[:4] == ["python", "-m", "ingest", verb] and "ingest/samples/shop/" in line:
            path = PROJECT / words[4]
            found[path.name] = path, options_from(file_options().parse_args(words[5:]))
    return found


def report(path: Path, text: str, *options: str) -> subprocess.CompletedProcess:
    path.write_text(text)
    return run_module("ingest", "check", str(path), *options)


def test_the_report_says_what_everything_was_understood_as(tmp_path):
    path = tmp_path / "own.csv"
    unnamed = "none: counts as activity; name it in event_categories (dbt_project.yml)"
    done = report(
        path,
        "client,day,kind,total,note\n"
        "c1,2024-01-01,Check-in,5,\n"
        "c1,2024-01-01,Check-in,5,\n"
        "c2,2024-01-03 10:00,purchase,7.5,hi\n"
        "c2,2024-01-03,purchase,1\n"
        "c3,2024-01-04,purchase,many,\n",
        *("--map", "customer_id=client", "--map", "occurred_at=day", "--map", "event_type=kind"),
        *("--map", "amount=total", "--time-zone", "Europe/Berlin"),
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = [re.split("   *", line.strip()) for line in done.stdout.splitlines()]
    assert [line for line in lines if not line[0].startswith("--")] == [
        [str(path)],
        ["column", "is read as", "kind", "empty", "example"],
        ["client", "customer_id", "text", "1", "c1"],
        [
            *("day", "occurred_at"),
            "date, read as midnight Europe/Berlin (3);"
            " time without a zone, read as Europe/Berlin (1)",
            *("1", "2024-01-01"),
        ],
        ["kind", "event_type", "text", "1", "Check-in"],
        ["total", "amount", "text", "1", "5"],
        ["(no column)", "event_id", "derived from the row and how often it came before", "0"],
        ["note", "properties.note", "text", "4", "hi"],
        [""],
        ["event type", "events", "category"],
        ["check_in", "2", unnamed],
        ["purchase", "1", "purchase"],
        [""],
        ["file", "rejected", "reason", "first rows"],
        ["own.csv", "1", "the row has 4 fields and the header has 5", "5"],
        ["own.csv", "1", "amount is not a finite number", "6"],
        ["amounts written as 1.234,50 need --decimal-comma"],
        [""],
        ["rows: 5; can be loaded: 3; rejected: 2"],
        ["from 2023-12-31 23:00 to 2024-01-03 09:00 UTC"],
        ["customers: 2; days with events: 2"],
        [
            "these events alone are not enough to train on: the events span 4 days, and at least 87"
            " are needed for one cut-off that trains and one that tests, with 28 days"
            " (churn_horizon_days) behind each"
        ],
        [""],
        ["next:"],
        [
            f"python -m ingest load {path} --map customer_id=client --map occurred_at=day"
            " --map event_type=kind --map amount=total --time-zone Europe/Berlin"
        ],
    ]


def test_a_file_of_which_nothing_can_be_read_fails(tmp_path):
    path = tmp_path / "own.csv"
    done = report(path, "customer_id,event_type,occurred_at\nc1,visit,soon\n")
    assert done.returncode == 1
    assert "nothing can be loaded" in done.stdout
    assert "times are read as 2026-01-31" in done.stdout
    assert "next:" not in done.stdout
    done = report(path, "a,b\n1,2\n")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    done = report(path, "customer_id,event_type,occurred_at\n")
    assert (done.returncode, "is empty" in done.stderr) == (1, True)


def test_jsonl_of_the_contract_is_told_as_columns_too(tmp_path):
    path = tmp_path / "events.jsonl"
    event = (
        '{"event_id":"%s","customer_id":"c1","event_type":"login",'
        '"occurred_at":"2024-01-01T00:00:00Z"%s}\n'
    )
    text = event % (1, ',"amount":2.5') + event % (1, "") + event % (2, ',"own":[1]') + "{broken\n"
    done = report(path, text)
    assert done.returncode == 0
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["amount", "amount", "number", "3", "2.5"] in rows
    assert ["own", "kept", "in", "the", "payload", "list", "3", "[1]"] in rows
    assert "rows: 4; can be loaded: 3; rejected: 1" in done.stdout
    assert "copies of earlier rows, which count once: 1" in done.stdout


def checked(tmp_path, rows) -> str | None:
    """Return what is missing of visits, given as (customer, day)."""
    path = tmp_path / "visits.csv"
    path.write_text(
        "customer_id,occurred_at\n"
        + "".join(f"{customer},{day:%Y-%m-%d}\n" for customer, day in rows)
    )
    found = check_files([path], FileOptions(constants={"event_type": "visit"}))
    return found.readiness.what_is_missing()


def test_each_thing_that_training_may_lack_is_named(tmp_path):
    needed = minimum.days(VARS["churn_horizon_days"], VARS["training_cutoff_every_days"])
    first = date(2024, 1, 1)

    def visits(customers: int, days: int, leavers: int = 0):
        for customer in range(customers):
            stays = 60 if customer < leavers else days
            yield from ((customer, first + timedelta(days=day)) for day in range(stays))

    assert f"at least {needed} are needed" in checked(tmp_path, visits(9, needed - 1))
    assert checked(tmp_path, visits(9, needed)).startswith("9 labelled rows, at least 200 needed")
    assert "only 0 training rows of customers who churned, at least 10" in checked(
        tmp_path, visits(minimum.ROWS, needed)
    )
    rows = [*visits(250, 200, 60)]
    assert checked(tmp_path, rows) == "nobody churned in the 28 days after 2024-06-19"
    late = [(f"late{one}", first + timedelta(days=day)) for one in range(20) for day in range(171)]
    assert checked(tmp_path, rows + late) is None


def test_the_sample_is_what_its_script_makes_and_small():
    made = {name: write_csv(rows) for name, rows in make().items()}
    assert ORDERS.read_bytes() == made[ORDERS.name]
    assert CUSTOMERS.read_bytes() == made[CUSTOMERS.name]
    assert gzip.decompress(ACTIVITY.read_bytes()) == made[ACTIVITY.name]
    assert sum(path.stat().st_size for path in (ORDERS, ACTIVITY, CUSTOMERS)) < 300_000
    people = [*csv.DictReader(io.StringIO(made[CUSTOMERS.name].decode()))]
    assert all(one["mail"].split("@")[1].startswith("example.") for one in people)


def test_the_documents_commands_read_the_whole_sample():
    loads, checks = commands("load"), commands("check")
    assert {*loads} == {ORDERS.name, ACTIVITY.name, CUSTOMERS.name}
    assert checks.items() <= loads.items()
    assert checks
    for path, options in loads.values():
        found = check_files([path], options)
        assert (found.rejected, found.copies) == (0, 0)


def test_the_document_has_every_category_and_what_training_needs():
    text = DOCUMENT.read_text()
    table = text[text.index("| category |") : text.index("A customer churns by")]
    assert {*re.findall(r"^\| `(\w+)` \|", table, re.M)} == {*VARS["event_categories"]} | {UNNAMED}
    needed = minimum.days(VARS["churn_horizon_days"], VARS["training_cutoff_every_days"])
    for words in (f"{needed} days", f"{minimum.ROWS} labelled rows", str(minimum.OF_EACH_CLASS)):
        assert f"**{words}**" in text
    for name in re.findall(r"`(\w+)` \((\d+)\)", text):
        assert VARS[name[0]] == int(name[1])
    for name in (*FIELDS, *PROFILE_FIELDS):
        assert f"| `{name}` |" in text


def test_what_the_check_says_of_training_is_what_the_models_find(empty_pipeline, tmp_path):
    path = tmp_path / "events.jsonl"
    end = datetime(2026, 3, 1, 5, tzinfo=timezone.utc)
    encode = msgspec.json.Encoder().encode_lines
    path.write_bytes(encode([*simulate(70, 240, 3, end)]))
    found = check_files([path], FileOptions()).readiness
    empty_pipeline.close()
    run_dbt("run", "-s", "raw")
    sink = open_sink("duckdb")
    load_file(sink, EventFile(path))
    sink.close()
    run_dbt("run", "-s", "+training_snapshots")
    cutoffs = empty_pipeline.rows("select cutoff_date from training_cutoffs order by 1")
    assert [(one,) for one in found.cutoffs] == cutoffs
    outcomes = empty_pipeline.rows(
        "select cutoff_date, count(*), count(*) filter (has_churned = 0) from training_snapshots"
        " group by all order by 1"
    )
    assert found.outcomes == outcomes
    assert sum(count - stayed for _, count, stayed in outcomes) > 10
    [(cancelled,)] = empty_pipeline.rows(
        "select count(distinct customer_id) from churn_scores_raw"
        " where event_type = 'subscription_cancelled'"
    )
    assert cancelled > 5
