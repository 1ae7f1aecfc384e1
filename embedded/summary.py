"""What the pipeline holds, in figures; each is one SQL that anyone can repeat."""

from typing import Any

import duckdb

_FIGURES = {
    "events_loaded": "select count(*) from churn_scores_raw",
    "events_rejected": "select count(*) from churn_events_rejected",
    "customers": "select count(*) from churn_metrics_live",
    "churners_in_label": "select count(*) from training_snapshots where has_churned = 1",
    "alerts": "select count(*) from high_risk_history",
    "emails": "select count(distinct alert_id) from retention_emails where status = 'DRAFTED'",
}
_MODEL = "select version, roc_auc, pr_auc, brier, baseline_auc from active_churn_model"
_RISKIEST = """
    select customer_id, round(score, 3) as score, band, value_at_risk,
        coalesce(
            top_reasons ->> '$[0].text',
            case when band = 'high' then 'no single reason' else 'none: the risk is low' end
        ) as first_reason
    from churn_scores where band <> 'left' order by value_at_risk desc limit 5
"""
_DRAFT = """
    select subject, body from retention_emails where status = 'DRAFTED'
    order by created_at desc, alert_id limit 1
"""


def scoring_line(connection: duckdb.DuckDBPyConnection) -> str | None:
    """Return in a line why nobody is scored, or that data is of the past; None if neither is so.

    None as well before `dbt build` has made the view that says so.
    """
    try:
        row = connection.execute("select said from scoring_status").fetchone()
    except duckdb.CatalogException:
        return None
    return row[0] if row else None


def summarize(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Return the figures of the pipeline; `model` holds None values until one is trained."""
    figures: dict[str, Any] = {}
    for name, query in _FIGURES.items():
        row = connection.execute(query).fetchone()
        figures[name] = row[0] if row else 0
    names = ("version", "roc_auc", "pr_auc", "brier", "baseline_auc")
    values = connection.execute(_MODEL).fetchone() or (None,) * len(names)
    figures["model"] = dict(zip(names, values, strict=True))
    return figures


def riskiest(connection: duckdb.DuckDBPyConnection) -> list[tuple]:
    """Return the five customers with the most value at risk."""
    return connection.execute(_RISKIEST).fetchall()


def latest_draft(connection: duckdb.DuckDBPyConnection) -> tuple[str, str] | None:
    """Return subject and body of the latest drafted message, if there is one."""
    return connection.execute(_DRAFT).fetchone()
