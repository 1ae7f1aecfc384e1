"""What a statement needs: objects that are there, privileges of the active roles, a warehouse.

As the pages of Snowflake's documentation on each command say, under "Access control requirements".
A statement is refused before anything of it is done. What two readings of the documentation leave
open, is refused.
"""

import re

from tests.snowflake.standin import grants
from tests.snowflake.standin.refused import (
    Refused,
    missing,
    no_such,
    no_time_travel,
    no_type,
    no_warehouse,
    not_allowed,
    not_your_role,
    other_kind,
)
from tests.snowflake.standin.register import ADMIN, RELATIONS, WITH_SIGNATURE, Entry, Register
from tests.snowflake.standin.session import Session
from tests.snowflake.standin.statements import (
    NAME,
    OF_THE_ACCOUNT,
    QUOTED_BODY,
    Create,
    one_line,
    option,
)

READ = re.compile(rf"\b(?:from|join|using)\s+({NAME})(?!\s*\()", re.I)
CALLED = re.compile(rf"({NAME})\s*\(", re.I)
WRITES = (
    (re.compile(rf"(?:insert\s+(?:overwrite\s+)?into)\s+({NAME})", re.I), ("INSERT",)),
    (re.compile(rf"update\s+({NAME})", re.I), ("UPDATE",)),
    (re.compile(rf"delete\s+from\s+({NAME})", re.I), ("DELETE",)),
    (re.compile(rf"truncate\s+(?:table\s+)?(?:if\s+exists\s+)?({NAME})", re.I), ("TRUNCATE",)),
    (re.compile(rf"merge\s+into\s+({NAME})", re.I), ("INSERT", "UPDATE")),
)
# Types of DuckDB's that Snowflake does not have.
NO_TYPE = re.compile(
    r"(?:\bas\s+|::\s*)(json|jsonb|hugeint|uhugeint|uinteger|ubigint|utinyint)\b", re.I
)
# What an account-wide privilege is for; the others are ACCOUNTADMIN's alone.
ON_ACCOUNT = ("database", "role", "user", "warehouse", "integration", "compute pool")
# ALTER … of these needs no more than OPERATE.
OPERATED = re.compile(r"(resume|suspend|refresh)\b", re.I)


