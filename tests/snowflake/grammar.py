"""Whether what is sent is Snowflake's grammar, as far as sqlfluff's dialect knows it."""

import re
from functools import cache

from sqlfluff.core import FluffConfig, Linter

from tests.snowflake.standin.account import Statement
from tests.snowflake.standin.statements import one_line

# What the dialect does not know, each with where it comes from.
GRAMMAR_GAPS = {
    r"create (or replace )?(transient )?dynamic table .* scheduler = '": "dbt-snowflake's quotes",
    r"alter dynamic table \S+ set target_lag": "two settings in one ALTER DYNAMIC TABLE",
    r"grant use ai functions": "GRANT USE AI FUNCTIONS ON ACCOUNT",
    r"grant (inherited )?caller": "GRANT CALLER, for restricted caller's rights",
    r"grant read session": "GRANT READ SESSION ON ACCOUNT",
    r"grant execute managed alert": "GRANT EXECUTE MANAGED ALERT ON ACCOUNT",
    r"grant create alert": "CREATE ALERT and CREATE SEMANTIC VIEW in a list of privileges",
    r"grant read on secret": "GRANT READ ON SECRET",
    r"(create (or replace )?|drop )semantic view": "CREATE and DROP SEMANTIC VIEW",
    r"(create (or replace )?|drop )dbt project": "CREATE and DROP DBT PROJECT",
    r"create snowflake\.core\.budget|call \S+!": "a budget and its methods",
    r"(create|alter) (notification integration|secret)": "TYPE = EMAIL and WEBHOOK; secrets",
    r"grant create streamlit": "CREATE STREAMLIT in a list of privileges",
    r"grant usage on (streamlit|compute pool)": "kinds of objects that can be granted",
    r"(create( or replace)?|alter) streamlit": "CREATE and ALTER STREAMLIT",
    r"create compute pool": "CREATE COMPUTE POOL",
    r"comment on dynamic table": "COMMENT ON DYNAMIC TABLE, as dbt-snowflake writes it",
    r"create (or replace )?row access policy": "CREATE ROW ACCESS POLICY with a signature",
    r"with \S+ as procedure": "an anonymous procedure, as dbt-snowflake writes it",
    r"show (terse )?(objects|schemas|dynamic tables|streams|tasks|cortex)": "SHOW … LIKE … IN …",
    r"show (alerts|semantic views|notification integrations)": "SHOW … LIKE … IN …",
    r"describe notification integration": "DESCRIBE NOTIFICATION INTEGRATION",
    r"show compute pools": "SHOW COMPUTE POOLS",
    r"describe table": "DESCRIBE TABLE of a quoted name",
}


def everything_parses(statements: list[Statement], _: dict) -> list[str]:
    """Return what the dialect cannot parse, but for the gaps above."""
    return [
        f"{text[:80]}: {violation}"
        for text in dict.fromkeys(one_line(statement.sql) for statement in statements)
        if not any(re.match(gap, text, re.I) for gap in GRAMMAR_GAPS)
        for violation in _violations(text)
    ]


@cache
def _violations(text: str) -> list[str]:
    # As it is: rows of seeds hold braces, and nobody renders them again.
    config = FluffConfig(overrides={"dialect": "snowflake", "templater": "raw"})
    return [str(one) for one in Linter(config=config).parse_string(text).violations]
