"""What must not be found in a pipeline, however its schedulers ended: each is a count of rows."""

import duckdb

from embedded.engine.registry import streams, tasks
from embedded.engine.scheduler import tick
from embedded.engine.statements import Statements
from embedded.engine.storage import Database
from embedded.engine.streams import has_data
from embedded.engine.tasks import run_task
from runtime.clock import utc_now
from tests.recomputed import differing_rows

_FAULTS = {
    "alerts_twice": "select count(*) - count(distinct alert_id) from high_risk_history",
    # The cool-down is longer than any run.
    "alerts_again": "select count(*) - count(distinct customer_id) from high_risk_history",
    "drafts_twice": "select count(*) - count(distinct alert_id) from retention_emails",
    "scores_twice": """
        select count(*) from (
            select * from churn_score_history
            window one as (partition by customer_id order by scored_at)
            qualify features_hash = lag(features_hash) over one
                and model_version = lag(model_version) over one and band = lag(band) over one
        )
    """,
    "scores_not_current": """
        select count(*) from (
            (
                from churn_scores
                except select * exclude (features_date) from churn_score_history
            )
            union all
            select * exclude (features_date)
            from churn_score_history anti join churn_scores using (customer_id)
        )
    """,
}


COUNTS = ("tasks_failed", "wrong_rows", "changes_left", *_FAULTS, "changes_lost")

# A customer whom the sweep scores with the model of the last score has features that the stream
# should have brought. Without an earlier score it was never brought at all.
_LOST = """
    select count(*) from (
        select scored_at from churn_score_history
        window one as (partition by customer_id order by scored_at)
        qualify coalesce(lag(model_version) over one, model_version) = model_version
    ) where scored_at = ?
"""


def account(database: Database) -> dict[str, int]:
    """Make one calm pass, then count by COUNTS what is wrong; all of it must be 0."""
    with database.session() as opened, opened.cursor() as connection:
        done, statements = tick(opened, utc_now()), Statements(opened)
        found = {
            "tasks_failed": sum(run.error is not None for run in done.task_runs),
            "wrong_rows": sum(len(rows) for rows in differing_rows(connection).values()),
            "changes_left": sum(has_data(statements, one) for one in streams(connection).values()),
            **{name: _one(connection, query) for name, query in _FAULTS.items()},
        }
        # The sweep compares everyone: after a stream that lost nothing it finds nobody to score.
        now = utc_now()
        swept = run_task(statements, tasks(connection)["sweep_silent_customers"], now)
        found["tasks_failed"] += swept.error is not None
        return {**found, "changes_lost": _one(connection, _LOST, now)}


def _one(connection: duckdb.DuckDBPyConnection, query: str, *parameters: object) -> int:
    return connection.execute(query, list(parameters)).fetchall()[0][0]
