"""Does what we do help? The treated against the held out, who get nothing, by chance alone."""

import charts
import columns
import layout
import pandas as pd
import streamlit as st
from charts import effect as pictures
from data import outcomes
from page import Page, begin
from tables import heading, listing
from words import (
    FEW,
    ORDERS,
    count,
    interval,
    label,
    money,
    money_interval,
    percent,
    plain,
    points,
    state,
)

SHRUNKEN = (
    "The difference, moved towards the mean of all groups of its kind: the less certain it is, the"
    " further. It is the best guess for a small group. One group alone keeps its difference."
)
VERDICT = (
    "It is wider than the bars, because it stays valid however often somebody looks at it. There is"
    f" one as soon as both arms have {FEW} customers."
)
ALL = {"overall": "All", "later": "All, by {name} days after the alert"}
KINDS = {"risk_band": "Risk at the alert", "offer": "Offer", "segment": "Segment"}
FUNNEL = ("OPEN", "DRAFTED", "APPROVED", "QUEUED", "SENT")


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
        _tiles(effect.iloc[0], effect[effect["dimension"] == "later"])
        _stayed(page, effect.iloc[0])
        groups = _groups(effect)
        _intervals(groups[groups["difference"].notna()])
        _table(groups)
        _money(outcomes.money(page.source))
        _ranking(outcomes.ranking(page.source))
    _funnel(page)


def _tiles(overall: pd.Series, later: pd.DataFrame) -> None:
    layout.tiles(
        [
            (
                "Left, treated",
                percent(overall["treated_rate"], 1),
                f"Of {count(overall['treated_n'])} customers whose message was approved and whose"
                f" horizon has passed; {count(overall['sent_n'])} of them did get it.",
                _basis(overall["treated_n"]),
            ),
            (
                "Left, held out",
                percent(overall["holdout_rate"], 1),
                f"Of {count(overall['holdout_n'])} customers whose message was approved as well,"
                " and who were then drawn by chance to get nothing.",
                _basis(overall["holdout_n"]),
            ),
            (
                "Difference",
                points(overall["difference"]),
                "Held out minus treated, each customer once, compared within segment and hold-out"
                f" share. 95 % interval {interval(overall)}.",
                interval(overall),
            ),
            (
                "Still needed",
                count(overall["needed_n"]),
                "Approved customers whose horizon has still to pass until an effect worth having"
                " would be proved in four cases of five, if as large a share of the approved"
                " messages is sent as now.",
                "customers",
            ),
        ]
    )
    st.text(f"Do messages keep customers? {plain(overall['verdict']).capitalize()}.")
    if not later.empty:
        st.text(_later(later.iloc[0]))
    st.caption(
        f"There is no verdict before both arms have {FEW} customers."
        if pd.isna(overall["verdict_low"])
        else f"The verdict goes by the interval {interval(overall, 'verdict_')}. {VERDICT}"
    )
    if (sent := overall["sent_share"]) > 0:
        st.caption(
            f"{percent(sent)} of the treated really got a message. The difference is the effect on"
            " all of the treated, sent or not: the fewer of the approved messages are sent, the"
            " smaller it is."
            + (
                f" At this share a proof takes {1 / sent**2:,.1f} times as many customers as if"
                " all were sent."
                if sent < 0.95
                else ""
            )
        )
    if left_out := overall["left_out_n"]:
        st.caption(
            f"{count(left_out)} customers are not compared: nobody of their segment and hold-out"
            " share, drawn at the same step, is in the other arm yet."
        )


def _later(row: pd.Series) -> str:
    if pd.isna(row["difference"]):
        return f"{row['name']} days after the alert: nothing to compare yet."
    return (
        f"{row['name']} days after the alert {percent(row['treated_rate'], 1)} of the treated had"
        f" left, and {percent(row['holdout_rate'], 1)} of the held out:"
        f" {points(row['difference'])}, {plain(row['verdict'])}."
    )


def _basis(number: int) -> str:
    return f"n {count(number)}" + (": too few to tell" if number < FEW else "")


