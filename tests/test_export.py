"""Everything as Parquet files, for other tools or to leave."""

import duckdb

from tests.conftest import EPOCH, event, run_module


def test_every_table_becomes_a_file_that_says_the_same(empty_pipeline, tmp_path):
    pipeline, folder = empty_pipeline, tmp_path / "it's out"
    pipeline.add(*(event(number, f"c{number % 3}", "login", EPOCH) for number in range(10)))
    pipeline.tick()
    done = run_module("embedded", "export", str(folder))
    assert done.returncode == 0, done.stderr
    assert "churn_scores_raw: 10 rows" in done.stdout.splitlines()
    tables = pipeline.rows(
        "select table_name from duckdb_tables() where schema_name = 'main' and not temporary"
    )
    assert {file.stem for file in folder.iterdir()} == {name for (name,) in tables}
    for name in ("churn_scores_raw", "churn_metrics_live"):
        with duckdb.connect() as other:
            found = other.read_parquet(str(folder / f"{name}.parquet")).fetchall()
        assert sorted(map(str, found)) == sorted(map(str, pipeline.rows(f"from {name}")))
    again = run_module("embedded", "export", str(folder))
    assert (again.returncode, again.stderr) == (
        1,
        f"{folder} is not empty: name a new folder\n",
    )


def test_a_folder_that_cannot_be_made_is_one_line(empty_pipeline, tmp_path):
    taken = tmp_path / "taken"
    taken.write_text("a file")
    done = run_module("embedded", "export", str(taken / "below"))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "cannot be written" in done.stderr
