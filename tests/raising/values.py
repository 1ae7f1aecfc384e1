"""What is known of an expression's value for every row: its kind, and between which bounds it lies.

Bounds are those of interval arithmetic. What they say is true of all rows, whatever a row holds; a
bound of infinity says that nothing is known.
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, inf, log2, log10

from sqlglot import exp

# No table holds more rows, so no count is greater.
MOST_ROWS = 10**12
# The loader reads RFC 3339, whose years have four digits; days since 1970.
FIRST_DAY, LAST_DAY = -719162, 2932896
# What a DATE and a TIMESTAMP of DuckDB reach, in days; Snowflake's reach as far as any year above.
DATE_LIMIT, MOMENT_LIMIT = 2.1e9, 1.06e8
# A float that is as large as this has no neighbour a half away, and is not infinite yet.
FINITE = 1.7e308

NUMBERS = ("whole", "decimal", "double")
TIMES = ("date", "moment")


Bound = int | float | Fraction  # exact for exact types


@dataclass(frozen=True)
class Value:
    """What an expression gives. `limit` is the first number that its type cannot hold, if there is
    one: that of 64 bits is 2 ** 63. What is known to be rounded is a multiple of `step`.
    """

    kind: str
    low: Bound = -inf
    high: Bound = inf
    may_be_nan: bool = False
    may_be_null: bool = True
    is_zero_excluded: bool = False
    is_constant: bool = False  # a literal: whether it converts, no row decides
    is_count: bool = False  # of rows: such counts added up count rows again
    limit: Bound = inf
    scale: int = 0
    step: Bound = 0

    @property
    def is_number(self) -> bool:
        return self.kind in NUMBERS

    @property
    def is_ordered(self) -> bool:
        """Its bounds say something."""
        return self.is_number or self.kind in TIMES

    @property
    def is_bounded(self) -> bool:
        """Neither infinite nor NaN."""
        return self.low >= -FINITE and self.high <= FINITE and not self.may_be_nan

    @property
    def grain(self) -> Bound:
        """Of what it is a multiple; 0 where that is not known."""
        return 1 if self.kind == "whole" else self.step

    @property
    def fits(self) -> bool:
        """Its type holds it."""
        return self.kind == "double" or (-self.limit <= self.low and self.high < self.limit)

    @property
    def excludes_zero(self) -> bool:
        return self.is_zero_excluded or self.low > 0 or self.high < 0

    def within(self, low: Bound, high: Bound, **changes: object) -> "Value":
        """Return the same value, known to lie between these bounds as well."""
        result = replace(self, low=max(self.low, low), high=min(self.high, high), **changes)
        if result.kind == "whole" and result.is_zero_excluded and result.low == 0:
            result = replace(result, low=1)
        if result.low > result.high:  # which no row reaches
            result = replace(result, high=result.low)
        return result


UNKNOWN = Value("unknown")
NULL = Value("null", 0, 0)
TEXT = Value("text")
JSON = Value("json")
BOOLEAN = Value("boolean")
COUNT = Value("whole", 0, MOST_ROWS, may_be_null=False, is_count=True, limit=2**63)
DOUBLE = Value("double", may_be_nan=True)
DATE = Value("date", FIRST_DAY, LAST_DAY)
MOMENT = Value("moment", FIRST_DAY, LAST_DAY + 1)
# Whatever the clock says while the project is used.
NOW = Value("moment", 0, 100_000, may_be_null=False)

_WHOLE_BITS = {
    "TINYINT": 7, "SMALLINT": 15, "INT": 31, "BIGINT": 63, "INT128": 127,
    "UTINYINT": 8, "USMALLINT": 16, "UINT": 32, "UBIGINT": 64, "UINT128": 128,
}  # fmt: skip
_OTHERS = {
    "VARCHAR": TEXT, "TEXT": TEXT, "CHAR": TEXT, "NVARCHAR": TEXT,
    "JSON": JSON, "VARIANT": JSON, "OBJECT": JSON,
    "BOOLEAN": BOOLEAN, "DOUBLE": DOUBLE, "FLOAT": DOUBLE, "DATE": DATE,
    "TIMESTAMP": MOMENT, "TIMESTAMPNTZ": MOMENT, "TIMESTAMPTZ": MOMENT, "TIMESTAMPLTZ": MOMENT,
    "DATETIME": MOMENT, "INTERVAL": Value("interval"), "BLOB": Value("bytes"),
    "BINARY": Value("bytes"), "VARBINARY": Value("bytes"),
}  # fmt: skip


def of_type(data_type: exp.DataType, dialect: str) -> Value:
    """Return what is known of a value of an SQL type."""
    name = data_type.this.value
    if name in _WHOLE_BITS:
        # Snowflake knows one type for all of them, NUMBER(38, 0).
        limit = 2 ** _WHOLE_BITS[name] if dialect == "duckdb" else 10**38
        least = 0 if name.startswith("U") else -limit
        return Value("whole", least, limit - 1, limit=limit, step=1)
    if name in ("DECIMAL", "BIGDECIMAL"):
        default = (18, 3) if dialect == "duckdb" else (38, 0)
        given = [int(one.this.this) for one in data_type.expressions]
        digits, scale = given if len(given) == 2 else (*given, 0) if given else default
        return of_decimal(digits, scale)
    return _OTHERS.get(name, UNKNOWN)


def of_column(data_type: exp.DataType, dialect: str) -> Value:
    """Return what is known of a stored column, by its type on DuckDB.

    Whole numbers are as wide on Snowflake, whose type has room for more: what is loaded are Kafka's
    numbers, and what is written are counts.
    """
    narrow, value = of_type(data_type, "duckdb"), of_type(data_type, dialect)
    return replace(narrow, limit=value.limit) if value.kind == "whole" else value


def of_decimal(digits: int, scale: int) -> Value:
    """Return what is known of a DECIMAL(digits, scale)."""
    limit, step = 10 ** (digits - scale), Fraction(1, 10**scale)
    return Value("decimal" if scale else "whole", step - limit, limit - step,
                 limit=limit, scale=scale, step=step)  # fmt: skip


def of_literal(literal: exp.Literal) -> Value:
    """Return a literal's value; DuckDB's whole ones are 32 bits wide where that is enough."""
    if literal.is_string:
        return replace(TEXT, is_constant=True, may_be_null=False)
    text = literal.this.lower()
    fixed = {"may_be_null": False, "is_constant": True, "is_count": text in ("0", "1")}
    if "e" in text:
        return Value("double", float(text), float(text), **fixed)
    number = Fraction(text)
    if "." in text:
        scale = len(text.partition(".")[2])
        limit = 10 ** max(len(text) - 1 - scale, 1)
        return Value("decimal", number, number, limit=limit, scale=scale, **fixed)
    limit = 2**31 if number < 2**31 else 2**63
    return Value("whole", int(number), int(number), limit=limit, **fixed)


def hull(values: list[Value]) -> Value:
    """Return what is known of a value that is one of these; `mixed` where no type has them all."""
    kinds = {value.kind for value in values} - {"null"}
    of_rows = [value for value in values if value.kind != "null"]
    if not of_rows:
        return NULL
    if len(kinds) > 1 and kinds <= set(NUMBERS):
        kinds = {"double" if "double" in kinds else "decimal"}
    elif kinds == set(TIMES):
        kinds = {"moment"}
    return Value(
        kinds.pop() if len(kinds) == 1 else "unknown" if "unknown" in kinds else "mixed",
        min(value.low for value in of_rows),
        max(value.high for value in of_rows),
        may_be_nan=any(value.may_be_nan for value in of_rows),
        may_be_null=any(value.may_be_null for value in values),
        is_zero_excluded=all(value.excludes_zero for value in of_rows),
        is_constant=all(value.is_constant for value in of_rows),
        is_count=all(value.is_count for value in of_rows),
        limit=max(value.limit for value in of_rows),
        scale=max(value.scale for value in of_rows),
    )


def calculate(operator: str, one: Value, other: Value, dialect: str) -> Value:
    """Return one + - * / other, for numbers; `limit` is that of the type of the result."""
    right = _reciprocals(other) if operator == "/" else (other.low, other.high)
    corners = [_corner(operator, left, end) for left in (one.low, one.high) for end in right]
    low, high = min(corners), max(corners)
    kind, limit, scale = result_type(operator, one, other, dialect)
    is_nan = one.may_be_nan or other.may_be_nan
    if kind == "double":
        is_nan = is_nan or not (_is_finite(one) and _is_finite(other))
        low, high = (low if low >= -FINITE else -inf), (high if high <= FINITE else inf)
    return Value(
        kind, low, high,
        may_be_nan=is_nan and kind == "double",
        may_be_null=one.may_be_null or other.may_be_null,
        # But for numbers so small that a float has no room for them.
        is_zero_excluded=one.excludes_zero
        and ((operator == "*" and other.excludes_zero) or (operator == "/" and _is_finite(other))),
        limit=limit, scale=scale,
    )  # fmt: skip


def _reciprocals(value: Value) -> tuple[Bound, Bound]:
    """Return the bounds of 1 / value: next to zero a float may be as small as floats are."""
    if value.low > 0 or value.high < 0:
        return 1 / value.high, 1 / value.low
    largest = 1.0 if value.kind == "whole" and value.excludes_zero else inf
    return (-largest if value.low < 0 else 0.0), (largest if value.high > 0 else 0.0)


def _corner(operator: str, one: Bound, other: Bound) -> Bound:
    if operator in "*/":
        return _times(one, other)
    result = one + other if operator == "+" else one - other
    return result if result == result else one  # of infinity and its opposite: either


def _times(one: Bound, other: Bound) -> Bound:
    return 0 if one == 0 or other == 0 else one * other


def _is_finite(value: Value) -> bool:
    return -inf < value.low and value.high < inf


def _digits(value: Value) -> int:
    """Return how many digits a value has as a DECIMAL."""
    if value.kind == "whole" and not value.is_constant:
        return {7: 3, 15: 5, 31: 10, 63: 19}.get(round(log2(value.limit)), 38)
    limit = max(abs(value.low), 1) + 1 if value.kind == "whole" else value.limit
    return min(ceil(log10(limit)) + value.scale, 38)


def result_type(operator: str, one: Value, other: Value, dialect: str) -> tuple[str, Bound, int]:
    if "double" in (one.kind, other.kind) or (operator == "/" and dialect == "duckdb"):
        return "double", inf, 0
    if operator == "/":  # Snowflake adds six digits behind the point, up to twelve
        scale = max(one.scale, min(one.scale + 6, 12))
        return "decimal", 10 ** (38 - scale), scale
    scale = one.scale + other.scale if operator == "*" else max(one.scale, other.scale)
    kind = "decimal" if "decimal" in (one.kind, other.kind) else "whole"
    if dialect == "snowflake":
        return kind, 10 ** (38 - scale), scale
    if kind == "decimal":
        digits = _digits(one), _digits(other)
        width = sum(digits) if operator == "*" else scale + 1 + max(
            digits[0] - one.scale, digits[1] - other.scale
        )  # fmt: skip
        # DuckDB does not widen what was computed with 64 bits to 128, but watches it.
        most = 18 if max(digits) <= 18 else 38
        return kind, 10 ** max(min(width, most) - scale, 0), scale
    # A literal takes the width of what it meets, if it fits.
    for literal, met in ((one, other), (other, one)):
        if literal.is_constant and max(-literal.low, literal.high) < met.limit:
            return kind, met.limit, scale
    return kind, max(one.limit, other.limit), scale