def _stayed(page: Page, overall: pd.Series) -> None:
    rows = [
        {
            **{"arm": f"{name} · n {count(n)}", "n": int(n), "what": what, "place": place},
            **{"share": share, "customers": int(customers)},
        }
        for name, n, left, churned in [
            ("Treated", *overall[["treated_n", "treated_rate", "treated_churned"]]),
            ("Held out", *overall[["holdout_n", "holdout_rate", "holdout_churned"]]),
        ]
        if n
        for place, (what, share, customers) in enumerate(
            [("stayed", 1 - left, n - churned), ("left", left, churned)]
        )
    ]
    arms = pd.DataFrame(rows, columns=["arm", "n", "what", "place", "share", "customers"])
    heading(
        "Stayed or left",
        arms,
        "stayed_or_left",
        f"Of those whose {page.terms.horizon_days} days after the alert have passed. Only beside"
        " the held out do those who stayed say anything about messages. Shares are as if both arms"
        " had the same mix of segments and hold-out shares.",
    )
    if arms.empty:
        st.caption("Nobody's horizon has passed yet.")
        return
    charts.show(pictures.stayed(arms), "Shares that stayed and left, by arm", "stayed")


def _groups(effect: pd.DataFrame) -> pd.DataFrame:
    return effect.assign(
        what=_names(effect),
        fewest=effect[["treated_n", "holdout_n"]].min(axis=1),
        words=[
            f"{treated:,} treated, {held_out:,} held out"
            for treated, held_out in zip(effect["treated_n"], effect["holdout_n"], strict=True)
        ],
    )


def _names(rows: pd.DataFrame) -> list[str]:
    return [
        ALL.get(dimension, "").format(name=name) or f"{KINDS[dimension]}: {_named(dimension, name)}"
        for dimension, name in zip(rows["dimension"], rows["name"], strict=True)
    ]


def _named(dimension: str, name: str) -> str:
    """Return an offer in words; a segment is the customers' word."""
    return label(name) if dimension == "offer" else plain(name, 60)


def _intervals(rows: pd.DataFrame) -> None:
    heading(
        "What messages do",
        rows,
        "effect",
        "Held-out churn minus treated churn, as drawn when the message was approved: whoever was"
        " then to get it counts as treated, sent or not. Customers whose alert nobody approved"
        " count in neither. Bars are 95 % intervals for a single look.",
    )
    if rows.empty:
        st.caption(
            "Nobody's horizon has passed in both arms yet: effects come with the first who close."
        )
        return
    charts.show(pictures.intervals(rows), "Effect of messages with its interval", "effect")
    st.caption(
        f"Groups of fewer than {FEW} customers in an arm are faint. A bar that does not reach 0 is"
        " no proof by itself: with many looks and many groups, some bars miss it by chance. The"
        " verdicts below take that into account."
    )


def _table(rows: pd.DataFrame) -> None:
    heading("The numbers behind it", rows, "effect_numbers")
    listing(
        rows.assign(
            note=["too few to tell" if n < FEW else "" for n in rows["fewest"]],
            verdict=rows["verdict"].map(plain),
            treated_percent=rows["treated_rate"] * 100,
            holdout_percent=rows["holdout_rate"] * 100,
            sent_percent=rows["sent_share"] * 100,
            in_points=rows["difference"].map(points),
            best_guess=rows["shrunken"].map(points),
            between=[interval(row) for _, row in rows.iterrows()],
            verdict_between=[interval(row, "verdict_") for _, row in rows.iterrows()],
        ),
        key="effect_numbers",
        alt="Treated and held-out churn by group",
        rate_columns={
            "treated_percent": "treated_n",
            "holdout_percent": "holdout_n",
            "sent_percent": "treated_n",
            "in_points": "fewest",
            "best_guess": "fewest",
            "between": "fewest",
            "verdict_between": "fewest",
        },
        columns={
            "what": columns.text("Group", 180),
            "treated_n": columns.number("Treated (n)", 90),
            "treated_percent": columns.share("of them left", 90),
            "sent_percent": columns.share("of them sent", 90),
            "holdout_n": columns.number("Held out (n)", 95),
            "holdout_percent": columns.share("of them left ", 90),
            "in_points": columns.text("Difference", 100),
            "best_guess": columns.text("Best guess", 100, SHRUNKEN),
            "between": columns.text("95 % interval", 160),
            "verdict": columns.text("Verdict", 190),
            "verdict_between": columns.text("Interval of the verdict", 160, VERDICT),
            "needed_n": columns.number("Still needed", 95),
            "note": columns.text("Note", 115),
            "fewest": None,
        },
    )


