"""Who may do what to which alert, on DuckDB: every role × action × state × region."""

import pytest

from runtime.user import user_name
from tests import rights
from tests.documented import DOCUMENT


@pytest.fixture(scope="module")
def outcomes(empty_pipelines, tmp_path_factory):
    """What came of every action, by the roles that asked."""
    home = tmp_path_factory.mktemp("rights") / "home"
    return rights.outcomes(empty_pipelines.copy("all", home))


@pytest.mark.parametrize("asking", rights.roles())
def test_a_role_does_what_the_seeds_allow_and_nothing_else(outcomes, asking):
    found, expected = outcomes[asking], rights.expected(asking, user_name())
    wrong = {one: (found[one], expected[one]) for one in expected if found[one] != expected[one]}
    assert wrong == {}
    assert found.keys() == expected.keys()


def test_every_outcome_occurs(outcomes):
    """Otherwise the comparison above would show nothing."""
    found = {one.split(" as ")[0] for what in outcomes.values() for one in what.values()}
    assert found == {
        f"done by {user_name()}",
        "refused",
        "nothing to do",
        *(f"There is no such {thing}." for thing in ("alert", "customer")),
        *(
            f"{role} may not change this {thing}."
            for role in ("DATA_ENGINEER", "MARKETING_ANALYST")
            for thing in ("alert", "customer")
        ),
    }


def test_security_md_says_who_may_do_what(outcomes):
    assert rights.TABLE.read() == rights.table(outcomes), f"make snowflake-report: {DOCUMENT}"
    states = rights.table_of_states(outcomes)
    assert rights.TABLE_OF_STATES.read() == states, f"make snowflake-report: {DOCUMENT}"
