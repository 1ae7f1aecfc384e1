"""What kind of statement an SQL text is, and the parts of it that an account would act on."""

import re
from typing import NamedTuple

COMMENT = re.compile(r"/\*.*?\*/|--[^\n]*", re.S)
NAME = r'"?(?:[\w$]+"?\."?){0,2}[\w$]+"?'
QUOTED_BODY = re.compile(r"\$\$(.*?)\$\$", re.S)
KINDS = (
    "dynamic table", "stream", "task", "stage", "function", "procedure", "role", "warehouse",
    "resource monitor", "row access policy", "masking policy", "streamlit", "compute pool",
)  # fmt: skip
_KIND = "|".join(KINDS).replace(" ", r"\s+")
CREATE = re.compile(
    rf"create\s+(?P<replace>or\s+replace\s+)?(?:transient\s+|secure\s+)?(?P<kind>{_KIND})\s+"
    rf"(?P<exists>if\s+not\s+exists\s+)?(?P<name>{NAME})(?P<rest>.*)",
    re.S | re.I,
)


class Create(NamedTuple):
    """A CREATE statement for one of the objects that the register keeps."""

    kind: str
    name: str
    or_replace: bool
    if_not_exists: bool
    rest: str


def plain(sql: str) -> str:
    """Return the statement without comments outside of quoted bodies, and without its semicolon."""
    pieces = QUOTED_BODY.split(sql)
    outside = [COMMENT.sub(" ", piece) for piece in pieces[0::2]]
    bodies = pieces[1::2]
    text = outside[0] + "".join(
        f"$${body}$${after}" for body, after in zip(bodies, outside[1:], strict=True)
    )
    return text.strip().rstrip(";").strip()


def one_line(sql: str) -> str:
    """Return a statement in one line, to be matched."""
    return re.sub(r"\s+", " ", plain(sql))


def create_of(sql: str) -> Create | None:
    """Return what a CREATE statement creates, if the register keeps that kind."""
    found = CREATE.match(plain(sql))
    if not found:
        return None
    return Create(
        re.sub(r"\s+", " ", found["kind"].lower()),
        identifier(found["name"]),
        bool(found["replace"]),
        bool(found["exists"]),
        found["rest"],
    )


def identifier(name: str) -> str:
    """Return the last part of a name as Snowflake stores it: unquoted is upper case."""
    last = name.strip().split(".")[-1]
    return last.strip('"') if last.startswith('"') else last.upper()


def option(sql: str, name: str) -> str | None:
    """Return an option's value, `name = 'value'` or `name = value`, before the quoted body."""
    head = QUOTED_BODY.split(plain(sql))[0]
    found = re.search(rf"\b{name}\s*=\s*(?:'((?:[^']|'')*)'|([\w$.]+))", head, re.I)
    return None if not found else (found[1] if found[1] is not None else found[2])
