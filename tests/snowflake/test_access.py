"""Roles, grants, uploads and the dashboard, from an empty account on, each step as its role.

The steps before the build are run on an account that has nothing; what a build makes is put there
by hand where the whole build does not matter.
"""

import re
from dataclasses import dataclass

import pytest
from snowflake.connector.errors import ProgrammingError

from outreach.pack import pack
from tests.dbt import PROJECT
from tests.snowflake.deployment import ask, pack_training
from tests.snowflake.standin.account import ADMIN, ENGINEER, Account
from tests.snowflake.standin.statements import one_line

SCHEMA = "CHURN.PIPELINE"
SIGNATURE = "(VARCHAR, VARCHAR, VARCHAR, VARCHAR)"
RAW = ("path:models/raw", "--indirect-selection", "empty")
BUILT = (
    f"create view {SCHEMA}.manager_customers as select 1 as customer_id",
    f"create procedure {SCHEMA}.move_alerts(alert_ids varchar, to_state varchar, reason varchar,"
    " revision varchar) returns table (alert_id varchar) language sql execute as owner as"
    " $$ begin begin transaction; answer := (select 'a1' as alert_id); commit; end; $$",
)

# What a person may have put into a pull request's schema: a kind, as SHOW names it, the rest.
OF_ANN = (
    ("stage", "stages", ""),
    ("secret", "secrets", " type = generic_string secret_string = 'x'"),
    ("alert", "alerts", " schedule = '1 MINUTE' if (exists (select 1)) then select 1"),
    ("pipe", "pipes", " as copy into CHURN.PR_17.churn_scores_raw from @CHURN.PR_17.of_ann"),
    ("semantic view", "semantic views", " tables (CHURN.PR_17.churn_scores_raw)"),
    ("dbt project", "dbt projects", " from '@CHURN.PR_17.of_ann'"),
    ("file format", "file formats", " type = csv"),
    ("sequence", "sequences", ""),
    ("snowflake.core.budget", "budgets", "()"),
)
# What not every account offers.
OPTIONAL = (
    "grant (inherited )?caller|grant use ai|grant database role snowflake.(cortex|pypi)"
    "|grant create (semantic view|alert|dbt project|row access|masking)|grant execute .*alert"
    "|grant select, references on semantic view"
)


@dataclass
class Steps:
    """The account after all steps, what each printed, and what was granted after each."""

    account: Account
    printed: dict[str, str]
    granted: dict[str, set[tuple[str, ...]]]

    def step(self, name: str, role: str, *arguments: str, **environment: str) -> None:
        """Run dbt as a role, and note what it said and who has what then."""
        done = self.account.dbt(*arguments, role=role, check=False, **environment)
        self.printed[name] = done.stdout
        self.granted[name] = grants(self.account)


def grants(account: Account) -> set[tuple[str, ...]]:
    """Return who has which privilege on what."""
    roles = account.answers(["show roles"], ADMIN)[0]["name"]
    shown = account.answers([f"show grants to role {role}" for role in roles], ADMIN)
    return {
        (str(row.grantee_name), str(row.privilege), str(row.name))
        for frame in shown
        for row in frame.itertuples()
    }


@pytest.fixture(scope="module")
def steps(tmp_path_factory):
    """The steps of docs/snowflake.md, on an empty account."""
    pack_training()
    pack()
    with Account(tmp_path_factory.mktemp("access")) as account:
        steps = Steps(account, {}, {})
        steps.step("roles", ADMIN, "run-operation", "create_roles")
        ask(account, ADMIN, "create_cost_limits(), create_compute_pool()")
        steps.step("first grants", ADMIN, "run-operation", "grant_access")
        steps.step("nothing uploaded", ENGINEER, "run-operation", "check_setup")
        ask(account, ENGINEER, "upload(), create_message_functions()")
        steps.step("uploaded", ENGINEER, "run-operation", "check_setup")
        account.dbt("build", "-q", "-s", "manager_regions", *RAW)
        account.execute(*BUILT)
        steps.step("app is checked", "CHURN_APP", "run-operation", "check_setup")
        steps.step("dashboard", "CHURN_APP", "run-operation", "deploy_dashboard")
        steps.step("roles of regions", ADMIN, "run-operation", "create_roles")
        steps.step("second grants", ADMIN, "run-operation", "grant_access")
        steps.step("dashboard again", "CHURN_APP", "run-operation", "deploy_dashboard")
        yield steps


