"""`embedded query` answers one question: it writes nothing and reads no file but the database."""

import duckdb
import pytest

from embedded.query import _reading_only, check, query
from embedded.session import connect
from runtime.errors import EngineError
from tests.conftest import run_module

READS = [
    "select 1", "from churn_scores_raw", "with one as (select 1 as a) select * from one",
    "values (1)", "show tables", "describe churn_scores_raw", "summarize churn_scores_raw",
    "select * from range(3)", "select unnest([1, 2])", "from json_each('[1]')",
    "from duckdb_tables()", "select 1 union all select 2;", "/* why */ select 1 -- so",
]  # fmt: skip
# Each is refused for what it is, before the file is opened.
OTHER_STATEMENTS = [
    "commit; create table mine as select 1; begin", "select 1; select 2", "", ";", "-- nothing",
    "create table mine as select 1", "create temp table mine as select 1", "insert into t select 1",
    "delete from churn_scores_raw", "delete from churn_scores_raw returning *",
    "update churn_scores_raw set event_id = 'x'", "drop table churn_scores_raw", "commit",
    "rollback", "begin", "attach 'other.duckdb'", "detach churn", "use memory",
    "copy churn_scores_raw to '{file}'", "copy (select 1) to '{file}'", "export database '{file}'",
    "import database '{file}'", "install httpfs", "load httpfs", "pragma enable_profiling",
    "pragma version", "set threads = 1", "reset threads", "set variable role = 'X'", "checkpoint",
    "force checkpoint", "vacuum", "call enable_logging()", "explain analyze delete from t",
    "prepare p as select 1", "execute p", "create macro m() as 1", "alter table t add column a int",
    "create secret s (type s3)", "merge into t using t as u on true when matched then delete",
]  # fmt: skip
OTHER_FUNCTIONS = [
    "from read_csv('{file}')", "from read_text('/etc/passwd')", "from read_blob('{file}')",
    "from read_json('{file}')", "from read_parquet('http://127.0.0.1:9/x')", "from glob('/etc/*')",
    "from sniff_csv('{file}')", "from parquet_metadata('{file}')", "from checkpoint()",
    "from force_checkpoint()", "from enable_logging()", "from query('select 1')",
    "from enable_logging(storage = 'file', storage_config = {{'path': '{file}'}})",
    "from arrow_scan(1, 2, 3)", "from pandas_scan(1)", "from which_secret('s3://x', 's3')",
    "select (select count(*) from enable_logging())", "select exists (from read_text('{file}'))",
    "with a as (from checkpoint()) select 1", "select 1 where 1 in (from glob('*'))",
    "from READ_CSV('{file}')", 'from "read_csv"(\'{file}\')', "from main.read_csv('{file}')",
    "from system.main.enable_logging()", "from read_duckdb('{file}')",
]  # fmt: skip
# Functions of a value, and names of tables, that only the engine can tell apart.
LEFT_TO_THE_ENGINE = ["from '{file}'", 'from "{file}"', "select getenv('HOME')"]


@pytest.fixture
def pipeline(shared_pipeline):
    """An empty one, open to nobody before and after: a query locks the settings of an open file."""
    shared_pipeline.close()
    yield shared_pipeline
    shared_pipeline.close()


@pytest.mark.parametrize("sql", READS)
def test_what_reads_is_answered(pipeline, capsys, sql):
    query(sql, "CHURN_MANAGER", 3)
    assert "─" in capsys.readouterr().out


@pytest.mark.parametrize("sql", OTHER_STATEMENTS + OTHER_FUNCTIONS)
def test_what_does_more_than_read_is_refused_in_one_line(tmp_path, sql):
    with pytest.raises(EngineError) as raised:
        check(sql.format(file=tmp_path / "data.csv"))
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize(
    "sql",
    ["create table mine as select 1", "delete from churn_scores_raw",
     "update churn_scores_raw set event_id = 'x'", "drop table churn_scores_raw",
     *OTHER_FUNCTIONS[:8], *LEFT_TO_THE_ENGINE,
     "attach '{file}'", "copy (select 1) to '{file}.new'", "load '{file}'",
     "set enable_external_access = true", "set threads = 1"],
)  # fmt: skip
def test_the_engine_itself_refuses_to_write_and_to_leave_the_database(pipeline, tmp_path, sql):
    """Whatever the check before it lets pass."""
    file = tmp_path / "data.csv"
    file.write_text("a\n1\n")
    with (
        connect() as connection,
        _reading_only(connection),
        pytest.raises(duckdb.Error),
    ):
        connection.execute(sql.format(file=file)).fetchall()
    assert [one.name for one in tmp_path.iterdir()] == ["data.csv"]


def test_a_name_of_a_file_is_no_table(pipeline, tmp_path):
    (tmp_path / "data.csv").write_text("a\n1\n")
    with pytest.raises(EngineError, match="file system operations are disabled"):
        query(f"from '{tmp_path / 'data.csv'}'", "CHURN_MANAGER", 3)


def test_the_command_prints_rows_or_one_line(pipeline):
    done = run_module("embedded", "query", "select 41 + 1 as answer")
    assert (done.returncode, done.stderr) == (0, "")
    assert "42" in done.stdout
    for sql, words in (
        ("select nope", "nope"),
        ("delete from churn_scores_raw", "it is another kind of statement"),
        ("commit; create table mine as select 1; begin", "it is another kind of statement"),
        ("select 1; select 2", "one select statement can be run, and this is 2"),
    ):
        done = run_module("embedded", "query", sql)
        assert done.returncode == 1
        assert words in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert pipeline.one("select count(*) from duckdb_tables() where table_name = 'mine'") == 0


@pytest.mark.parametrize("role", ["'; drop table churn_scores_raw; --", "", "ä" * 5_000, "a\x00b"])
def test_a_role_is_a_value_and_never_sql(pipeline, capsys, role):
    query("select getvariable('role') as role, count(*) from churn_scores_raw", role, 3)
    assert "role" in capsys.readouterr().out
