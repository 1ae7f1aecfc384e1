"""What kind of statement an SQL text is, and the parts of it that an account would act on."""

import re
from typing import NamedTuple

# Texts between quotes are found too, because two dashes in them begin no comment.
_TEXT_OR_COMMENT = re.compile(r"('(?:[^'\\]|\\.|'')*')|/\*.*?\*/|--[^\n]*", re.S)
NAME = r'"?(?:[\w$]+"?\."?){0,2}[\w$]+"?'
QUOTED_BODY = re.compile(r"\$\$(.*?)\$\$", re.S)
# fakesnow has these itself.
OF_FAKESNOW = ("database", "schema", "table", "view")
# Those that lie in no schema.
OF_THE_ACCOUNT = (
    "database", "role", "user", "warehouse", "resource monitor", "integration", "compute pool",
)  # fmt: skip
KINDS = (
    "dynamic table", "external table", "stream", "task", "stage", "function", "procedure", "role",
    "database role", "user", "warehouse", "resource monitor", "row access policy",
    "masking policy", "alert", "streamlit", "compute pool", "semantic view", "dbt project",
    "file format", "pipe", "sequence", "tag", "secret", "network rule", "notebook", "model",
    "budget", "integration",
    *OF_FAKESNOW,
)  # fmt: skip
# How a statement names a kind, where that is more than its name.
_NAMED = {
    "integration": (
        r"(?:(?:notification|api|storage|security|catalog|external\s+access)\s+)?integration"
    ),
    "budget": r"snowflake\.core\.budget",
}
KIND = "|".join(_NAMED.get(kind, kind).replace(" ", r"\s+") for kind in KINDS)
CREATE = re.compile(
    r"create\s+(?:or\s+(?P<over>replace|alter)\s+)?"
    r"(?P<modifier>(?:(?:transient|secure|temporary|temp|local|global|recursive)\s+)*)"
    rf"(?P<kind>{KIND})\s+(?P<exists>if\s+not\s+exists\s+)?(?P<name>{NAME})(?P<rest>.*)",
    re.S | re.I,
)
TYPES = {
    "STRING": "VARCHAR", "TEXT": "VARCHAR", "CHAR": "VARCHAR", "DOUBLE": "FLOAT", "REAL": "FLOAT",
    "INT": "NUMBER", "INTEGER": "NUMBER", "BIGINT": "NUMBER", "DECIMAL": "NUMBER",
    "NUMERIC": "NUMBER", "TIMESTAMP": "TIMESTAMP_NTZ", "DATETIME": "TIMESTAMP_NTZ",
}  # fmt: skip


class Create(NamedTuple):
    """A CREATE statement."""

    kind: str
    name: str
    or_replace: bool
    if_not_exists: bool
    rest: str
    written: str = ""  # the name as it was written
    or_alter: bool = False
    is_temporary: bool = False

    @property
    def copies_grants(self) -> bool:
        """Whether what was granted on a replaced object stays: COPY GRANTS, where it belongs."""
        head = QUOTED_BODY.split(self.rest)[0]
        if self.kind in ("function", "procedure"):  # between parameters and RETURNS
            return bool(re.search(r"\)\s*copy\s+grants\s+returns\b", head, re.I))
        if self.kind == "semantic view":  # at its end
            return bool(re.search(r"\bcopy\s+grants\s*$", head, re.I))
        head = re.split(r"\bas\b", head, maxsplit=1, flags=re.I)[0]
        return bool(re.search(r"\bcopy\s+grants\b", head, re.I))


def without_comments(sql: str) -> str:
    """Return a statement, or a piece of one, with a space in the place of each comment."""
    return _TEXT_OR_COMMENT.sub(lambda found: found[1] or " ", sql)


def plain(sql: str) -> str:
    """Return the statement without comments outside of quoted bodies, and without its semicolon."""
    pieces = QUOTED_BODY.split(sql)
    outside = [without_comments(piece) for piece in pieces[0::2]]
    bodies = pieces[1::2]
    text = outside[0] + "".join(
        f"$${body}$${after}" for body, after in zip(bodies, outside[1:], strict=True)
    )
    return text.strip().rstrip(";").strip()


def one_line(sql: str) -> str:
    """Return a statement in one line, to be matched."""
    return re.sub(r"\s+", " ", plain(sql))


def creation(sql: str) -> Create | None:
    """Return what a CREATE statement creates, if it is of a kind that is known here."""
    found = CREATE.match(plain(sql))
    if not found:
        return None
    return Create(
        kind_of(found["kind"]),
        identifier(found["name"]),
        (found["over"] or "").lower() == "replace",
        bool(found["exists"]),
        found["rest"],
        found["name"],
        (found["over"] or "").lower() == "alter",
        "temp" in found["modifier"].lower(),
    )


def create_of(sql: str) -> Create | None:
    """Return what a CREATE statement creates, if fakesnow does not know the kind."""
    found = creation(sql)
    return found if found and found.kind not in OF_FAKESNOW else None


def kind_of(words: str) -> str:
    """Return the kind that is meant, in its usual spelling."""
    kind = re.sub(r"\s+", " ", words.strip().lower())
    if kind.endswith("integration"):
        return "integration"
    return "budget" if kind == "snowflake.core.budget" else kind


def identifier(name: str) -> str:
    """Return the last part of a name as Snowflake stores it: unquoted is upper case."""
    return parts(name)[-1]


def parts(name: str) -> list[str]:
    """Return the parts of a name as Snowflake stores them."""
    found = re.findall(r'"((?:[^"]|"")*)"|([\w$]+)', name.split("(")[0])
    return [quoted or bare.upper() for quoted, bare in found]


def signature(listed: str, has_names: bool = False) -> str:
    """Return the types in brackets that tell a function or procedure from its namesakes.

    has_names: each is a parameter's name and type, as a CREATE writes them.
    """
    inner = re.match(r"\s*\(((?:[^()]|\([^()]*\))*)\)", listed)
    if not inner:
        return ""
    types = []
    for one in re.split(r",(?![^()]*\))", inner[1]):
        words = one.split()
        if words:
            kind = (words[1] if has_names else words[0]).split("(")[0].upper()
            types.append(TYPES.get(kind, kind))
    return f"({', '.join(types)})"


def option(sql: str, name: str) -> str | None:
    """Return an option's value, `name = 'value'` or `name = value`, before the quoted body."""
    head = QUOTED_BODY.split(plain(sql))[0]
    found = re.search(rf"\b{name}\s*=\s*(?:'((?:[^']|'')*)'|([\w$.]+))", head, re.I)
    return None if not found else (found[1] if found[1] is not None else found[2])


def creates(sql: str, kinds: tuple[str, ...], name: str | None = None) -> bool:
    """Tell whether a statement creates an object of these kinds, or the one of that name."""
    created = create_of(sql)
    return bool(created) and created.kind in kinds and name in (None, created.name)
