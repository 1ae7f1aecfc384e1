"""The model card: what a version is, how well it does, for whom, and where it ends.

Written by the run that trained the version, beside its artefact: Markdown with three plots.
"""

import json
from collections.abc import Mapping
from typing import Any

import pandas

from training.artefacts import store
from training.card_plots import lift_plot, reliability_plot, stability_plot
from training.card_text import escaped, interval, number, percent, percents, table
from training.run import Settings
from training.stability import major_from
from training.status import TRAINED, has_trained, without_customers

TOO_FEW = 30  # rates of fewer than this say nothing
LABELS = {
    "lapse": (
        "no active event within {days} days of the cut-off, or a cancellation that stands at their"
        " end; whoever pauses at their end has not churned"
    ),
    "half_spend": (
        "within {days} days of the cut-off less than half as much spent a day as in the 84 days"
        " before it, or since the customer's first event"
    ),
}


def model_card(run: Mapping[str, Any], settings: Settings) -> dict[str, bytes]:
    """Return the card's files by name: `<version>.md` and the plots that it shows.

    `run` is the row of train_churn_model, its lists as JSON text or as they are. The same facts
    give the same bytes.
    """
    facts = {name: _opened(value) for name, value in run.items()}
    version = facts["version"]
    plots = {
        f"{version}-reliability.svg": reliability_plot(facts["reliability"]),
        f"{version}-lift.svg": lift_plot(facts["lift_curve"]),
        f"{version}-stability.svg": stability_plot(
            facts["feature_psi"], facts["test_rows"], facts["train_rows"]
        ),
    }
    parts = [
        f"# Model card: {version}",
        _purpose(facts),
        "## Data\n\n" + _data(facts, settings),
        "## How well it does\n\n" + _quality(facts),
        "## Earlier windows\n\n" + _earlier(facts),
        "## Expected spend\n\n" + _spend(facts),
        f"## Probabilities\n\n{_probabilities(facts)}\n\n![Predicted and observed churn, tenth by"
        f" tenth]({version}-reliability.svg)",
        f"## Whom to look at first\n\n{_lift(facts)}\n\n![Churners found among the highest scores]"
        f"({version}-lift.svg)",
        "## Time to churn\n\n" + _timing(facts),
        "## Segments\n\n" + _segments(facts),
        "## Regions\n\n" + _groups(facts, "region"),
        f"## Features\n\n{_features(facts)}\n\n![Population stability index of each feature]"
        f"({version}-stability.svg)",
        "## Limits\n\n" + _limits(facts, settings),
        "## Version\n\n" + _version(facts),
    ]
    return {f"{version}.md": ("\n\n".join(parts) + "\n").encode(), **plots}


def keep_model_card(
    session: object, location: str, run: pandas.DataFrame, settings: Settings
) -> None:
    """Write the card of a run that has trained, beside its artefact.

    A card that cannot be written is said, and costs nobody the model.
    """
    row = run.iloc[0].to_dict()
    if not has_trained(row["status"]):
        return
    try:
        for name, content in model_card(row, settings).items():
            store(session, content, location, name)
    except Exception as error:  # whatever a library or a stage may raise
        print(f"training: the model card of {row['version']} could not be written: {error}")


