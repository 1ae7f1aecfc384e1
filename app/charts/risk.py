"""Pictures of what is at risk."""

import altair as alt
import pandas as pd
from words import BANDS, Terms

from charts import CALM, HEIGHT, LOOK, room_for_words


def distribution(bins: pd.DataFrame, bin_percent: int, terms: Terms) -> alt.Chart:
    """Draw how many customers have which risk; both states stand in one bar."""
    bins = bins.assign(to_percent=bins["from_percent"] + bin_percent, state=bins["band"].map(BANDS))
    return (
        alt.Chart(bins)
        .mark_bar()
        .encode(
            x=alt.X(
                "from_percent:Q",
                bin="binned",
                title=f"{terms.risk} (%)",
                axis=alt.Axis(values=list(range(0, 101, 10))),
                scale=alt.Scale(domain=[0, 100]),
            ),
            x2="to_percent:Q",
            y=alt.Y("customers:Q", title="Customers", stack=True, axis=alt.Axis(tickMinStep=1)),
            color=alt.Color(
                "state:N",
                title=None,
                scale=alt.Scale(domain=[BANDS["low"], BANDS["high"]], range=[CALM, LOOK]),
                legend=alt.Legend(orient="top"),
            ),
            tooltip=[
                alt.Tooltip("from_percent:Q", title="Risk from (%)"),
                alt.Tooltip("to_percent:Q", title="to (%)"),
                alt.Tooltip("state:N", title="State"),
                alt.Tooltip("customers:Q", title="Customers"),
            ],
        )
        .properties(height=HEIGHT)
    )


def trend(days: pd.DataFrame, terms: Terms) -> alt.LayerChart:
    """Draw the value at risk at the end of each day; days without fresh data are a gap."""
    base = alt.Chart(_with_gaps(days)).encode(
        x=alt.X("day:T", title=None, axis=alt.Axis(format="%d %b", tickCount=8)),
        y=alt.Y("value_at_risk:Q", title="Value at risk", axis=alt.Axis(format="~s")),
        tooltip=[
            alt.Tooltip("taken_at:T", title="Noted at (UTC)", format="%Y-%m-%d %H:%M"),
            alt.Tooltip("value_at_risk:Q", title=terms.value, format=",.2f"),
            alt.Tooltip("customers_at_risk:Q", title="Customers at risk", format=","),
            alt.Tooltip("scored_customers:Q", title="Scored customers", format=","),
        ],
    )
    return alt.layer(
        base.mark_area(color=CALM, opacity=0.18),
        base.mark_line(color=CALM, strokeWidth=2),
        base.mark_point(color=CALM, filled=True, size=28, opacity=1),
    ).properties(height=HEIGHT)


def _with_gaps(days: pd.DataFrame) -> pd.DataFrame:
    if days.empty:
        return days.assign(day=pd.NaT)
    by_day = days.assign(day=days["taken_at"].dt.normalize()).set_index("day")
    every_day = pd.date_range(by_day.index.min(), by_day.index.max(), name="day")
    return by_day.reindex(every_day).reset_index()


def reasons(sums: pd.DataFrame, terms: Terms) -> alt.LayerChart:
    """Draw what the value at risk is about: bars by first reason, the count written beside."""
    scale = alt.Scale(domain=[0, room_for_words(sums["value_at_risk"])], nice=False)
    base = alt.Chart(sums).encode(
        y=alt.Y("reason:N", sort="-x", title=None, axis=alt.Axis(labelLimit=160)),
        x=alt.X(
            "value_at_risk:Q",
            title="Value at risk",
            axis=alt.Axis(format="~s", tickCount=6),
            scale=scale,
        ),
        tooltip=[
            alt.Tooltip("reason:N", title="First reason"),
            alt.Tooltip("value_at_risk:Q", title=terms.value, format=",.2f"),
            alt.Tooltip("customers:Q", title="Customers at risk", format=","),
        ],
    )
    return alt.layer(
        base.mark_bar(color=CALM),
        base.mark_text(align="left", dx=4).encode(
            text=alt.Text("words:N"), color=alt.value("#7d828b")
        ),
    ).properties(height=HEIGHT)
