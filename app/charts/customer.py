"""Pictures of one customer: what happened, and how the risk moved."""

import altair as alt
import pandas as pd
from words import Terms

from charts import CALM, LOOK

# In this order they take these colours; friction is the one to look at.
CATEGORIES = {
    "purchase": CALM,
    "friction": LOOK,
    "marketing": "#7a9e5f",
    "profile": "#a07cb5",
    "activity": "#9ab4cc",
    "cancellation": "#3d3d3d",
    "pause": "#c9b458",
    "resumption": "#5fa8a0",
    "refund": "#b0664f",
    "unsubscription": "#7d6b5d",
    "service": "#cfd3d8",
}
MARKS = {"Alert": "triangle-up", "Draft": "square", "Message": "circle", "Outcome": "diamond"}


def timeline(
    weeks: pd.DataFrame, marks: pd.DataFrame, start: pd.Timestamp, now: pd.Timestamp
) -> alt.LayerChart:
    """Draw a customer's events by week, with alerts, drafts, mails and outcomes marked above.

    The axis ends now, so that silence shows, too.
    """
    weeks = weeks.assign(week_end=weeks["week"] + pd.Timedelta(days=6.5))  # half a day apart
    scale = alt.Scale(domain=[start.isoformat(), (now + pd.Timedelta(days=2)).isoformat()])
    bars = (
        alt.Chart(weeks)
        .mark_bar()
        .encode(
            x=alt.X("week:T", bin="binned", title=None, scale=scale),
            x2="week_end:T",
            y=alt.Y("events:Q", title="Events a week", stack=True, axis=alt.Axis(tickMinStep=1)),
            color=alt.Color(
                "category:N",
                title=None,
                scale=alt.Scale(domain=list(CATEGORIES), range=list(CATEGORIES.values())),
                legend=alt.Legend(orient="top"),
            ),
            tooltip=[
                alt.Tooltip("week:T", title="Week of"),
                alt.Tooltip("category:N", title="Category"),
                alt.Tooltip("events:Q", title="Events"),
            ],
        )
        .properties(height=200)
    )
    if marks.empty:
        return alt.layer(bars)
    points = (
        alt.Chart(marks)
        .mark_point(filled=True, size=110, color=LOOK, opacity=1)
        .encode(
            x=alt.X("at:T", title=None, scale=scale, axis=alt.Axis(labels=False, ticks=False)),
            y=alt.Y("kind:N", title=None, sort=list(MARKS)),
            shape=alt.Shape(
                "kind:N",
                scale=alt.Scale(domain=list(MARKS), range=list(MARKS.values())),
                legend=None,
            ),
            tooltip=[
                alt.Tooltip("at:T", title="When (UTC)", format="%Y-%m-%d %H:%M"),
                alt.Tooltip("kind:N", title="What"),
                alt.Tooltip("words:N", title=" "),
            ],
        )
        .properties(height=22 * marks["kind"].nunique())
    )
    return alt.vconcat(points, bars, spacing=4).resolve_scale(shape="independent")


def risk_history(scores: pd.DataFrame, terms: Terms) -> alt.LayerChart:
    """Draw how the risk moved, with the threshold of the policy as a dashed line."""
    names = ["risk", "at risk from here on"]
    color = alt.Scale(domain=names, range=[CALM, LOOK])
    dashes = alt.Scale(domain=names, range=[[1, 0], [6, 4]])
    legend = alt.Legend(orient="top", symbolType="stroke", symbolSize=400, labelLimit=200)
    most = max(0.5, float(scores["score"].max()) * 1.1)

    def line(figure: str, name: str) -> alt.Chart:
        return (
            alt.Chart(scores.assign(line=name))
            .mark_line(interpolate="step-after")
            .encode(
                x=alt.X("scored_at:T", title=None, axis=alt.Axis(tickCount=6)),
                y=alt.Y(
                    f"{figure}:Q",
                    title=terms.risk,
                    axis=alt.Axis(format=".0%"),
                    scale=alt.Scale(domain=[0, most]),
                ),
                color=alt.Color("line:N", title=None, scale=color, legend=legend),
                strokeDash=alt.StrokeDash("line:N", title=None, scale=dashes, legend=legend),
                tooltip=[
                    alt.Tooltip("scored_at:T", title="Scored (UTC)", format="%Y-%m-%d %H:%M"),
                    alt.Tooltip("score:Q", title=terms.risk, format=".0%"),
                    alt.Tooltip("threshold:Q", title="Threshold", format=".0%"),
                    alt.Tooltip("model_version:N", title="Model"),
                ],
            )
        )

    risk = line("score", names[0])
    points = risk.mark_point(filled=True, size=24)
    return alt.layer(line("threshold", names[1]), risk, points).properties(height=240)