def _money(rows: pd.DataFrame) -> None:
    heading(
        "What messages earn",
        rows,
        "money",
        "What customers really spent in so many days after the alert, by the arm drawn when it was"
        " approved, in the account's currency. Earned is the spend of a treated customer less"
        " contact and offer, minus the spend of a held-out one, compared within segment and"
        " hold-out share.",
    )
    if rows.empty:
        st.caption("Nobody's first 28 days after the alert have passed yet.")
        return
    for _, row in rows[rows["dimension"] == "overall"].iterrows():
        st.text(_earned(row))
    fewest = rows[["treated_n", "holdout_n"]].min(axis=1)
    listing(
        rows.assign(
            what=_names(rows),
            fewest=fewest,
            verdict=rows["verdict"].map(plain),
            verdict_between=[money_interval(row) for _, row in rows.iterrows()],
        ),
        key="money",
        alt="Spend of treated and held out by group",
        rate_columns=dict.fromkeys(
            ("treated_spend", "holdout_spend", "cost", "earned", "verdict_between"), "fewest"
        ),
        columns={
            "what": columns.text("Group", 180),
            "days": columns.number("Days", 60),
            "treated_n": columns.number("Treated (n)", 90),
            "treated_spend": columns.number("spent each", 90, form="%.2f"),
            "cost": columns.number("cost each", 90, form="%.2f"),
            "holdout_n": columns.number("Held out (n)", 95),
            "holdout_spend": columns.number("spent each ", 90, form="%.2f"),
            "earned": columns.number("Earned each", 95, form="%.2f"),
            "verdict": columns.text("Verdict", 220),
            "verdict_between": columns.text("Interval of the verdict", 160, VERDICT),
            "fewest": None,
        },
    )


def _earned(row: pd.Series) -> str:
    if pd.isna(row["earned"]):
        return f"{row['days']} days after the alert: nothing to compare yet."
    return (
        f"In the {row['days']} days after the alert a treated customer spent"
        f" {money(row['treated_spend'])}, a held-out one {money(row['holdout_spend'])}. Less"
        f" {money(row['cost'])} for contact and offer that is {row['earned']:+,.2f} for each"
        f" treated customer{_in_between(row)}: {plain(row['verdict'])}."
    )


def _ranking(rows: pd.DataFrame) -> None:
    heading(
        "Whom to contact first",
        rows,
        "ranking",
        "Of past alerts, what it would have kept to contact one half of the customers and not the"
        " other: chosen by value at risk, or by value kept. Value kept is the effect of messages"
        " on customers of that risk times the expected spend, less contact and offer: the customers"
        " with the greatest risk may be those whom no message keeps. Each half of the customers is"
        " ranked by what messages did to the other.",
    )
    for _, row in rows.iterrows():
        st.text(_ranked(row))
        st.text(
            f"Alerts and queue are sorted by {ORDERS[row['order_used']]}."
            + (
                " The order by what a message is expected to keep is asked for, and used once it is"
                " proved to keep more."
                if row["alert_order"] != row["order_used"]
                else ""
            )
        )
        st.caption(
            "Only customers whom one order would contact and the other would not tell them apart."
            " The interval stays valid however often somebody looks; there is one once"
            f" {FEW} of them have closed in each arm."
        )


def _ranked(row: pd.Series) -> str:
    if not row["compared_n"]:
        return "Nobody's horizon has passed yet: which order keeps more comes with the first."
    return (
        f"Per 100 contacts the order by value at risk would have kept"
        f" {money(row['kept_by_value_at_risk'])}, the one by value kept"
        f" {money(row['kept_by_value_kept'])}, of {count(row['compared_n'])} customers:"
        f" {row['difference']:+,.2f}{_in_between(row)}: {plain(row['verdict'])}."
    )


def _in_between(row: pd.Series) -> str:
    """Return the interval of an amount in brackets; nothing while there are too few customers."""
    return "" if pd.isna(row["verdict_low"]) else f" ({money_interval(row)})"


def _funnel(page: Page) -> None:
    found = outcomes.funnel(page.source)
    is_held_out = found["state"] == "HELD_OUT"
    drawn, earlier = (
        int(found[is_held_out & (found["from_state"] == before)]["alerts"].sum())
        for before in ("DRAFTED", "")
    )
    reached = found.groupby("state")["alerts"].sum()
    reached["APPROVED"] = reached.get("APPROVED", 0) + drawn
    total = int(reached.get("OPEN", 0))
    steps = pd.DataFrame(
        [
            {
                "step": state(code) if code != "OPEN" else "Raised",
                "alerts": int(reached.get(code, 0)),
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
        "Alerts that have ever been in a state. Approved counts those who are held out, too.",
    )
    if not total:
        st.caption("No alert has been raised yet.")
        return
    charts.show(pictures.funnel(steps), "Alerts by how far they came", "funnel")
    st.caption(
        f"Approved alerts that were held out, drawn by chance: {count(drawn)}. These customers get"
        f" no message, and are watched for the same {page.terms.horizon_days} days."
        + (f" {count(earlier)} more were held out when they were raised." if earlier else "")
    )


main()
