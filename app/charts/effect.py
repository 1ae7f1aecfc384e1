"""Pictures of what messages do."""

import altair as alt
import pandas as pd
from words import FEW

from charts import CALM, LOOK

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


def funnel(steps: pd.DataFrame) -> alt.LayerChart:
    """Draw how many alerts came how far; the count is written beside each bar.

    steps: step, alerts, words.
    """
    base = alt.Chart(steps).encode(
        y=alt.Y("step:N", sort=None, title=None, axis=alt.Axis(labelLimit=200)),
        x=alt.X("alerts:Q", title="Alerts", axis=alt.Axis(tickMinStep=1)),
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
