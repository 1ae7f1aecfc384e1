"""Who may do what to which alert: every role × action × state × region, asked of the procedures.

What is expected is derived from the seeds alone. `make snowflake-report` writes the table that
docs/security.md holds.
"""

import csv
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple, Protocol

import pytest

from runtime.user import user_name
from tests.conftest import Pipeline
from tests.dbt import PROJECT
from tests.documented import Table, alike
from tests.outreach_fixtures import customer, raise_alerts

REGIONS = ("north", "east", "south", "west", "atlantis", "")  # no role is named for the last two
WITHOUT_A_ROW = ("CHURN_LOADER", "CHURN_APP", "PUBLIC")  # in the seed
MADE_UP = "made up"
NO_ALERT, NO_CUSTOMER = "There is no such alert.", "There is no such customer."
REASON = "as asked"
# What a session may have active at once: inherited and secondary roles.
TOGETHER = (
    "MARKETING_ANALYST,CHURN_MANAGER_NORTH",
    "CHURN_MANAGER_NORTH,CHURN_MANAGER_SOUTH",
    "DATA_ENGINEER,PUBLIC",
)
# Table → what procedures write into it: about what, what, and in whose name.
_WRITTEN = {
    "alert_events": ("alert_id", "to_state", "actor"),
    "alert_assignments": ("alert_id", "owner", "assigned_by"),
    "retention_emails": ("alert_id", "subject", "author"),
    "suppressions": ("customer_id", "reason", "actor"),
}


class Engine(Protocol):
    """One of the two engines: queries and calls."""

    user: str

    def rows(self, query: str) -> list[tuple]:
        """Answer a query."""

    def run(self, statement: str) -> None:
        """Run a statement."""

    def call(self, name: str, arguments: dict[str, str | None], roles: str) -> list[tuple]:
        """Call a procedure as roles, with commas between them."""


class Asked(NamedTuple):
    """An action on the alert of a region that is in a state; of a customer the state is empty."""

    action: str
    region: str
    state: str


class Alert(NamedTuple):
    """An alert that others are copied from, and whose it is."""

    alert_id: str
    customer_id: str


