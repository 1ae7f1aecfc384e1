"""What an account refuses: Snowflake's codes, states and words."""


class Refused(Exception):
    """The account would refuse this statement."""

    def __init__(self, code: str, words: str, state: str = "42000") -> None:
        super().__init__(words)
        self.code, self.state = code, state


def missing(kind: str, name: str) -> Refused:
    """It is not there, or the role may not see it: an account does not say which."""
    return Refused(
        "002003",
        f"SQL compilation error:\n{kind.capitalize()} '{name}' does not exist or not authorized.",
        "02000",
    )


def exists(name: str) -> Refused:
    return Refused("002002", f"SQL compilation error:\nObject '{name}' already exists.", "42710")


def not_allowed(kind: str, name: str) -> Refused:
    """The role sees it and lacks the privilege."""
    return Refused(
        "003001",
        f"SQL access control error:\nInsufficient privileges to operate on {kind} '{name}'.",
        "42501",
    )


def other_kind(name: str, found: str, wanted: str) -> Refused:
    return Refused(
        "002203",
        f"SQL compilation error:\nObject found is of type '{found.upper()}', not specified type"
        f" '{wanted.upper()}'. ({name})",
        "42601",
    )


def no_warehouse() -> Refused:
    return Refused(
        "000606",
        "No active warehouse selected in the current session.  Select an active warehouse with the"
        " 'use warehouse' command.",
        "57P03",
    )


def no_current(what: str, action: str) -> Refused:
    """Neither the statement nor the session names a database or schema."""
    return Refused(
        "090105" if what == "database" else "090106",
        f"Cannot perform {action}. This session does not have a current {what}. Call 'USE"
        f" {what.upper()}', or use a qualified name.",
        "22000",
    )


def no_time_travel(name: str) -> Refused:
    """What changed since then is not kept: by the sources of a dynamic table, or for a stream."""
    return Refused(
        "000707",
        f"Time travel data is not available for {name}. The requested time is either beyond the"
        " allowed time travel period or before the object creation time.",
        "02000",
    )


def not_your_role(role: str) -> Refused:
    return Refused(
        "003013",
        f"SQL access control error:\nRequested role '{role}' is not assigned to the executing user."
        " Specify another role to activate.",
        "42501",
    )


def no_such(what: str) -> Refused:
    return Refused(
        "002043",
        "SQL compilation error:\nObject does not exist, or operation cannot be performed."
        f" ({what})",
        "02000",
    )


def no_type(name: str) -> Refused:
    return Refused("002040", f"SQL compilation error:\nUnsupported data type '{name.upper()}'.")
