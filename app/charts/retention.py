"""Pictures of cohorts: the triangle, the curves, and what a month's customers are to it."""

import altair as alt
import pandas as pd
from words import FEW

from charts import CALM, LOOK, THIRD

STAGES = {
    "new": CALM, "kept": "#9ab4cc", "returned": THIRD, "paused": "#a07cb5", "dormant": LOOK,
}  # fmt: skip


def triangle(cells: pd.DataFrame) -> alt.LayerChart:
    """Draw each cohort's share that is active in each later month, written into its cell."""
    base = alt.Chart(cells).encode(
        x=alt.X(
            "month_number:O",
            title="Months since joining",
            axis=alt.Axis(labelAngle=0, orient="top", domain=False, ticks=False),
        ),
        y=alt.Y("cohort:N", title=None, sort=None, axis=alt.Axis(labelLimit=220)),
        tooltip=[
            alt.Tooltip("cohort:N", title="Joined"),
            alt.Tooltip("month_number:O", title="Months since"),
            alt.Tooltip("rate:Q", title="Active share", format=".0%"),
            alt.Tooltip("active_customers:Q", title="Active", format=","),
            alt.Tooltip("customers:Q", title="of customers (n)", format=","),
            alt.Tooltip("note:N", title=" "),
        ],
    )
    return alt.layer(
        base.mark_rect(cornerRadius=2, stroke=None).encode(
            color=alt.Color(
                "rate:Q",
                scale=alt.Scale(scheme="blues", domain=[0, 1]),
                legend=None,
            ),
            opacity=alt.condition(f"datum.customers < {FEW}", alt.value(0.3), alt.value(1)),
        ),
        base.mark_text(fontSize=12).encode(
            text=alt.Text("rate:Q", format=".0%"),
            color=alt.when(f"datum.customers < {FEW}")
            .then(alt.value("#8a8f98"))
            .when("datum.rate > 0.55")
            .then(alt.value("white"))
            .otherwise(alt.value("#10222f")),
        ),
    ).properties(height=30 * cells["cohort"].nunique() + 90)


def curves(lines: pd.DataFrame, by: str) -> alt.LayerChart:
    """Draw what share of the customers is active n months after joining, one line per group."""
    base = alt.Chart(lines).encode(
        x=alt.X("month_number:Q", title="Months since joining", axis=alt.Axis(tickMinStep=1)),
        y=alt.Y(
            "rate:Q",
            title="Active share",
            axis=alt.Axis(format=".0%"),
            scale=alt.Scale(domain=[0, 1]),
        ),
        color=alt.Color(
            "group:N",
            title=by,
            legend=alt.Legend(orient="top", labelLimit=160, symbolType="stroke", symbolSize=400),
        ),
        strokeDash=alt.StrokeDash("group:N", title=by),
        tooltip=[
            alt.Tooltip("group:N", title=by),
            alt.Tooltip("month_number:Q", title="Months since joining"),
            alt.Tooltip("rate:Q", title="Active share", format=".0%"),
            alt.Tooltip("active_customers:Q", title="Active", format=","),
            alt.Tooltip("customers:Q", title="of customers (n)", format=","),
        ],
    )
    faded = alt.condition(f"datum.customers < {FEW}", alt.value(0.3), alt.value(1))
    return alt.layer(
        base.mark_line(), base.mark_point(filled=True, size=36).encode(opacity=faded)
    ).properties(height=320)


def lifecycle(months: pd.DataFrame) -> alt.Chart:
    """Draw who came in each month, and below the line who no longer did."""
    months = months.assign(
        signed=months["customers"].where(
            ~months["stage"].isin(["paused", "dormant"]), -months["customers"]
        )
    )
    return (
        alt.Chart(months)
        .mark_bar()
        .encode(
            x=alt.X("yearmonth(activity_month):O", title=None, axis=alt.Axis(labelAngle=0)),
            y=alt.Y("signed:Q", title="Customers (paused and dormant below zero)"),
            color=alt.Color(
                "stage:N",
                title=None,
                scale=alt.Scale(domain=list(STAGES), range=list(STAGES.values())),
                legend=alt.Legend(orient="top"),
            ),
            tooltip=[
                alt.Tooltip("yearmonth(activity_month):O", title="Month"),
                alt.Tooltip("stage:N", title="Stage"),
                alt.Tooltip("customers:Q", title="Customers", format=","),
            ],
        )
        .properties(height=320)
    )
