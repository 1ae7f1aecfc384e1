"""The functions that fakesnow lacks, as DuckDB's: of the session, of its roles, of outreach/."""

import re
import sys
import textwrap
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import pandas
import pyarrow
from fakesnow.server import shared_fs

from outreach.addresses import mail_address
from outreach.letters import check_message, draft_message, read_review
from outreach.template import write_from_template
from tests.snowflake.standin.session import Session
from tests.snowflake.standin.statements import QUOTED_BODY, option

# fakesnow numbers an array's elements in the order in which they come out of a join, which is any.
FLATTEN = """
    create or replace macro {}._fs_flatten(input) as table
    select
        hash(to_json(input)) as seq,
        case when json_type(to_json(input)) = 'OBJECT' then key end as key,
        fullkey as path,
        case when json_type(to_json(input)) = 'ARRAY' then cast(key as bigint) end as index,
        value,
        to_json(input) as this
    from json_each(to_json(input))
"""
# What create_message_functions creates; tests/test_addresses.py runs them from the packed zip.
MESSAGE_FUNCTIONS = (
    write_from_template,
    draft_message,
    check_message,
    read_review,
    mail_address,
)
_scores: Callable[[pandas.DataFrame], pandas.Series] | None = None  # PREDICT_CHURN's handler


def predict_churn_scores(sql: str, imports: list[Path]) -> None:
    """Let PREDICT_CHURN do what its CREATE FUNCTION says."""
    global _scores
    if not imports:  # there is no model yet
        _scores = None
        return
    module = ModuleType("_snowflake")
    module.vectorized = lambda **_: lambda function: function
    scope = {"__name__": "predict_churn"}
    with (
        patch.dict(sys.modules, {"_snowflake": module}),
        patch.dict(sys._xoptions, {"snowflake_import_directory": str(imports[0].parent)}),
    ):
        exec(textwrap.dedent(QUOTED_BODY.search(sql)[1]), scope)  # noqa: S102 - the project's own
    _scores = scope[option(sql, "handler")]


def _predict_churn(*features: pyarrow.ChunkedArray) -> pyarrow.Array:
    if _scores is None:
        return pyarrow.nulls(len(features[0]), pyarrow.float64())
    rows = pandas.DataFrame(dict(enumerate(one.to_numpy() for one in features)))
    return pyarrow.array(_scores(rows), pyarrow.float64(), from_pandas=True)


def of_the_instance() -> None:
    """Let DuckDB call the package outreach/ and PREDICT_CHURN.

    Whether an account may, the register says.
    """
    shared_fs.duck_conn.create_function(
        "predict_churn", _predict_churn, None, "DOUBLE", type="arrow", null_handling="special"
    )
    for function in MESSAGE_FUNCTIONS:
        shared_fs.duck_conn.create_function(
            function.__name__, function, ["VARCHAR"] * len(signature(function).parameters),
            "VARCHAR", null_handling="special",
        )  # fmt: skip


def of_a_database(database: str) -> None:
    shared_fs.duck_conn.execute(FLATTEN.format(database))


def of_a_session(
    session: Session, roles: set[str], session_roles: set[str], schemas: list[str], reads: bool
) -> None:
    """Let functions answer for the active roles, and SYS_CONTEXT for those of the session.

    reads: inside of a procedure, whether its owner has READ SESSION on the account.
    """
    of_session = f"namespace = 'SNOWFLAKE$SESSION' and {reads}"
    for schema in schemas:
        for macro in (
            f"is_role_in_session(role) as role in {_texts(roles)}",
            f"current_user() as '{session.user}'",
            f"sys_context(namespace, property) as case when {of_session} and property ="
            f" 'PRINCIPAL_NAME' then '{session.user}' end, (namespace, property, role) as case when"
            f" {of_session} and property = 'IS_ROLE_ACTIVATED' then upper(cast(role in"
            f" {_texts(session_roles)} as varchar)) end",
        ):
            shared_fs.duck_conn.execute(f"create or replace macro {schema}.{macro}")


def reading_hexadecimals(sql: str) -> str:
    """Put what fakesnow understands in the place of TRY_TO_NUMBER with a hexadecimal format."""
    pattern = r"\btry_to_number\((.*?), 'XXXXXXXX'\)"
    return re.sub(pattern, r"cast('0x' || \1 as bigint)", sql, flags=re.I)


def of_this_session(sql: str, session: Session) -> str:
    """Put what CURRENT_ROLE() and CURRENT_WAREHOUSE() say into a statement."""
    for function, value in (("role", session.active[0]), ("warehouse", session.warehouse)):
        text = f"'{value}'" if value else "null"
        sql = re.sub(rf"\bcurrent_{function}\(\s*\)", text, sql, flags=re.I)
    return sql


def _texts(names: set[str]) -> str:
    return "({})".format(", ".join(f"'{name}'" for name in sorted(names)))
