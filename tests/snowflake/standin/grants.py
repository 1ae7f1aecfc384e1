"""Roles and privileges: what GRANT and REVOKE say, and what an active role may do by them."""

import re
from typing import NamedTuple

from tests.snowflake.standin.statements import KIND, kind_of, one_line

ACCOUNT = "account"
# What Snowflake comes with: a role and the one that inherits it.
SYSTEM_ROLES = (
    ("SYSADMIN", "ACCOUNTADMIN"), ("SECURITYADMIN", "ACCOUNTADMIN"), ("USERADMIN", "SECURITYADMIN"),
)  # fmt: skip
# What can be granted on a kind, beside ALL and OWNERSHIP; CREATE … on a schema is any kind's.
VALID = {
    "table": "SELECT INSERT UPDATE DELETE TRUNCATE REFERENCES REBUILD",
    "view": "SELECT REFERENCES",
    "dynamic table": "SELECT MONITOR OPERATE",
    "stream": "SELECT",
    "task": "MONITOR OPERATE",
    "alert": "MONITOR OPERATE",
    "stage": "READ WRITE USAGE",
    "function": "USAGE",
    "procedure": "USAGE",
    "streamlit": "USAGE",
    "file format": "USAGE",
    "integration": "USAGE USE_ANY_ROLE",
    "warehouse": "USAGE OPERATE MONITOR MODIFY APPLYBUDGET",
    "compute pool": "USAGE OPERATE MONITOR MODIFY",
    "resource monitor": "MONITOR MODIFY",
    "row access policy": "APPLY",
    "masking policy": "APPLY",
    "tag": "APPLY READ",
    "semantic view": "SELECT REFERENCES MONITOR",
    "dbt project": "USAGE MONITOR",
    "pipe": "MONITOR OPERATE",
    "secret": "READ USAGE",
}
_STATEMENT = re.compile(
    r"(?P<verb>grant|revoke) (?P<caller>(?:inherited |all )*caller )?(?P<privileges>.+?)"
    r" on (?P<target>.+?) (?:to|from)"
    r" (?P<to>application role|application|database role|role|user|share)"
    r" (?P<grantee>\S+)(?P<rest> .*)?",
    re.I,
)
_ROLE = re.compile(
    r"(?P<verb>grant|revoke) (?P<kind>database role|role) (?P<name>\S+) (?:to|from)"
    r" (?P<to>role|user) (?P<grantee>\S+)",
    re.I,
)
_MANY = re.compile(
    r"(?P<which>all|future) (?P<kinds>[a-z ]+) in (?P<container>schema|database) (?P<name>\S+)",
    re.I,
)
_ONE = re.compile(rf"(?P<kind>{KIND})\s+(?P<name>.+)", re.I)


class Grant(NamedTuple):
    """One privilege of a role on one object, as SHOW GRANTS TO ROLE names them."""

    privilege: str
    granted_on: str
    name: str
    grantee_name: str


class Said(NamedTuple):
    """What a GRANT or REVOKE says."""

    is_grant: bool
    privileges: tuple[str, ...]
    kind: str
    name: str  # as it was written; of a container for many objects
    grantee: str
    grantee_kind: str
    which: str = ""  # all or future, for many
    is_of_caller: bool = False  # restricted caller's rights: gives nobody anything
    rest: str = ""


def said(sql: str) -> Said | None:
    """Return what a GRANT or REVOKE says; None for another statement."""
    text = one_line(sql)
    if found := _ROLE.fullmatch(text):
        return Said(
            found["verb"].lower() == "grant", ("USAGE",), found["kind"].lower(), found["name"],
            found["grantee"].upper(), found["to"].lower(),
        )  # fmt: skip
    found = _STATEMENT.fullmatch(text)
    if not found:
        return None
    target = found["target"]
    which, kind, name = "", "", ""
    if target.lower() == ACCOUNT:
        kind = ACCOUNT
    elif many := _MANY.fullmatch(target):
        which, kind, name = many["which"].lower(), _singular(many["kinds"].lower()), many["name"]
    elif one := _ONE.fullmatch(target):
        kind, name = kind_of(one["kind"]), one["name"]
    else:  # no kind is a table
        kind, name = "table", target
    privileges = re.sub(r" privileges$", "", found["privileges"].strip(), flags=re.I)
    return Said(
        found["verb"].lower() == "grant",
        tuple(one.strip().upper() for one in privileges.split(",")),
        kind, name, found["grantee"].upper(), found["to"].lower(), which,
        bool(found["caller"]), (found["rest"] or "").strip().lower(),
    )  # fmt: skip


def invalid(kind: str, privilege: str) -> bool:
    """Whether a privilege cannot be granted on a kind."""
    return (
        kind in VALID
        and privilege not in ("ALL", "OWNERSHIP")
        and privilege not in VALID[kind].split()
    )


def inherited(roles: tuple[str, ...], grants: list[Grant]) -> set[str]:
    """Return these roles and all that they inherit; PUBLIC is everybody's."""
    below: dict[str, set[str]] = {}
    for role, parent in SYSTEM_ROLES:
        below.setdefault(parent, set()).add(role)
    for one in grants:
        if one.granted_on == "ROLE" and one.privilege == "USAGE":
            below.setdefault(one.grantee_name, set()).add(one.name)
    found, waiting = {"PUBLIC"}, list(roles)
    while waiting:
        role = waiting.pop()
        if role not in found:
            found.add(role)
            waiting += below.get(role, ())
    return found


def _singular(kinds: str) -> str:
    return kinds[:-3] + "y" if kinds.endswith("policies") else kinds.removesuffix("s")
