"""Reads a body of Snowflake Scripting, as it was sent, into its statements.

Read is what the project writes: blocks, variables, IF, SELECT … INTO, transactions, RETURN and
EXCEPTION. Whatever else stands in a body (a loop, a cursor) is refused, so that nothing is passed
over in silence. Every error here is one that Snowflake's own compiler would find.
"""

import re
from dataclasses import dataclass, field

from tests.snowflake.standin.statements import QUOTED_BODY, plain

TOKEN = re.compile(
    r"(?P<space>\s+|--[^\n]*|/\*.*?\*/)"
    r"|(?P<text>'(?:[^'\\]|''|\\.)*'|\"(?:[^\"]|\"\")*\"|\$\$.*?\$\$)"
    r"|(?P<word>[A-Za-z_][\w$]*)|(?P<sign>:=|::|=>|.)",
    re.S,
)
TYPE = (
    r"(?:varchar|string|text|integer|int|number|float|double|boolean|timestamp_ntz|timestamp|date|"
    r"variant|array|object|resultset)"
)
DECLARED = re.compile(
    rf"(?P<name>\w+)(?:\s+(?P<type>{TYPE})(?:\([\d, ]+\))?)?\s*(?:(?::=|default\b)(?P<value>.*))?",
    re.I | re.S,
)
INTO = re.compile(r"\binto\s+(:\w+(?:\s*,\s*:\w+)*)", re.I)
NOT_READ = {"for", "while", "repeat", "loop", "case", "open", "fetch", "close", "cancel", "await"}


class NoScript(Exception):
    """A body that Snowflake's compiler would refuse, or that is not read here."""


@dataclass
class Sql:
    """A statement for the engine, and the variables that its row goes into."""

    text: str
    into: tuple[str, ...] = ()


@dataclass
class Assign:
    """A variable's new value: an expression, or a query in brackets. LET makes the variable."""

    name: str
    value: str | None
    declares: bool = False
    is_resultset: bool = False


@dataclass
class If:
    """Conditions, each with what follows if it holds; ELSE is the condition TRUE."""

    branches: list[tuple[str, list["Node"]]]


@dataclass
class Return:
    """The end, with an expression, or with a table: TABLE(a variable)."""

    value: str


@dataclass
class Raise:
    """The error of the handler, once more."""


@dataclass
class Block:
    """DECLARE … BEGIN … EXCEPTION … END."""

    declared: list[Assign] = field(default_factory=list)
    statements: list["Node"] = field(default_factory=list)
    handler: list["Node"] | None = None


Node = Sql | Assign | If | Return | Raise | Block


def script_of(sql: str) -> Block:
    """Return the body of a task, procedure or EXECUTE IMMEDIATE, given the statement as sent.

    A task whose body is one bare statement (`as call p()`) is a block of it.
    """
    text = plain(sql)
    if body := QUOTED_BODY.search(text):
        return parse(body[1])
    if found := re.search(r"\bas\s+(call\b.*)$", text, re.I | re.S):
        return Block(statements=[Sql(found[1].strip())])
    raise NoScript(f"there is no body in: {text[:80]}")


def parse(body: str) -> Block:
    """Return a body's block; raises NoScript."""
    reader = _Reader(body)
    block = reader.block()
    if reader.peek() == ";":
        reader.take()
    if reader.peek() is not None:
        raise NoScript(f"after the last END stands: {reader.rest()[:80]}")
    return block


def statements(script: Node | list[Node]) -> list[Sql]:
    """Return all statements for the engine, in the order of the text."""
    if isinstance(script, list):
        return [one for node in script for one in statements(node)]
    if isinstance(script, Sql):
        return [script]
    if isinstance(script, Assign):
        return [Sql(unbracketed(script.value))] if reads(script.value) else []
    if isinstance(script, Block):
        return statements([*script.declared, *script.statements, *(script.handler or [])])
    if isinstance(script, If):
        return [one for _, nodes in script.branches for one in statements(nodes)]
    return []


def reads(expression: str | None) -> bool:
    """Whether an expression reads tables: then its evaluation is a statement of its own."""
    words = [text.lower() for kind, text in tokens(expression or "") if kind == "word"]
    return "select" in words


def tokens(text: str) -> list[tuple[str, str]]:
    """Return the pieces of a text with their kinds; joined they are the text."""
    return [(found.lastgroup, found[0]) for found in TOKEN.finditer(text)]


def unbracketed(expression: str) -> str:
    """Return a query without the brackets around it."""
    text = expression.strip()
    return text[1:-1].strip() if text.startswith("(") and text.endswith(")") else text


