"""Does what we do help? The treated against the held out, who get nothing, by chance alone."""

import charts
import pandas as pd
import streamlit as st
from charts import effect as pictures
from data import outcomes
from page import Page, begin
from tables import heading, listing
from words import FEW, count, interval, label, percent, plain, points, state

FUNNEL = ("OPEN", "DRAFTED", "APPROVED", "QUEUED", "SENT", "RETAINED", "LOST")


def main() -> None:
    """Show the page."""
    page = begin("Outcomes", "Does what we do help, and how do we know?")
    if page is None:
        return
    effect = outcomes.effect(page.source)
    if effect.empty:
        st.info(
            "Effects are sums over all regions: only roles that see all of them see these."
            if outcomes.funnel(page.source).size
            else "No alert has been raised yet, so there is nothing to compare."
        )
    else:
        _tiles(effect.iloc[0])
        _intervals(effect)
        _table(effect)
    _funnel(page)


def _tiles(overall: pd.Series) -> None:
    tiles = st.container(horizontal=True)
    for title, value, definition in [
        (
            "Left, treated",
            _rate(overall, "treated"),
            f"Of {count(overall['treated_n'])} customers who were to get a message and whose"
            f" horizon has passed; {count(overall['sent_n'])} of them did get it.",
        ),
        (
            "Left, held out",
            _rate(overall, "holdout"),
            f"Of {count(overall['holdout_n'])} customers drawn by chance to get nothing.",
        ),
        (
            "Difference",
            points(overall["difference"]),
            f"Held out minus treated, each customer once. 95 % interval {interval(overall)}.",
        ),
        (
            "Still needed",
            count(overall["needed_n"]),
            "Customers whose horizon has still to pass until an effect worth having would show in"
            " four cases of five.",
        ),
    ]:
        tiles.metric(title, value, help=definition, border=True, height="stretch")
    st.text(plain(overall["verdict"]))


def _rate(row: pd.Series, arm: str) -> str:
    few = f" (few: {count(row[f'{arm}_n'])})" if row[f"{arm}_n"] < FEW else ""
    return f"{percent(row[f'{arm}_rate'], 1)}{few}"


def _groups(effect: pd.DataFrame) -> pd.DataFrame:
    names = [
        "All" if dimension == "overall" else f"{label(dimension)}: {plain(name, 60)}"
        for dimension, name in zip(effect["dimension"], effect["name"], strict=True)
    ]
    return effect.assign(
        what=names,
        fewest=effect[["treated_n", "holdout_n"]].min(axis=1),
        words=[
            f"{treated:,} treated, {held_out:,} held out"
            for treated, held_out in zip(effect["treated_n"], effect["holdout_n"], strict=True)
        ],
    )


def _intervals(effect: pd.DataFrame) -> None:
    rows = _groups(effect)
    rows = rows[rows["difference"].notna()]
    heading(
        "What messages do",
        rows,
        "effect",
        "Held-out churn minus treated churn, as assigned: whoever was to get a message counts as"
        " treated, sent or not. Bars are 95 % intervals.",
    )
    if rows.empty:
        st.caption(
            "Nobody's horizon has passed in both arms yet: effects come with the first who close."
        )
        return
    charts.show(pictures.intervals(rows), "Effect of messages with its interval", "effect")
    st.caption(
        f"Groups of fewer than {FEW} customers in an arm are faint. While a bar holds 0, nothing is"
        " proved."
    )


def _table(effect: pd.DataFrame) -> None:
    rows = _groups(effect)
    heading("The numbers behind it", rows, "effect_numbers")
    listing(
        rows.assign(
            note=["too few to tell" if n < FEW else "" for n in rows["fewest"]],
            verdict=rows["verdict"].map(plain),
            in_points=rows["difference"].map(points),
            between=[interval(row) for _, row in rows.iterrows()],
        ),
        key="effect_numbers",
        alt="Treated and held-out churn by group",
        rate_columns={
            "treated_rate": "treated_n",
            "holdout_rate": "holdout_n",
            "in_points": "fewest",
            "between": "fewest",
        },
        columns={
            "what": st.column_config.TextColumn("Group", width=190),
            "treated_n": st.column_config.NumberColumn("Treated (n)", format="localized", width=85),
            "treated_rate": st.column_config.NumberColumn("left", format="percent", width=65),
            "holdout_n": st.column_config.NumberColumn(
                "Held out (n)", format="localized", width=95
            ),
            "holdout_rate": st.column_config.NumberColumn("left ", format="percent", width=65),
            "in_points": st.column_config.TextColumn("Difference", width=100),
            "between": st.column_config.TextColumn("95 % interval", width=160),
            "needed_n": st.column_config.NumberColumn("Still needed", format="localized", width=90),
            "note": st.column_config.TextColumn("Note", width=120),
            "fewest": None,
        },
    )


def _funnel(page: Page) -> None:
    found = outcomes.funnel(page.source)
    treated = found[found["arm"] == "treated"].set_index("state")["alerts"]
    held_out = found[found["arm"] == "holdout"].set_index("state")["alerts"]
    total = int(treated.get("OPEN", 0))
    steps = pd.DataFrame(
        [
            {
                "step": state(code) if code != "OPEN" else "Raised",
                "alerts": int(treated.get(code, 0)),
            }
            for code in FUNNEL
        ]
    )
    steps["words"] = [
        f"{n:,}" + (f" · {n / total:.0%} of those raised" if total >= FEW else "")
        for n in steps["alerts"]
    ]
    heading(
        "How far alerts come",
        steps,
        "funnel",
        "Alerts of the treated arm that have ever been in a state. Whether those who stayed stayed"
        " because of a message only the held out can tell.",
    )
    if not total:
        st.caption("No alert of the treated arm has been raised yet.")
        return
    charts.show(pictures.funnel(steps), "Alerts by how far they came", "funnel")
    st.caption(
        f"Beside them {count(held_out.get('HELD_OUT', 0))} alerts were held out: they get nothing,"
        f" and are watched for the same {page.terms.horizon_days} days."
    )


main()