def test_grants_on_an_empty_account_say_what_to_run_later(steps):
    said = steps.printed["first grants"]
    assert "Error" not in said
    for sentence in (
        "not there yet, so not granted: 4 tables; run grant_access again after dbt build",
        "procedures; run grant_access again after dbt build",
        f"streamlit {SCHEMA}.CHURN_DASHBOARD; run grant_access again after deploy_dashboard",
        "roles of regions wait for the seed manager_regions: run grant_access again after dbt",
    ):
        assert sentence in said
    given = steps.granted["first grants"]
    assert ("CHURN_APP", "USAGE", "CHURN_POOL") in given
    assert ("DATA_ENGINEER", "READ SESSION", "") in given
    assert not [one for one in given if "MANAGER_CUSTOMERS" in one[2]]


def test_after_the_build_readers_get_what_is_there(steps):
    assert "Error" not in steps.printed["second grants"]
    new = steps.granted["second grants"] - steps.granted["roles of regions"]
    for role in ("CHURN_MANAGER", "CHURN_MANAGER_NORTH", "MARKETING_ANALYST"):
        assert (role, "SELECT", f"{SCHEMA}.MANAGER_CUSTOMERS") in new
        assert (role, "USAGE", f"{SCHEMA}.CHURN_DASHBOARD") in new
        may_act = role != "MARKETING_ANALYST"
        assert ((role, "USAGE", f"{SCHEMA}.MOVE_ALERTS{SIGNATURE}") in new) == may_act


def test_a_role_of_a_region_has_the_managers_grants_and_not_the_managers_role(steps):
    given = steps.granted["second grants"]
    of = {
        role: {one[1:] for one in given if one[0] == role}
        for role in ("CHURN_MANAGER", "CHURN_MANAGER_NORTH", "CHURN_MANAGER_WEST")
    }
    assert of["CHURN_MANAGER"] == of["CHURN_MANAGER_NORTH"] == of["CHURN_MANAGER_WEST"]
    inherited = {one[0] for one in given if one[1:] == ("USAGE", "CHURN_MANAGER")}
    assert inherited == {"SYSADMIN"}


def test_without_rights_on_the_account_the_grants_on_objects_are_given(steps):
    """SECURITYADMIN may grant on every object, and neither privileges of the account nor reads."""
    steps.account.execute(
        f"revoke select on view {SCHEMA}.manager_customers from role CHURN_MANAGER", role=ADMIN
    )
    steps.step("security", "SECURITYADMIN", "run-operation", "grant_access")
    said = steps.printed["security"]
    assert "Error" not in said
    assert "grants on the account are ACCOUNTADMIN's and were left out" in said
    assert "because SECURITYADMIN may not read the seed manager_regions" in said
    assert steps.granted["security"] == steps.granted["dashboard again"]


def test_what_is_not_uploaded_is_missed_in_words(steps):
    said = steps.printed["nothing uploaded"]
    for sentence in (
        "training.zip is not on stage CHURN_MODELS: run make packages && dbt run-operation upload",
        "outreach.zip is not on stage CHURN_CODE: run make packages && dbt run-operation"
        " create_message_functions",
        f"function MAIL_ADDRESS is not in {SCHEMA}: run make packages && dbt run-operation"
        " create_message_functions",
    ):
        assert sentence in said
    assert "nothing is missing" in steps.printed["uploaded"]


def test_the_dashboard_is_checked_as_its_owner(steps):
    assert "nothing is missing" in steps.printed["app is checked"]
    other = steps.account.dbt(
        "run-operation", "check_setup", role="CHURN_APP", check=False,
        SNOWFLAKE_COMPUTE_POOL="other_pool",
    )  # fmt: skip
    assert "compute pool OTHER_POOL is not there, or not for role CHURN_APP" in other.stdout


def test_the_dashboard_is_on_its_stage_and_knows_its_place(steps):
    listed = steps.account.answers([f"list @{SCHEMA}.churn_dashboard_files"], "CHURN_APP")[0]
    app = PROJECT / "app"
    wanted = {f"app/{file.relative_to(app)}" for file in app.rglob("*.py")}
    wanted |= {"app/requirements.txt", "app/place.json"}
    assert {name.partition("/")[2] for name in listed["name"]} == wanted
    sent = [one_line(one.sql) for one in steps.account.sent() if one.role == "CHURN_APP"]
    created = next(line for line in sent if line.startswith("create or replace streamlit"))
    assert "runtime_name = 'SYSTEM$ST_CONTAINER_RUNTIME_PY3_11'" in created
    assert "compute_pool = CHURN_POOL" in created
    live = f"alter streamlit {SCHEMA}.CHURN_DASHBOARD add live version from last"
    assert sent.index(live) == sent.index(created) + 1


