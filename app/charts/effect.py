"""Pictures of what messages do."""

import altair as alt
import pandas as pd
from words import FEW

from charts import CALM, LOOK, room_for_words

NOTHING = "#8a8f98"


def intervals(rows: pd.DataFrame) -> alt.LayerChart:
    """Draw the difference between held-out and treated churn with its interval, a row a group.

    rows: what, difference, low, high, fewest, words. Right of 0, messages keep customers.
    """
    base = alt.Chart(rows).encode(
        y=alt.Y("what:N", sort=None, title=None, axis=alt.Axis(labelLimit=200)),
        opacity=alt.condition(f"datum.fewest < {FEW}", alt.value(0.4), alt.value(1)),
        tooltip=[
            alt.Tooltip("what:N", title="Group"),
            alt.Tooltip("difference:Q", title="Difference", format="+.1%"),
            alt.Tooltip("low:Q", title="95 % from", format="+.1%"),
            alt.Tooltip("high:Q", title="to", format="+.1%"),
            alt.Tooltip("words:N", title="Of"),
        ],
    )
    zero = alt.Chart(pd.DataFrame({"zero": [0]})).mark_rule(color=NOTHING, strokeDash=[4, 4])
    return alt.layer(
        zero.encode(x=alt.X("zero:Q")),
        base.mark_rule(strokeWidth=3, color=CALM).encode(
            x=alt.X(
                "low:Q",
                title="Held-out churn minus treated churn: right of 0, messages keep customers",
                axis=alt.Axis(format="+.0%"),
            ),
            x2="high:Q",
        ),
        base.mark_point(filled=True, size=110, color=LOOK, shape="diamond").encode(
            x="difference:Q"
        ),
    ).properties(height=44 * len(rows) + 60)


def stayed(arms: pd.DataFrame) -> alt.Chart:
    """Draw which share of each arm stayed and which left, a bar an arm; arms of few are faint.

    arms: arm, what, place, n, customers, share.
    """
    base = alt.Chart(arms).encode(
        y=alt.Y("arm:N", sort=None, title=None, axis=alt.Axis(labelLimit=200)),
        x=alt.X("share:Q", title=None, axis=alt.Axis(format=".0%", tickCount=5), stack="zero"),
        order=alt.Order("place:Q"),
        opacity=alt.condition(f"datum.n < {FEW}", alt.value(0.5), alt.value(1)),
        tooltip=[
            alt.Tooltip("arm:N", title="Arm"),
            alt.Tooltip("what:N", title="What they did"),
            alt.Tooltip("customers:Q", title="Customers", format=","),
            alt.Tooltip("share:Q", title="Share", format=".1%"),
            alt.Tooltip("n:Q", title="of (n)", format=","),
        ],
    )
    color = alt.Color(
        "what:N",
        title=None,
        scale=alt.Scale(domain=["stayed", "left"], range=[CALM, LOOK]),
        legend=alt.Legend(orient="top"),
    )
    return base.mark_bar().encode(color=color).properties(height=40 * arms["arm"].nunique() + 110)


def funnel(steps: pd.DataFrame) -> alt.LayerChart:
    """Draw how many alerts came how far; the count is written beside each bar.

    steps: step, alerts, words.
    """
    base = alt.Chart(steps).encode(
        y=alt.Y("step:N", sort=None, title=None, axis=alt.Axis(labelLimit=200)),
        x=alt.X(
            "alerts:Q",
            title="Alerts",
            axis=alt.Axis(tickMinStep=1, tickCount=8),
            scale=alt.Scale(domain=[0, room_for_words(steps["alerts"], 0.4)], nice=False),
        ),
        tooltip=[
            alt.Tooltip("step:N", title="Step"),
            alt.Tooltip("alerts:Q", title="Alerts", format=","),
            alt.Tooltip("words:N", title=" "),
        ],
    )
    return alt.layer(
        base.mark_bar(color=CALM),
        base.mark_text(align="left", dx=4, color=NOTHING).encode(text="words:N"),
    ).properties(height=34 * len(steps) + 50)
