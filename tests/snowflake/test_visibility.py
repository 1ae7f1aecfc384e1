"""Who sees what, on both engines: every role × view × column × row, alone and several together."""

import re

import pytest

from tests.rights import region_rows, roles
from tests.snowflake.parity import NOT_COMPARED
from tests.snowflake.standin.statements import one_line
from tests.snowflake.visibility import (
    PERSONAL,
    SEES_ALL,
    TABLE,
    expected,
    hidden_texts,
    table,
    texts,
    views,
)

ENGINES = ("duckdb", "snowflake")


@pytest.fixture(params=ENGINES)
def seen(deployment, request):
    return deployment.seen[ENGINES.index(request.param)]


@pytest.mark.parametrize("asking", roles())
def test_a_role_sees_what_the_seed_lets_it_see(seen, asking):
    wanted = expected(seen[SEES_ALL], asking)
    assert len(wanted) > 5
    for view, frame in wanted.items():
        assert texts(seen[asking][view]) == texts(frame), view


@pytest.mark.parametrize("asking", roles())
def test_what_a_role_must_not_see_stands_in_no_view(seen, asking):
    hidden = hidden_texts(seen[SEES_ALL], asking)
    if asking != SEES_ALL:
        assert len(hidden) > 10
    for view, frame in seen[asking].items():
        columns = [column for column in frame if frame[column].dtype == object]
        cells = {str(cell) for column in columns for cell in frame[column].dropna()}
        found = {(one, cell) for cell in cells for one in hidden if one in cell}
        assert not found, view


def test_every_region_has_alerts_and_so_have_customers_without_one(seen):
    regions = set(seen[SEES_ALL]["manager_outreach"]["region"])
    assert {"north", "east", "south", "west", None} <= {
        None if region != region else region for region in regions
    }


def test_every_kind_of_personal_text_but_those_of_mail_occurs(seen):
    """Of the others tests/test_masks.py makes one: the comparison above would say nothing."""
    everything = seen[SEES_ALL]
    found = {
        column
        for frame in everything.values()
        for column in PERSONAL
        if "customer_id" in frame and column in frame and frame[column].notna().any()
    }
    assert set(PERSONAL) - found <= {"draft_error", "delivery_detail"}


def test_both_engines_show_the_same_number_of_rows(deployment):
    pipeline, account = deployment.seen
    for asking in roles():
        for view in set(views()) - NOT_COMPARED.keys():
            assert len(pipeline[asking][view]) == len(account[asking][view]), (asking, view)


def test_security_md_says_who_sees_what(deployment):
    assert TABLE.read() == table(deployment.seen[0])


def test_enterprise_edition_locks_every_managers_view_again(deployment):
    lines = [one_line(one.sql) for one in deployment.changed]
    columns = {
        view: set(deployment.pipeline.frame(f"select * from {view} limit 0").columns)
        for view in views()
    }
    with_customers = {view for view, names in columns.items() if "customer_id" in names}
    wanted = {
        f"alter view CHURN.PIPELINE.{view} modify column {column} set masking policy"
        f" CHURN.PIPELINE.personal_data_of_region using ({column}, mask_region)"
        for view in with_customers
        for column in columns[view] & set(PERSONAL)
    } | {
        f"alter view CHURN.PIPELINE.{view} add row access policy CHURN.PIPELINE.visible_region"
        " on (region)"
        for view, names in columns.items()
        if "region" in names
    }
    assert {line for line in lines if line.startswith("alter view")} == wanted
    assert len(wanted) > 15


def test_policies_say_what_the_views_say(deployment):
    """Their conditions, asked on the account for each role, region and right."""
    assert deployment.seen  # for which all of these roles are there
    bodies = {
        found[1].lower(): found[2]
        for one in deployment.changed
        if (found := re.match(r"create (masking|row access) policy .*? -> (.*)", one_line(one.sql)))
    }
    # A policy reads as its owner; who asks for its condition by hand needs the right to read.
    deployment.account.execute(
        *(
            f"grant select on view CHURN.PIPELINE.visible_regions to role {role}"
            for role in sorted({one for asking in roles() for one in asking.split(",")})
        )
    )
    for asking in roles():
        for region in ("north", "atlantis", None):
            rows = region_rows(asking, region or "")
            literal = "null" if region is None else f"'{region}'"
            given = f"(select 'Ada' as value, {literal} as customer_region)"
            queries = [f"select {bodies[kind]} as answer from {given}" for kind in bodies]
            answers = [frame["answer"][0] for frame in deployment.account.answers(queries, asking)]
            is_unmasked = any(row["sees_personal_data"] == "true" for row in rows)
            wanted = {"masking": "Ada" if is_unmasked else "masked", "row access": bool(rows)}
            assert dict(zip(bodies, answers, strict=True)) == wanted, (asking, region)


def test_the_dashboard_shows_what_its_viewer_may_see(deployment):
    """It asks with its owner's role for everyone; on Snowflake CURRENT_USER is the viewer."""
    account = deployment.account
    query = "select * from manager_customers"
    assert account.answers([query], "CHURN_APP")[0].empty
    account.execute(
        "insert into dashboard_users values ('STANDIN', 'CHURN_MANAGER_NORTH'),"
        " ('STANDIN', 'MARKETING_ANALYST')"
    )
    try:
        [seen] = account.answers([query], "CHURN_APP")
        named = seen[seen["name"].fillna("masked") != "masked"]
        assert set(named["region"]) == {"north"}
        assert len(seen) > len(named) > 0
        assert account.answers([query], "PUBLIC")[0].empty
    finally:
        account.execute("delete from dashboard_users")