@cache
def seed(name: str) -> list[dict[str, str]]:
    """Return the rows of a seed."""
    with (PROJECT / "seeds" / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


MOVES = [(row["from_state"], row["to_state"], row["moved_by"]) for row in seed("alert_transitions")]
STATES = sorted({state for move in MOVES for state in move[:2]})
# A lost customer may come back late, and that is nobody's decision.
ENDS = {state for state in STATES if state not in {move[0] for move in MOVES}} | {"LOST"}


def roles() -> list[str]:
    """Return every role that is asked as, alone, and some together."""
    return [*single_roles(), *TOGETHER]


def shown_roles() -> list[str]:
    """Return the roles of the tables of docs/security.md: each alone, and two together."""
    return [*single_roles(), TOGETHER[0]]


def single_roles() -> list[str]:
    """Return the roles of the seed, and those that have no row there."""
    return [*dict.fromkeys(row["role_name"] for row in seed("manager_regions")), *WITHOUT_A_ROW]


def region_rows(asking: str, region: str) -> list[dict[str, str]]:
    """Return the rows of the seed that say what roles may do with customers of a region."""
    return [
        row
        for row in seed("manager_regions")
        if row["role_name"] in asking.split(",") and row["region"] in ("*", region or None)
    ]


# -- what is expected ----------------------------------------------------------------------------


def expected(asking: str, user: str) -> dict[Asked, str]:
    """Return what the seeds say of every action, for roles with commas between them."""
    found = {}
    for region in REGIONS:
        rows = region_rows(asking, region)
        acting = sorted(row["role_name"] for row in rows if row["may_act"] == "true")
        seeing = sorted(row["role_name"] for row in rows)
        for action, state in _questions():
            thing = "customer" if action == "suppress the customer" else "alert"
            if not seeing:
                outcome = f"There is no such {thing}."
            elif not acting:
                outcome = f"{seeing[0]} may not change this {thing}."
            else:
                outcome = _allowed(action, state).format(actor=f"{user} as {acting[0]}")
            found[Asked(action, region, state)] = outcome
    return found


def _questions() -> list[tuple[str, str]]:
    actions = [f"move to {state}" for state in STATES] + ["assign"]
    asked = [(action, state) for action in actions for state in STATES]
    asked += [("edit", state) for state in ("OPEN", "DRAFTED", "APPROVED", "REJECTED")]
    return [*asked, ("suppress the customer", "")]


def _allowed(action: str, state: str) -> str:
    """Return what comes of an action that somebody may do, by the state alone."""
    done = "done by {actor}"
    if action == "assign":
        return done if state not in ENDS else "refused"
    if action == "edit":
        return done if state == "DRAFTED" else "refused"
    if action == "suppress the customer":
        return done
    to_state = action.removeprefix("move to ")
    if to_state == "HELD_OUT":  # nobody chooses who is held out
        return "refused"
    if to_state == state:
        return "nothing to do"
    is_allowed = any((state, to_state, who) in MOVES for who in ("manager", "any"))
    return done if is_allowed else "refused"


# -- what happens --------------------------------------------------------------------------------


class OnDuckDB:
    """The laptop's engine, in a pipeline of a test."""

    user = user_name()

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self.rows = pipeline.rows

    def run(self, statement: str) -> None:
        self._pipeline.connection.execute(statement)

    def call(self, name: str, arguments: dict[str, str | None], roles: str) -> list[tuple]:
        return self._pipeline.call(name, arguments, role=roles)


def outcomes(path: Path) -> dict[str, dict[Asked, str]]:
    """Do every action as every role, in an empty pipeline at `path`; return what came of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHURN_HOME", str(path))
        pipeline = Pipeline(path)
        try:
            engine, alerts = OnDuckDB(pipeline), _one_alert_in_each_region(pipeline)
            set_up(engine, alerts)
            return {asking: asked(engine, alerts, asking) for asking in roles()}
        finally:
            pipeline.close()


def _one_alert_in_each_region(pipeline: Pipeline) -> dict[str, Alert]:
    """Raise alerts, each with its draft."""
    names = {region: f"in-{region or 'none'}" for region in REGIONS}
    for region, name in names.items():
        pipeline.add(*customer(name, region=region or None))
    pipeline.tick()
    raise_alerts(pipeline, *names.values())
    return {region: Alert(name, name) for region, name in names.items()}


def set_up(engine: Engine, alerts: dict[str, Alert]) -> None:
    """Copy each alert with its draft into every state."""
    wanted = " union all ".join(
        f"select '{_id(region, state)}' as new_id, '{alert.alert_id}' as old_id, '{state}' as state"
        for region, alert in alerts.items()
        for state in STATES
    )
    columns = {
        "high_risk_history": "customer_id, score, threshold, value_at_risk, top_reasons, offer,"
        " arm, status, model_version, created_at, segment, arm_drawn",
        "retention_emails": "subject, body, provider, model, prompt_version, checks, status,"
        " created_at, revision",
    }
    for table, kept in columns.items():
        engine.run(
            f"insert into {table} (alert_id, {kept}) select wanted.new_id, {kept}"
            f" from {table} as copied inner join ({wanted}) as wanted"
            " on copied.alert_id = wanted.old_id"
        )
    engine.run("update retention_emails set author = '' where alert_id like 'copied:%'")
    engine.run(
        "insert into alert_events"
        " (event_id, alert_id, from_state, to_state, actor, reason, occurred_at)"
        " select wanted.new_id, wanted.new_id, '', wanted.state, '', 'copied', copied.created_at"
        f" from high_risk_history as copied inner join ({wanted}) as wanted"
        " on copied.alert_id = wanted.old_id"
    )


def asked(
    engine: Engine, alerts: dict[str, Alert], asking: str, to_states: Sequence[str] = STATES
) -> dict[Asked, str]:
    """Do every action as roles, each undone before the next; return what came of it."""
    found: dict[Asked, str] = {}
    every = [*(_id(region, state) for region in alerts for state in STATES), MADE_UP]
    for to_state in to_states:
        given = {"alert_ids": json.dumps(every), "to_state": to_state}
        given |= {"reason": REASON, "revision": None}
        _note(found, f"move to {to_state}", engine, engine.call("move_alerts", given, asking))
    given = {"alert_ids": json.dumps(every), "owner": "bob", "due_on": None}
    _note(found, "assign", engine, engine.call("assign_alerts", given, asking))
    for region, alert in alerts.items():
        [(subject, body)] = engine.rows(
            f"select subject, body from current_drafts where alert_id = '{alert.alert_id}'"
        )
        new = body.replace("a while", "some time")
        assert new != body
        for action, state in _questions():
            if action == "edit":
                given = {"alert_id": _id(region, state), "subject": subject, "body": new}
                answer = engine.call("edit_draft", given, asking)
                _note(found, "edit", engine, answer, [Asked("edit", region, state)])
        given = {"customer_id": alert.customer_id, "reason": REASON}
        answer = engine.call("suppress_customer", given, asking)
        one = Asked("suppress the customer", region, "")
        _note(found, "suppress", engine, answer, [one], alert.customer_id)
    given = {"alert_id": MADE_UP, "subject": "x", "body": "x"}
    assert engine.call("edit_draft", given, asking) == [(MADE_UP, NO_ALERT)]
    given = {"customer_id": MADE_UP, "reason": REASON}
    assert engine.call("suppress_customer", given, asking) == [(MADE_UP, NO_CUSTOMER)]
    return found


def _note(
    found: dict[Asked, str],
    action: str,
    engine: Engine,
    answer: list[tuple],
    questions: Sequence[Asked] = (),
    customer_id: str = "",
) -> None:
    """Note what was said and what was written, and take back what was written."""
    said = {about: sentence for about, sentence, *_ in answer}
    assert len(said) == len(answer)
    written = {about: name for about, name in _written(engine)}
    if not questions:
        assert said.pop(MADE_UP) == NO_ALERT
        regions = {one.split(":")[1] for one in _ids(engine)}
        questions = [Asked(action, region, state) for region in regions for state in STATES]
    for question in questions:
        about = customer_id or _id(question.region, question.state)
        sentence, actor = said.pop(about, None), written.pop(about, None)
        is_of_rights = sentence and ("no such" in sentence or "may not change" in sentence)
        outcome = sentence if is_of_rights else "refused" if sentence else "nothing to do"
        done = f"done by {actor}" if actor else ""
        found[question] = f"{sentence}, and {done}" if sentence and done else done or outcome
    assert (said, written) == ({}, {})


def _ids(engine: Engine) -> list[str]:
    query = "select alert_id from high_risk_history where alert_id like 'copied:%'"
    return [alert_id for (alert_id,) in engine.rows(query)]


def _written(engine: Engine) -> list[tuple[str, str]]:
    """Return about what procedures wrote, and in whose name; and delete it."""
    found = []
    for table, (about, _, who) in _WRITTEN.items():
        is_customer = about == "customer_id"
        copied = f"reason = '{REASON}'" if is_customer else f"{about} like 'copied:%'"
        name = f"coalesce({who}, 'nobody')"
        condition = f"{copied} and {name} <> ''"
        new = engine.rows(f"select {about}, {name} from {table} where {condition}")
        found += new
        if new:
            engine.run(f"delete from {table} where {condition}")
    return found


def _id(region: str, state: str) -> str:
    return f"copied:{region}:{state}"


# -- the table of docs/security.md ---------------------------------------------------------------

_COLUMNS = {
    "approve": "move to APPROVED",
    "reject": "move to REJECTED",
    "suppress": "move to SUPPRESSED",
    "edit a draft": "edit",
    "assign": "assign",
    "suppress a customer": "suppress the customer",
}
TABLE = Table("who may do what")
TABLE_OF_STATES = Table("what may be done in which state")


def table(outcomes: dict[str, dict[Asked, str]]) -> str:
    """Return as a Markdown table in which regions each role could do what."""
    lines = [f"| role | {' | '.join(_COLUMNS)} |", "|---" * (len(_COLUMNS) + 1) + "|"]
    cells = {
        role.replace(",", " with "): tuple(
            _cell(outcomes[role], action) for action in _COLUMNS.values()
        )
        for role in shown_roles()
    }
    lines += [f"| {', '.join(names)} | {' | '.join(row)} |" for row, names in alike(cells).items()]
    return "\n".join(lines)


def _cell(found: dict[Asked, str], action: str) -> str:
    done = {one.region for one, what in found.items() if one.action == action and "done" in what}
    if done == set(REGIONS):
        return "everywhere"
    if done:
        return ", ".join(region or "without a region" for region in REGIONS if region in done)
    sees = any("may not" in what for one, what in found.items() if one.action == action)
    return "no: it reads" if sees else "no: it sees none"


def table_of_states(outcomes: dict[str, dict[Asked, str]]) -> str:
    """Return as a Markdown table in which states a role could do what, where it may act.

    Every role could in the same states, in each of its regions.
    """
    actions = {
        label: action for label, action in _COLUMNS.items() if label != "suppress a customer"
    }
    lines = ["| what | in the states |", "|---|---|"]
    for label, action in actions.items():
        found = set()
        for role, what in outcomes.items():
            for region in REGIONS:
                if any(row["may_act"] == "true" for row in region_rows(role, region)):
                    found.add(_states_of(what, action, region))
        [states] = found
        lines.append(f"| {label} | {', '.join(states)} |")
    return "\n".join(lines)


def _states_of(what: dict[Asked, str], action: str, region: str) -> tuple[str, ...]:
    return tuple(
        state
        for state in STATES
        if what.get(Asked(action, region, state), "").startswith("done by")
    )
