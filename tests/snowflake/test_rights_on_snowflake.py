"""Who may do what to which alert, on the stand-in: the procedures that were sent, for their caller.

Only an account can prove that SYS_CONTEXT says in a procedure what the documentation says.
"""

import pytest
from snowflake.connector.errors import ProgrammingError

from tests import rights
from tests.rights import Alert, Asked
from tests.snowflake.standin.account import ADMIN, ENGINEER

NORTH = "CHURN_MANAGER_NORTH"
READS_SESSION = "read session on account {} role DATA_ENGINEER"
SIGNATURES = {
    "move_alerts": {"alert_ids": "[]", "to_state": "APPROVED", "reason": "", "revision": None},
    "assign_alerts": {"alert_ids": "[]", "owner": "bob", "due_on": None},
    "edit_draft": {"alert_id": "x", "subject": "x", "body": "x"},
    "suppress_customer": {"customer_id": "x", "reason": "x"},
}


class OnSnowflake:
    """The stand-in, as tests/rights.py asks an engine."""

    user = "STANDIN"

    def __init__(self, account) -> None:
        self._account = account

    def rows(self, query):
        frame = self._account.rows(query).astype(object)
        return list(frame.where(frame.notna(), None).itertuples(index=False, name=None))

    def run(self, statement, role=ENGINEER):
        self._account.execute(statement, role=role)

    def call(self, name, arguments, roles):
        texts = {
            key: "null" if value is None else "'" + value.replace("'", "''") + "'"
            for key, value in arguments.items()
        }
        named = ", ".join(f"{key} => {text}" for key, text in texts.items())
        [frame] = self._account.answers([f"call {name}({named})"], roles)
        return list(frame.itertuples(index=False, name=None))


@pytest.fixture(scope="module")
def engine(deployment):
    """The stand-in with its roles, and what an administrator grants to one of a region."""
    assert deployment.compared  # before anything is added
    assert deployment.operations
    for name, arguments in SIGNATURES.items():
        signature = ", ".join(["varchar"] * len(arguments))
        deployment.account.execute(
            f"create role if not exists {NORTH}",
            f"grant usage on procedure CHURN.PIPELINE.{name}({signature}) to role {NORTH}",
            role=ADMIN,
        )
    return OnSnowflake(deployment.account)


@pytest.fixture(scope="module")
def alerts(engine):
    """An alert in each state, for a customer in the north and for one in the south."""
    found = {}
    for region in ("north", "south"):
        [(alert_id, customer_id), *_] = engine.rows(
            "select alert_id, customer_id from high_risk_history"
            " inner join current_drafts using (alert_id)"
            " inner join customer_profiles using (customer_id)"
            f" where region = '{region}' and arm = 'treated' order by alert_id"
        )
        found[region] = Alert(alert_id, customer_id)
    rights.set_up(engine, found)
    yield found
    for table in ("high_risk_history", "retention_emails", "alert_events"):
        engine.run(f"delete from {table} where alert_id like 'copied:%'")


@pytest.mark.parametrize(
    "asking", ["CHURN_MANAGER", NORTH, "DATA_ENGINEER", f"MARKETING_ANALYST,{NORTH}"]
)
def test_a_role_does_what_the_seeds_allow_and_nothing_else(engine, alerts, asking):
    states = ("APPROVED", "REJECTED", "SUPPRESSED", "HELD_OUT")
    found, expected = (
        rights.asked(engine, alerts, asking, states),
        rights.expected(asking, "STANDIN"),
    )
    assert found == {one: expected[one] for one in found}
    assert len(found) > 100


@pytest.mark.parametrize("asking", ["MARKETING_ANALYST", "CHURN_LOADER", "PUBLIC"])
@pytest.mark.parametrize("name", SIGNATURES)
def test_without_usage_there_is_no_procedure(engine, asking, name):
    with pytest.raises(ProgrammingError, match="Unknown user-defined function"):
        engine.call(name, SIGNATURES[name], asking)


@pytest.mark.parametrize("name", SIGNATURES)
def test_nobody_gives_the_actors_name(engine, name):
    with pytest.raises(ProgrammingError, match="Invalid argument types"):
        engine.call(name, SIGNATURES[name] | {"actor": "somebody else"}, "CHURN_MANAGER")


def test_while_the_owner_may_not_read_the_session_nobody_acts(engine, alerts):
    engine.run("revoke " + READS_SESSION.format("from"), ADMIN)
    try:
        found = {
            name: engine.call(name, given, "CHURN_MANAGER")
            for name, given in SIGNATURES.items()
            if "alert_ids" not in given
        }
        given = {
            "alert_ids": '["copied:north:DRAFTED"]',
            "to_state": "APPROVED",
            "reason": "",
            "revision": None,
        }
        found["move_alerts"] = engine.call("move_alerts", given, "CHURN_MANAGER")
    finally:
        engine.run("grant " + READS_SESSION.format("to"), ADMIN)
    said = "Snowflake does not say who asks: run grant_access as ACCOUNTADMIN."
    assert {row[1] for answer in found.values() for row in answer} == {said}
    assert len(found) == 3
    written = "select count(*) from alert_events where alert_id like 'copied:%' and actor <> ''"
    assert engine.rows(written) == [(0,)]


def test_the_dashboard_acts_for_its_viewer(engine, alerts):
    """Under its owner's rights the session has the app's role, and the viewer's name."""
    engine.run(f"insert into dashboard_users values ('STANDIN', '{NORTH}')")
    try:
        found = rights.asked(engine, alerts, "CHURN_APP", ["REJECTED"])
    finally:
        engine.run("delete from dashboard_users")
    rejected = {
        region: found[Asked("move to REJECTED", region, "DRAFTED")] for region in ("north", "south")
    }
    assert rejected == {
        "north": f"done by STANDIN as {NORTH}", "south": "There is no such alert."
    }  # fmt: skip
