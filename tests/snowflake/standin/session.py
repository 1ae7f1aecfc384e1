"""A session: its role, warehouse, database and schema, as the login and USE have set them."""

from dataclasses import dataclass, field

USER = "STANDIN"


@dataclass
class Session:
    """What the statements of one connection are run with."""

    role: str
    secondary: tuple[str, ...] = ()
    warehouse: str | None = None
    database: str | None = None
    schema: str | None = None
    user: str = USER
    # Roles inside of a procedure with owner's rights: the owner's, and no secondary one.
    owner: str | None = None
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def active(self) -> tuple[str, ...]:
        """The roles whose privileges count."""
        return (self.owner,) if self.owner else (self.role, *self.secondary)
