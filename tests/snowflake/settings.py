"""What is sent must not depend on the settings of the session that sends it, or of a task's owner.

Formats of dates and times, the first day of a week and the kind of a bare TIMESTAMP are parameters
of an account, a user or a session. A statement that leans on one works until somebody sets it.
"""

import re

from tests.snowflake.standin.account import Statement
from tests.snowflake.standin.statements import one_line, without_comments

# In commas of no brackets: a conversion with one argument, whose format the session chooses.
_ONE_ARGUMENT = r"\((?:[^(),']|'[^']*'|\((?:[^()]|\([^()]*\))*\))*\)"
_TIME = r"(?:date|time|timestamp(?:_ntz|_ltz|_tz)?)"
DEPENDS = {
    rf"\b(?:try_)?to_{_TIME}\s*{_ONE_ARGUMENT}": "a conversion to a time without a format",
    rf"cast\(\s*'[^']*'\s+as\s+{_TIME}\s*\)|'[^']*'\s*::\s*{_TIME}\b": "a text read as a time",
    rf":[\w.]+::{_TIME}\b": "a text in JSON read as a time",
    r"\bas\s+timestamp\s*\)|::\s*timestamp\b": "a TIMESTAMP of some kind",
    r"(?:cast\(\s*(?:[\w\"]+\.)*\"?(?:\w+(?:_at|_since|_date|_time)|week|day)\"?\s+as|"
    r"\w+(?:_at|_since|_date|_time)\s*::)\s*(?:varchar|text|string)\b": "a time as a text",
    r"\bcast\(\s*(?:sysdate|current_\w+)\(\)\s+as\s+(?:varchar|text|string)\b": "a time as a text",
    r"date_trunc\(\s*'week'|datediff\(\s*'?week|\b(?:dayofweek|week|weekofyear)\s*\(":
        "a week that begins where WEEK_START says",
}  # fmt: skip


def nothing_depends_on_settings(statements: list[Statement], _: dict) -> list[str]:
    """Return what reads or writes a time as the session says. Unit tests are dbt's own words."""
    return [
        f"{words}: {found[0]} in {one_line(sql)[:80]}"
        for sql in dict.fromkeys(
            without_comments(one.sql) for one in statements if not one.node.startswith("unit_test.")
        )
        for pattern, words in DEPENDS.items()
        if (found := re.search(pattern, sql, re.I))
    ]