class _Reader:
    """Goes through the pieces of a body from left to right."""

    def __init__(self, body: str) -> None:
        self._tokens = tokens(body)
        self._place = 0

    def peek(self, ahead: int = 0) -> str | None:
        """Return the next word or sign in lower case; None at the end."""
        seen = 0
        for kind, text in self._tokens[self._place :]:
            if kind != "space":
                if seen == ahead:
                    return text.lower()
                seen += 1
        return None

    def take(self, *wanted: str) -> str:
        """Move past the next word or sign, which must be one of these if there are any."""
        self._pass_spaces()
        if self._place == len(self._tokens):
            raise NoScript(f"the body ends before {' or '.join(wanted) or 'it is complete'}")
        text = self._tokens[self._place][1]
        if wanted and text.lower() not in wanted:
            raise NoScript(f"{' or '.join(wanted)} is missing before: {self.rest()[:80]}")
        self._place += 1
        return text

    def _pass_spaces(self) -> None:
        while self._place < len(self._tokens) and self._tokens[self._place][0] == "space":
            self._place += 1

    def rest(self) -> str:
        return "".join(text for _, text in self._tokens[self._place :]).strip()

    def until(self, *ends: str) -> str:
        """Return the text up to one of these words or signs outside of brackets, and not them."""
        self._pass_spaces()
        start, depth = self._place, 0
        while self._place < len(self._tokens):
            kind, text = self._tokens[self._place]
            if depth == 0 and kind in ("word", "sign") and text.lower() in ends:
                return "".join(text for _, text in self._tokens[start : self._place]).strip()
            depth += {"(": 1, ")": -1}.get(text, 0) if kind == "sign" else 0
            self._place += 1
        found = "".join(text for _, text in self._tokens[start:])
        raise NoScript(f"there is no {' or '.join(ends)} after: {found[:80]}")

    def block(self) -> Block:
        block = Block()
        if self.peek() == "declare":
            self.take()
            while self.peek() != "begin":
                block.declared.append(self._declaration(self.until(";")))
                self.take(";")
        self.take("begin")
        block.statements = self.statements("exception", "end")
        if self.peek() == "exception":
            self.take()
            self.take("when")
            self.take("other")
            self.take("then")
            block.handler = self.statements("end")
        self.take("end")
        if not block.statements:
            raise NoScript("a block needs a statement")
        return block

    def statements(self, *ends: str) -> list[Node]:
        found: list[Node] = []
        while self.peek() not in (*ends, None):
            found.append(self.statement())
            self.take(";")
        return found

    def statement(self) -> Node:
        first, second = self.peek(), self.peek(1)
        if first == "declare" or (first == "begin" and second not in ("transaction", ";", None)):
            return self.block()
        if first == "begin" and second == ";":
            raise NoScript("in a body BEGIN opens a block: write BEGIN TRANSACTION")
        if first == "if":
            return self._if()
        if first in NOT_READ:
            raise NoScript(f"the stand-in does not read {first.upper()}: {self.rest()[:80]}")
        text = self.until(";")
        if first == "let":
            return self._declaration(re.sub(r"^let\s+", "", text, flags=re.I))
        if second == ":=":
            return Assign(first, text.split(":=", 1)[1].strip())
        if first == "return":
            return Return(text[len("return") :].strip())
        if first == "raise":
            return Raise()
        if not text:
            raise NoScript("there is a semicolon without a statement")
        return _sql(text)

    def _if(self) -> If:
        branches = []
        word = self.take("if")
        while word.lower() in ("if", "elseif"):
            condition = self.until("then")
            if not condition.startswith("("):
                raise NoScript(f"a condition stands in brackets: {condition}")
            self.take("then")
            branches.append((condition, self.statements("elseif", "else", "end")))
            word = self.take("elseif", "else", "end")
        if word.lower() == "else":
            branches.append(("true", self.statements("end")))
            self.take("end")
        self.take("if")
        return If(branches)

    @staticmethod
    def _declaration(text: str) -> Assign:
        found = DECLARED.fullmatch(text.strip())
        if not found or not (found["type"] or found["value"]):
            raise NoScript(f"this declares no variable: {text.strip()}")
        return Assign(
            found["name"].lower(), found["value"] and found["value"].strip(), True,
            (found["type"] or "").lower() == "resultset",
        )  # fmt: skip


def _sql(text: str) -> Sql:
    """Take the variables of SELECT … INTO out of a statement."""
    pieces = tokens(text)
    if pieces[0][1].lower() not in ("select", "with"):
        return Sql(text)
    for place, (kind, piece) in enumerate(pieces):
        if kind == "word" and piece.lower() == "into":
            before = "".join(one for _, one in pieces[:place])
            found = INTO.match("".join(one for _, one in pieces[place:]))
            if not found:
                raise NoScript(f"INTO needs variables with colons: {text[:80]}")
            names = re.findall(r":(\w+)", found[1].lower())
            after = "".join(one for _, one in pieces[place:])[found.end() :]
            return Sql(before + after, tuple(names))
    return Sql(text)
