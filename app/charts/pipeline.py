"""Pictures of the pipeline."""

import altair as alt
import pandas as pd

from charts import CALM, LOOK

LEAST_HOURS = 24  # of the axis, so that one hour is a bar and not the whole picture


def loading(hours: pd.DataFrame) -> alt.Chart:
    """Draw messages by hour of loading, accepted and rejected."""
    kinds = {"accepted_count": "became events", "rejected_count": "rejected"}
    long = hours.melt("loaded_hour", list(kinds), "kind", "messages").replace({"kind": kinds})
    long["until"] = long["loaded_hour"] + pd.Timedelta(minutes=55)
    last = hours["loaded_hour"].max() + pd.Timedelta(hours=1)
    first = min(hours["loaded_hour"].min(), last - pd.Timedelta(hours=LEAST_HOURS))
    domain = [first.isoformat(), last.isoformat()]
    return (
        alt.Chart(long)
        .mark_bar()
        .encode(
            x=alt.X(
                "loaded_hour:T",
                bin="binned",
                title=None,
                scale=alt.Scale(domain=domain),
                axis=alt.Axis(labelExpr="timeFormat(datum.value, '%d %b %H:%M')", tickCount=8),
            ),
            x2="until:T",
            y=alt.Y("messages:Q", title="Messages an hour", stack=True),
            color=alt.Color(
                "kind:N",
                title=None,
                scale=alt.Scale(domain=list(kinds.values()), range=[CALM, LOOK]),
                legend=alt.Legend(orient="top"),
            ),
            tooltip=[
                alt.Tooltip("loaded_hour:T", title="Hour (UTC)", format="%Y-%m-%d %H:00"),
                alt.Tooltip("kind:N", title="What became of them"),
                alt.Tooltip("messages:Q", title="Messages", format=","),
            ],
        )
        .properties(height=200)
    )