def _opened(value: object) -> object:
    """Return a list or a dictionary that the run's row holds as JSON text."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        return json.loads(value)
    return value


def _purpose(facts: Mapping[str, Any]) -> str:
    return (
        f"A random forest that gives each customer the probability to churn within"
        f" {facts['horizon_days']} days. It ranks whom people look at first and says how much is at"
        f" risk; it does not say what a message or an offer would change."
    )


def _data(facts: Mapping[str, Any], settings: Settings) -> str:
    label = LABELS[facts["label"]].format(days=facts["horizon_days"])
    cutoffs = facts["cutoffs"]
    share = percent(facts["test_churners"] / facts["test_rows"])
    left_out = []
    if facts["status"] != TRAINED:
        left_out.append(
            f"- **Left out**: it was {without_customers(facts['status'])};"
            " `train_churn_model.status` names their customers."
        )
    return "\n".join(
        [
            f"- **Churned**: {label}.",
            f"- **Customers**: at least {settings.population_min_active_days} active days in the"
            f" {settings.population_window_days} before the cut-off, and neither cancelled nor"
            " paused. New ones, and those long gone, are not scored.",
            f"- **Cut-offs**: {len(cutoffs)}, from {facts['first_cutoff_date']} to"
            f" {facts['test_cutoff_date']}; labels are known up to {facts['label_until_date']}.",
            f"- **Tested on** {facts['test_cutoff_date']}, which the tested model had not seen:"
            f" {facts['test_rows']:,} customers, {facts['test_churners']:,} of them churned"
            f" ({share}). It had learned from the {facts['train_rows']:,} rows whose labels had"
            " closed by then. What serves is fitted on all rows since, the tested ones included.",
            *_alerts(facts),
            *left_out,
        ]
    )


def _alerts(facts: Mapping[str, Any]) -> list[str]:
    """Say who was left out because a message may have changed what became of them."""
    treated, held_out = facts.get("treated_rows") or 0, facts.get("held_out_rows") or 0
    if not treated + held_out:
        return []
    lines = [
        f"- **Alerts**: {treated + held_out:,} of the rows, tested ones included, are of customers"
        f" whose message was approved around that time. The message may have changed what became"
        f" of the treated, {treated:,} rows; so the {held_out:,} of customers who were held out"
        " instead stand for them, and each counts as many times as it takes to make up for them,"
        " 20 times at most."
    ]
    if share := facts["as_treated_share"]:
        lines.append(
            f"- **Too few held out**: {percent(share)} of all weight had to be left with treated"
            " customers, because fewer than 5 % of their segment, or nobody, is held out. Of them"
            " the model has learned the risk that remains after messages, which is too low if"
            " messages help."
        )
    return lines


def _quality(facts: Mapping[str, Any]) -> str:
    forest = [
        [
            name,
            number(facts[key], digits),
            interval(facts[f"{key}_low"], facts[f"{key}_high"], digits),
        ]
        for name, key, digits in (
            ("AUC", "roc_auc", 3),
            ("PR-AUC", "pr_auc", 3),
            ("Brier score, 0 is best", "brier", 4),
        )
    ]
    if facts.get("still_here_rows"):
        forest.append(
            [
                f"AUC of those still here ({facts['still_here_rows']:,} active in the"
                f" {facts['horizon_days']} days before, {facts['still_here_churners']:,} churned)",
                number(facts["still_here_auc"]),
                interval(facts["still_here_auc_low"], facts["still_here_auc_high"]),
            ]
        )
    others = [
        ["lift in the first 10 %", number(facts["lift_at_10_percent"], 2), ""],
        ["value at risk / value that was lost", number(facts["value_at_risk_ratio"], 2), ""],
        ["AUC of a logistic regression", number(facts["challenger_auc"]), ""],
        ["AUC of the recency rule (longest away churns first)", number(facts["baseline_auc"]), ""],
    ]
    return table(["on the tested window", "", "95 %"], [*forest, *others])


def _earlier(facts: Mapping[str, Any]) -> str:
    if not facts["rolling_origin"]:
        return "There is no earlier cut-off that could be tested yet."
    rows = [
        [
            one["cutoff"], f"{one['n']:,}", f"{one['churners']:,}", number(one["roc_auc"]),
            number(one["challenger_auc"]), number(one["baseline_auc"]), number(one["pr_auc"]),
            number(one["brier"], 4),
        ]
        for one in facts["rolling_origin"]
    ]  # fmt: skip
    heading = [
        "cut-off", "customers", "churned", "AUC", "logistic", "recency rule", "PR-AUC", "Brier",
    ]  # fmt: skip
    return "The same, as if trained at each of these dates:\n\n" + table(heading, rows)


def _probabilities(facts: Mapping[str, Any]) -> str:
    # Held-out customers stand for others; runs before that was so noted no weights.
    bins = [(one.get("weight", one["n"]), one) for one in facts["reliability"]]
    expected = sum(weight * one["predicted"] for weight, one in bins)
    did_churn = facts["test_churners"]
    if any(weight != one["n"] for weight, one in bins):
        did_churn = sum(weight * one["observed"] for weight, one in bins)
    calibrated = (
        "The scores are recalibrated (Platt), which helped on a later window."
        if facts.get("is_calibrated")
        else "The scores are the forest's own: recalibrating them did not help on a later window."
    )
    return (
        f"Expected to churn on the tested window: {expected:,.0f}; did churn:"
        f" {did_churn:,.0f}. {calibrated}"
    )


def _spend(facts: Mapping[str, Any]) -> str:
    level = (
        "Value at risk is the score times what a customer is expected to spend in"
        f" {facts['horizon_days']} days by staying: the monthly value of the profile, else the"
        " customer's own spend up to now, mixed with the average of"
        f" {number(facts['average_spend_per_day'], 2)} a day as if the customer had spent that for"
        f" {number(facts['spend_credibility_days'], 0)} more days."
    )
    rows = [
        [one["known"], f"{one['n']:,}", number(one["expected"], 2), number(one["spent"], 2)]
        for one in facts["spend_by_tenure"] or []
    ]
    if not rows:
        return level
    heading = ["known for", "stayed", "expected", "spent"]
    return (
        f"{level}\n\nOf those who stayed on the tested window, on average; whom the profile gives a"
        f" value is left out. Lines of fewer than {TOO_FEW} say nothing.\n\n" + table(heading, rows)
    )


def _lift(facts: Mapping[str, Any]) -> str:
    return (
        f"Suggested thresholds: {number(facts['suggested_threshold_capacity'])} for as many alerts"
        f" as can be looked after, {number(facts['suggested_threshold_cost'])} for the greatest net"
        f" benefit. {_paid(facts)}What applies is in `seeds/alert_policy.csv`."
    )


def _paid(facts: Mapping[str, Any]) -> str:
    paid = {one["rule"]: one for one in facts.get("paid_by_rule") or []}
    if not paid:
        return ""
    words = {
        rule: f"{number(one['net_benefit'], 0)} with {one['contacts']:,} contacts"
        for rule, one in paid.items()
    }
    return (
        f"On the earlier windows that threshold would have paid {words['score']}, and contacting"
        " whoever's risk times expected spend is worth the contact (alert_rule `value`)"
        f" {words['value']}. "
    )


def _timing(facts: Mapping[str, Any]) -> str:
    tested = facts.get("timing_tested") or []
    if not tested:
        return "The label has no day, or no version of before has noted it."
    rows = [
        [f"{one['days']} days", number(one["expected"], 0), number(one["observed"], 0)]
        for one in tested
    ]
    return (
        "Churn has a day: the cancellation, or the end of a whole horizon without activity. So many"
        " customers of the tested window were expected to churn within the first days, by their"
        " score and by how churners who had been silent for as long have been spread over time, and"
        " so many did:\n\n" + table(["within", "expected", "churned"], rows)
    )


def _groups(facts: Mapping[str, Any], name: str) -> str:
    """Return the figures of each segment or region; `name` says which."""

    def figure(text: str, *counts: int) -> str:
        return text if min(counts) >= TOO_FEW else f"{text} (too few)"

    rows = []
    for one in sorted(facts.get(f"by_{name}") or [], key=lambda one: (-one["n"], one[name])):
        n, churners = one["n"], one["churners"]
        rows.append(
            [
                escaped(one[name]), f"{n:,}", f"{churners:,}",
                figure(number(one["roc_auc"]), churners, n - churners),
                figure(percent(one["predicted"]), n),
                figure(percent(one["observed"]), n),
                percents(one.get("observed_low"), one.get("observed_high")),
                figure(percent(one.get("alert_rate")), one.get("customers", n)),
                percents(one.get("alert_rate_low"), one.get("alert_rate_high")),
            ]
        )  # fmt: skip
    heading = [
        name, "customers", "churned", "AUC", "expected", "observed", "95 %", "had an alert", "95 %",
    ]  # fmt: skip
    return table(heading, rows)


def _segments(facts: Mapping[str, Any]) -> str:
    return (
        f"Does it serve all alike? Figures of fewer than {TOO_FEW} customers, and an AUC of fewer"
        f" than {TOO_FEW} churners or stayers, say nothing and are marked. Where the expected share"
        " lies outside the interval of the observed one (Wilson), the score is too high or too low"
        f" there. Alerts are those of the {facts['horizon_days']} days before and after the"
        " cut-off, of all customers, the treated included.\n\n" + _groups(facts, "segment")
    )


def _features(facts: Mapping[str, Any]) -> str:
    major = major_from(facts["test_rows"], facts["train_rows"])
    moved = sum(psi > major for psi in facts["feature_psi"].values())
    names = ", ".join(f"`{feature}`" for feature in facts["features"])
    return (
        f"In the order in which the model takes them: {names}.\n\n{moved} of"
        f" {len(facts['features'])} have moved much (PSI above {major:.2f}) between the training"
        " rows and the tested window, more than chance explains. Figures of a whole life move by"
        " themselves while a business is young."
    )


def _limits(facts: Mapping[str, Any], settings: Settings) -> str:
    return "\n".join(
        [
            "- It learns from what customers do, not why. The reasons shown with an alert are what"
            " moved the score, not causes.",
            "- It predicts what happens to customers to whom nothing is sent. Of those for whom a"
            " message was approved it knows that from the hold-out group alone: the fewer are held"
            " out, the less exact are high scores.",
            "- Whoever was away for a whole horizon before the cut-off has lapsed already, and is"
            " easily told: the AUC of those still here says how well it sees others go.",
            f"- With {facts['test_churners']:,} churners tested, differences within the intervals"
            " above are noise.",
            f"- Customers with fewer than {settings.population_min_active_days} active days in"
            f" {settings.population_window_days} have no score, which is not a low score.",
            "- A change of prices, of the product or of the events that are sent is not in the data"
            " before it happens: see model_health for drift and for quality as labels close.",
            "- It must not decide by itself over prices, credit or service: a person does.",
        ]
    )


def _version(facts: Mapping[str, Any]) -> str:
    compared = {
        "none": "It was the first version.",
        "other_label": f"`{facts['champion_version']}`, which served, predicts something else.",
        "overlapping": (
            f"`{facts['champion_version']}`, which served then, had learnt from outcomes of this"
            " window, so that they could not be compared yet."
        ),
        "newer": f"`{facts['champion_version']}` had been tested on a later window.",
        "unusable": f"`{facts['champion_version']}` could no longer be scored.",
        "compared": (
            f"On the same window `{facts['champion_version']}`, which served then, had an AUC of"
            f" {number(facts['champion_roc_auc'])} and a Brier score of"
            f" {number(facts['champion_brier'], 4)}."
        ),
    }[facts["champion_comparison"] or "none"]
    libraries = ", ".join(f"{name} {is_at}" for name, is_at in facts["library_versions"].items())
    return "\n".join(
        [
            f"- **Trained at** {str(facts['trained_at'])[:19]} UTC with {libraries}.",
            f"- **Artefact** `{facts['artefact']}`, SHA-256 `{facts['artefact_hash']}`.",
            f"- **Promotion**: {compared} A new version serves unless it is worse by more than a"
            " tolerance and by more than chance; the decision, its reason and who made it stand in"
            " `model_promotions`.",
        ]
    )