def test_a_dashboard_that_is_deployed_again_is_open_to_the_same_roles(steps):
    name = f"{SCHEMA}.CHURN_DASHBOARD"
    readers = {
        step: {one[0] for one in steps.granted[step] if one[1:] == ("USAGE", name)}
        for step in ("dashboard", "second grants", "dashboard again")
    }
    assert readers["dashboard"] == set()
    assert len(readers["second grants"]) == 6
    assert readers["dashboard again"] == readers["second grants"]
    assert "run grant_access again, so that people may open it" in steps.printed["dashboard"]


def test_rows_of_a_seed_are_exchanged_in_one_statement(steps):
    before = len(steps.account.sent())
    steps.account.dbt("seed", "-q", "-s", "manager_regions")
    lines = [one_line(one.sql) for one in steps.account.sent()[before:]]
    assert [line for line in lines if line.startswith("insert overwrite into")]
    assert not [line for line in lines if line.lower().startswith(("truncate", "delete", "begin"))]
    assert steps.account.rows("select count(*) as n from manager_regions")["n"].tolist() == [7]


def test_a_pull_requests_schema_is_filled_and_dropped(steps):
    """As docs/snowflake.md has it; a schema that holds more than dbt has made stays."""
    account, schema = steps.account, {"SNOWFLAKE_SCHEMA": "PR_17"}
    for operation in ("upload", "create_message_functions", "check_setup"):
        account.dbt("run-operation", operation, **schema)
    account.dbt("build", "-q", "-s", *RAW, **schema)
    account.execute(*(f"create {kind} CHURN.PR_17.of_ann{rest}" for kind, _, rest in OF_ANN))
    drop = ("run-operation", "drop_pipeline", "--args", "{confirm: CHURN.PR_17, drop_schema: true}")
    stopped = account.dbt(*drop, check=False, **schema)
    assert stopped.returncode != 0
    left = stopped.stdout.partition("it holds what dbt has not made: ")[2].splitlines()[0]
    assert sorted(left.split(", ")) == sorted(f"OF_ANN ({kinds})" for _, kinds, _ in OF_ANN)
    account.execute(*(f"drop {kind} CHURN.PR_17.of_ann" for kind, *_ in OF_ANN))
    account.dbt(*drop, **schema)
    with pytest.raises(ProgrammingError):
        account.execute("show objects in schema CHURN.PR_17")
    account.execute(f"show objects in schema {SCHEMA}")


def test_without_a_compute_pool_all_is_granted_but_the_dashboard(steps):
    said = steps.account.dbt(
        "run-operation", "grant_access", role=ADMIN, SNOWFLAKE_COMPUTE_POOL="other_pool"
    ).stdout
    assert (
        "compute pool OTHER_POOL is not there yet, so nothing was granted for the dashboard" in said
    )
    assert "to role CHURN_LOADER" in said
    assert not re.search(r"grant .*(caller|compute pool|streamlit|pypi)", said)


def test_a_grant_that_the_account_refuses_takes_nothing_from_loader_and_readers(steps):
    """Whatever of the optional grants is refused first, everybody has what they need by then."""
    account, lost = steps.account, ("CHURN_LOADER", "MARKETING_ANALYST", "CHURN_MANAGER")
    before = grants(account)
    account.execute(*(f"drop role {role}" for role in lost), role=ADMIN)
    account.dbt("run-operation", "create_roles", role=ADMIN)
    account.execute(f"call standin_lacks('{OPTIONAL}')", role=ADMIN)
    switched_on = (
        "{email_provider: cortex, snowflake_edition: enterprise, retrain_schedule: 1 HOUR}"
    )
    done = account.dbt(
        "run-operation", "grant_access", "--vars", switched_on, role=ADMIN, check=False
    )
    account.execute("call standin_lacks('')", role=ADMIN)
    assert done.returncode != 0
    assert "Unsupported feature" in done.stdout
    missing = {one for one in before - grants(account) if one[0] in lost}
    assert {one[2] for one in missing} == {f"{SCHEMA}.CHURN_DASHBOARD"}
    account.dbt("run-operation", "grant_access", role=ADMIN)
    assert before <= grants(account)
