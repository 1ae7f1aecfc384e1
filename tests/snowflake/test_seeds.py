"""Bad rows of a seed are refused while its table holds the old ones: Snowflake commits at once."""

import shutil

import pytest

from tests.dbt import PROJECT
from tests.snowflake.standin.account import ADMIN, Account
from tests.snowflake.standin.statements import one_line

SCHEMA = "CHURN.PIPELINE"
SET_UP = (
    "create role DATA_ENGINEER", "grant role DATA_ENGINEER to role SYSADMIN",
    "create warehouse CHURN_WH warehouse_size = 'XSMALL'", "create database CHURN",
    f"create schema {SCHEMA}",
    *(
        f"grant usage on {thing} to role DATA_ENGINEER"
        for thing in ("database CHURN", f"schema {SCHEMA}", "warehouse CHURN_WH")
    ),
    f"grant create table, create view on schema {SCHEMA} to role DATA_ENGINEER",
)  # fmt: skip
# File → what is put in the place of what, and what is said of it.
BAD = {
    "alert_policy": (
        "default,score,0.25", "default,score,1.25",
        "segment default: threshold must be above 0 and at most 1, not 1.25",
    ),
    "offers": (",friction,", ",bad_weather,", "is for the reason bad_weather"),
    "manager_regions": (
        "CHURN_MANAGER_EAST,east", ",east", "column role_name breaks its data test not_null",
    ),
    "message_sentences": ("en,warm,offer,", "en,warm,opening,", "part offer names {offer} once"),
    "name_placeholders": ("\\N,false", "anonymous,false", "breaks its data test unique"),
}  # fmt: skip


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    with Account(tmp_path_factory.mktemp("seeds")) as opened:
        opened.execute(*SET_UP, role=ADMIN)
        opened.dbt("seed", "-q")
        yield opened


@pytest.fixture
def project(tmp_path):
    left_out = shutil.ignore_patterns(".*", "target", "logs", "app", "ingest", "tests")
    copied = shutil.copytree(PROJECT, tmp_path / "project", ignore=left_out)
    shutil.copytree(PROJECT / "tests" / "data", copied / "tests" / "data")
    return copied


def rows(account) -> dict[str, list[str]]:
    tables = account.answers([f"select * from {SCHEMA}.{name}" for name in BAD])
    return {
        name: sorted(table.to_json(orient="records", lines=True).splitlines())
        for name, table in zip(BAD, tables, strict=True)
    }


@pytest.mark.parametrize("how", [(), ("--full-refresh",)], ids=["again", "full-refresh"])
def test_bad_rows_are_never_in_force(account, project, how):
    before, sent = rows(account), len(account.sent())
    for name, (good, bad, _) in BAD.items():
        file = project / "seeds" / f"{name}.csv"
        assert good in file.read_text()
        file.write_text(file.read_text().replace(good, bad))
    done = account.dbt("seed", *how, "--project-dir", str(project), check=False)
    assert done.returncode != 0
    said = " ".join(done.stdout.split())
    for name, (_, _, sentence) in BAD.items():
        assert sentence in said, name
    assert rows(account) == before
    written = [one_line(one.sql) for one in account.sent()[sent:]]
    writes = ("insert", "truncate", "drop", "create table")
    touched = [line for line in written if line.lower().startswith(writes)]
    assert not [line for line in touched if any(name in line.lower() for name in BAD)]
    assert touched  # the seeds without a mistake


def test_an_empty_file_is_refused_where_a_row_is_needed(account, project):
    before = rows(account)
    file = project / "seeds" / "alert_policy.csv"
    file.write_text(file.read_text().splitlines()[0] + "\n")
    done = account.dbt("seed", "-s", "alert_policy", "--project-dir", str(project), check=False)
    assert "has no segment default" in done.stdout
    assert rows(account) == before