class Access:
    """Asks the register whether a session may do what it says."""

    def __init__(self, register: Register) -> None:
        self._register = register

    # -- roles and privileges ---------------------------------------------------------------------
    def roles(self, session: Session) -> set[str]:
        """Return the active roles and all that they inherit."""
        return grants.inherited(session.active, self._register.grants)

    def may(self, session: Session, privilege: str, kind: str, full: str = "") -> bool:
        """Whether a privilege on an object was granted to an active role, or its owner is one."""
        roles = self.roles(session)
        entry = self._register.get(kind, full) if full else None
        if ADMIN in roles or (entry and entry.owner in roles):
            return True
        if privilege == "ANY" and "SECURITYADMIN" in roles:  # MANAGE GRANTS sees every object
            return True
        return any(
            one.grantee_name in roles
            and (one.granted_on, one.name) == (kind.upper(), full)
            and (one.privilege in (privilege, "ALL") or privilege == "ANY")
            for one in self._register.grants
        )

    def owns(self, session: Session, entry: Entry) -> bool:
        """Whether an active role owns an object, or may all."""
        return bool({ADMIN, entry.owner} & self.roles(session))

    def demand(self, session: Session, privilege: str, entry: Entry) -> None:
        """Refuse unless there is the privilege; who has none at all does not see the object."""
        if self.may(session, privilege, entry.kind, entry.full):
            return
        if privilege != "ANY" and self.may(session, "ANY", entry.kind, entry.full):
            raise not_allowed(entry.kind, entry.name)
        raise missing(entry.kind, entry.full)

    def demand_owner(self, session: Session, entry: Entry) -> None:
        if not self.owns(session, entry):
            raise not_allowed(entry.kind, entry.name)

    def demand_schema(self, session: Session, full: str) -> None:
        """Refuse unless database and schema of an object are there and may be used."""
        database, *rest = full.split("(")[0].split(".")
        for kind, name in (("database", database), ("schema", f"{database}.{rest[0]}")):
            entry = self._register.get(kind, name)
            if entry is None or not self.may(session, "ANY", kind, entry.full):
                raise missing(kind, name)

    def use_role(self, session: Session, role: str) -> None:
        """Refuse a role that the user does not have."""
        if self._register.get("role", role) is None:
            raise no_such(f"role {role}")
        of_user = {
            one.grantee_name: one.name for one in self._register.grants if one.granted_on == "USER"
        }
        if role not in grants.inherited((ADMIN, *of_user.values()), self._register.grants):
            raise not_your_role(role)

    def has_warehouse(self, session: Session) -> bool:
        """Whether the session's warehouse is there, for one of its roles."""
        return bool(
            session.warehouse
            and self._register.get("warehouse", session.warehouse)
            and self.may(session, "USAGE", "warehouse", session.warehouse)
        )

    # -- statements -------------------------------------------------------------------------------
    def check(self, session: Session, sql: str) -> None:
        """Refuse a query or DML statement that lacks a privilege or a warehouse."""
        text = re.sub(r"'(?:[^'\\]|''|\\.)*'", "''", one_line(QUOTED_BODY.sub("''", sql)))
        if found := NO_TYPE.search(text):
            raise no_type(found[1])
        for pattern, privileges in WRITES:
            if found := pattern.match(text):
                for privilege in privileges:
                    self._relation(session, found[1], privilege, must_be=True)
        self.reads(session, text)
        is_work = re.match(
            r"(insert|update|delete|merge|truncate|copy|call|execute immediate)\b", text, re.I
        )
        is_query = re.match(r"(select|with)\b", text, re.I) and re.search(r"\bfrom\b", text, re.I)
        is_filled = re.match(r"create (?:or replace )?(?:\w+ )?table .* as\b", text, re.I)
        if (is_work or is_query or is_filled) and not self.has_warehouse(session):
            raise no_warehouse()

    def reads(self, session: Session, text: str) -> None:
        """Refuse a text that reads or calls what no active role may."""
        for name in dict.fromkeys(READ.findall(text)):
            self._relation(session, name, "SELECT")
        for name in dict.fromkeys(CALLED.findall(text)):
            if "." in name and (entry := self._register.get("function", name, session)):
                self.demand(session, "USAGE", entry)

    def _relation(
        self, session: Session, written: str, privilege: str, must_be: bool = False
    ) -> None:
        for kind in (*RELATIONS, "stream"):
            try:
                entry = self._register.get(kind, written, session)
            except Refused:
                return  # a name of the query's own, or one that fakesnow refuses
            if entry is None:
                continue
            if not (entry.is_temporary and self.owns(session, entry)):
                self.demand_schema(session, entry.full)
                self.demand(session, privilege, entry)
            if entry.kind == "stream" and entry.is_stale:
                raise no_time_travel(entry.full)
            return
        if must_be:
            raise missing("object", written)

    def create(self, session: Session, created: Create, sql: str) -> None:
        """Refuse a CREATE without CREATE … on the schema, and a replaced object of another's."""
        register, kind = self._register, created.kind
        if kind in OF_THE_ACCOUNT:
            self._create_on_account(session, kind)
        else:
            container = register.full_name(kind, created.written, session).split(".")[:-1]
            holder = "schema" if len(container) == 2 else "database"
            full = ".".join(container)
            if holder == "schema":
                self.demand_schema(session, f"{full}.{created.name}")
            entry = register.demand(holder, full, session)
            privilege = {"budget": "CREATE SNOWFLAKE.CORE.BUDGET"}.get(
                kind, f"CREATE {kind.upper()}"
            )
            free = created.is_temporary and kind == "table"
            is_there = created.if_not_exists and register.get(kind, created.written, session)
            if not free and not is_there and not self.may(session, privilege, holder, full):
                raise not_allowed(holder, entry.name)
        head = QUOTED_BODY.sub("''", created.rest)
        there = register.get(kind, created.written, session) if kind not in WITH_SIGNATURE else None
        if there and (created.or_replace or created.or_alter):
            self.demand_owner(session, there)
        if kind in (*RELATIONS, "stream", "semantic view"):
            self.reads(session, re.sub(r"\bon\s+(dynamic table|table|view)\b", "from", head))
        if kind in ("dynamic table", "task", "alert"):
            for name in (option(sql, "warehouse"), option(sql, "initialization_warehouse")):
                if name:
                    self.demand(session, "USAGE", register.demand("warehouse", name, session))
        if kind == "task" and option(sql, "warehouse") is None:
            self._on_account(session, "EXECUTE MANAGED TASK")
        if kind == "streamlit":
            for name, option_name in (("warehouse", "query_warehouse"), ("compute pool",) * 2):
                if used := option(sql, option_name.replace(" ", "_")):
                    self.demand(session, "USAGE", register.demand(name, used, session))

    def _create_on_account(self, session: Session, kind: str) -> None:
        roles = self.roles(session)
        may = (
            (kind in ("role", "user") and "USERADMIN" in roles)
            or (kind in ("database", "warehouse") and "SYSADMIN" in roles)
            or (kind in ON_ACCOUNT and self.may(session, f"CREATE {kind.upper()}", grants.ACCOUNT))
        )
        if ADMIN not in roles and not may:
            raise not_allowed("account", "STANDIN")

    def _on_account(self, session: Session, privilege: str) -> None:
        if not self.may(session, privilege, grants.ACCOUNT):
            raise Refused(
                "003001",
                f"SQL access control error:\nRole has not been granted {privilege} on the account.",
                "42501",
            )

    def alter(self, session: Session, entry: Entry, action: str) -> None:
        """Refuse an ALTER by a role that does not own the object, nor may operate it."""
        is_operated = OPERATED.match(action) and entry.kind not in ("table", "view")
        privilege = "MODIFY" if entry.kind in ("warehouse", "resource monitor") else "OWNERSHIP"
        self.demand(session, "OPERATE" if is_operated else privilege, entry)
        if entry.kind == "task" and action.lower().startswith("resume"):
            owner = Session(entry.owner)
            self._on_account(owner, "EXECUTE TASK")
            if option(entry.text, "warehouse") is None:
                self._on_account(owner, "EXECUTE MANAGED TASK")
        if entry.kind == "alert" and action.lower().startswith("resume"):
            self._on_account(Session(entry.owner), "EXECUTE ALERT")
            if option(entry.text, "warehouse") is None:
                self._on_account(Session(entry.owner), "EXECUTE MANAGED ALERT")
        if found := re.search(rf"(row access|masking) policy ({NAME})", action, re.I):
            policy = self._register.demand(f"{found[1].lower()} policy", found[2], session)
            self.demand(session, "APPLY", policy)

    def drop(self, session: Session, kind: str, written: str, if_exists: bool) -> bool:
        """Refuse a DROP of what is not there or another's; False if there is nothing to drop."""
        try:
            entry = self._register.get(kind, written, session)
            if entry is None and kind in RELATIONS:
                for other in RELATIONS:
                    if found := self._register.get(other, written, session):
                        raise other_kind(found.full, other, kind)
        except Refused as refused:
            if if_exists and refused.code.startswith("0901"):
                return False
            raise
        if entry is None:
            if if_exists:
                return False
            raise missing(kind, written)
        self.demand_owner(session, entry)
        return True

    def grant(self, session: Session, said: grants.Said) -> list[Entry]:
        """Refuse a GRANT on or to what is not there, or by who may not; return the objects."""
        register, roles = self._register, self.roles(session)
        if said.grantee_kind == "role" and register.get("role", said.grantee) is None:
            raise missing("role", said.grantee)
        for privilege in said.privileges:
            if not said.is_of_caller and said.kind != "role" and grants.invalid(
                said.kind, privilege
            ):  # fmt: skip
                raise Refused(
                    "003008",
                    f"SQL compilation error:\nInvalid object type '{said.kind.upper()}' for"
                    f" privilege '{privilege}'",
                )
        manages = bool({ADMIN, "SECURITYADMIN"} & roles) or self.may(
            session, "MANAGE GRANTS", grants.ACCOUNT
        )
        if said.kind == grants.ACCOUNT or (said.is_of_caller and said.which):
            if not manages:
                raise not_allowed("account", "STANDIN")
            objects: list[Entry] = []
        elif said.kind == "database role":
            objects = []  # those that Snowflake comes with
        elif said.which:
            kind = "schema" if len(said.name.split(".")) == 2 else "database"
            holder = register.demand(kind, said.name, session)
            if not manages and not self.owns(session, holder):
                raise not_allowed(kind, holder.name)
            objects = register.of(said.kind, holder.full) if said.which == "all" else []
        else:
            objects = [register.demand(said.kind, said.name, session)]
        for entry in objects:
            if not manages and not self.owns(session, entry):
                raise not_allowed(entry.kind, entry.name)
            others = [one for one in register.granted_on(entry) if one.grantee_name != said.grantee]
            if "OWNERSHIP" in said.privileges and others and "current grants" not in said.rest:
                raise Refused(
                    "003541",
                    "SQL execution error:\nDependent grant of privilege"
                    f" '{others[0].privilege}' on securable '{entry.full}' to role"
                    f" '{others[0].grantee_name}' exists. It must be revoked first, or say REVOKE"
                    " or COPY CURRENT GRANTS.",
                    "23001",
                )
        return objects
