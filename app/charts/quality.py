"""Pictures of how good the score is."""

import altair as alt
import pandas as pd
from words import FEW

from charts import CALM, LOOK, THIRD

MODEL, RECENCY, LINEAR = "model", "recency rule", "logistic regression"
# Where the colours of the population stability index end: twice what much is among many customers.
DARKEST_SHIFT = 0.5
SHIFTS = {"none": "", "moderate": "some", "major": "much"}


def over_time(points: pd.DataFrame) -> alt.LayerChart:
    """Draw the AUC by cut-off or week, of the model with its interval, of the rules beside it.

    points: at, who, roc_auc, low, high, n, churners, kind.
    """
    base = alt.Chart(points).encode(
        x=alt.X("at:T", title=None, axis=alt.Axis(format="%d %b %y", tickCount=8)),
        color=alt.Color(
            "who:N",
            title=None,
            scale=alt.Scale(domain=[MODEL, RECENCY, LINEAR], range=[CALM, LOOK, THIRD]),
            legend=alt.Legend(orient="top", symbolType="stroke", symbolSize=400),
        ),
        tooltip=[
            alt.Tooltip("at:T", title="As of", format="%Y-%m-%d"),
            alt.Tooltip("who:N", title="Who"),
            alt.Tooltip("kind:N", title="Tested"),
            alt.Tooltip("roc_auc:Q", title="AUC", format=".3f"),
            alt.Tooltip("low:Q", title="95 % from", format=".3f"),
            alt.Tooltip("high:Q", title="to", format=".3f"),
            alt.Tooltip("n:Q", title="Customers (n)", format=","),
            alt.Tooltip("churners:Q", title="Churners", format=","),
        ],
    )
    auc = alt.Y("roc_auc:Q", title="AUC, out of time", scale=alt.Scale(zero=False))
    return alt.layer(
        base.transform_filter("isValid(datum.low)").mark_rule(strokeWidth=2).encode(
            y="low:Q", y2="high:Q"
        ),
        base.mark_line().encode(
            y=auc,
            strokeDash=alt.StrokeDash(
                "who:N",
                title=None,
                scale=alt.Scale(domain=[MODEL, RECENCY, LINEAR], range=[[1, 0], [6, 3], [2, 3]]),
            ),
        ),
        base.mark_point(filled=True, size=50, opacity=1).encode(y=auc),
    ).properties(height=280)  # fmt: skip


def reliability(bins: pd.DataFrame) -> alt.LayerChart:
    """Draw predicted against observed churn by tenth of the score; on the line both agree.

    bins: tested, predicted, observed, n.
    """
    most = float(max(bins["predicted"].max(), bins["observed"].max(), 0.1)) * 1.1
    scale = alt.Scale(domain=[0, most])
    agreed = pd.DataFrame({"x": [0, most], "y": [0, most]})
    base = alt.Chart(bins).encode(
        x=alt.X("predicted:Q", title="Predicted risk", scale=scale, axis=alt.Axis(format=".0%")),
        y=alt.Y("observed:Q", title="Share that left", scale=scale, axis=alt.Axis(format=".0%")),
        color=alt.Color(
            "tested:N",
            title=None,
            scale=alt.Scale(range=[CALM, LOOK]),
            legend=alt.Legend(orient="top", labelLimit=220),
        ),
        opacity=alt.condition(f"datum.n < {FEW}", alt.value(0.35), alt.value(1)),
        tooltip=[
            alt.Tooltip("tested:N", title="Tested"),
            alt.Tooltip("predicted:Q", title="Predicted", format=".1%"),
            alt.Tooltip("observed:Q", title="Left", format=".1%"),
            alt.Tooltip("n:Q", title="Customers (n)", format=","),
        ],
    )
    return alt.layer(
        alt.Chart(agreed).mark_line(strokeDash=[4, 4], color="#8a8f98").encode(x="x:Q", y="y:Q"),
        base.mark_line(opacity=0.5),
        base.mark_point(filled=True, size=70).encode(shape=alt.Shape("tested:N", title=None)),
    ).properties(height=300)


def lift(points: pd.DataFrame) -> alt.LayerChart:
    """Draw what share of the churners the riskiest n percent hold; chance is the dashed line."""
    chance = pd.DataFrame({"share": [0, 1], "recall": [0, 1]})
    base = alt.Chart(points).encode(
        x=alt.X("share:Q", title="Share of customers, riskiest first", axis=alt.Axis(format=".0%")),
        y=alt.Y("recall:Q", title="Share of churners found", axis=alt.Axis(format=".0%")),
        tooltip=[
            alt.Tooltip("share:Q", title="Riskiest", format=".0%"),
            alt.Tooltip("recall:Q", title="hold of the churners", format=".0%"),
            alt.Tooltip("lift:Q", title="Lift over chance", format=".1f"),
        ],
    )
    return alt.layer(
        alt.Chart(chance)
        .mark_line(strokeDash=[4, 4], color="#8a8f98")
        .encode(x="share:Q", y="recall:Q"),
        base.mark_line(color=CALM),
        base.mark_point(color=CALM, filled=True, size=50, opacity=1),
    ).properties(height=300)


def drift(cells: pd.DataFrame) -> alt.LayerChart:
    """Draw drift as a strip: one row a feature, one column a week, marked where much has moved.

    cells: week, feature, words (its name), psi, shift, major_from, n.
    """
    cells = cells.assign(
        word=cells["shift"].map(SHIFTS),
        week_words=pd.to_datetime(cells["week"]).dt.strftime("%d %b %y"),
    )
    base = alt.Chart(cells).encode(
        x=alt.X(
            "week_words:O",
            sort=list(dict.fromkeys(cells.sort_values("week")["week_words"])),
            title="Week of",
            axis=alt.Axis(labelAngle=0, labelOverlap=True),
        ),
        y=alt.Y(
            "words:N", title=None, sort=None, axis=alt.Axis(labelLimit=260, labelOverlap=False)
        ),
        tooltip=[
            alt.Tooltip("words:N", title="Feature"),
            alt.Tooltip("week:T", title="Week of", format="%Y-%m-%d"),
            alt.Tooltip("psi:Q", title="PSI", format=".3f"),
            alt.Tooltip("major_from:Q", title="Much from PSI", format=".3f"),
            alt.Tooltip("n:Q", title="Customers (n)", format=","),
        ],
    )
    return alt.layer(
        base.mark_rect(cornerRadius=2).encode(
            color=alt.Color(
                "psi:Q",
                title="PSI",
                scale=alt.Scale(scheme="blues", domain=[0, DARKEST_SHIFT], clamp=True),
                legend=alt.Legend(orient="top", gradientLength=160),
            )
        ),
        base.mark_text(fontSize=11).encode(
            text="word:N",
            color=alt.condition(
                f"datum.psi > {DARKEST_SHIFT / 2}", alt.value("white"), alt.value("#10222f")
            ),
        ),
    ).properties(height=24 * cells["feature"].nunique() + 130)
