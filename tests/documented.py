"""Tables of the documentation that are generated from what was asked of the engines."""

import re
from pathlib import Path
from typing import NamedTuple

from tests.dbt import PROJECT

DOCUMENT = PROJECT / "docs" / "security.md"


class Table(NamedTuple):
    """A generated table, between two comments that name it."""

    name: str
    document: Path = DOCUMENT

    def read(self) -> str:
        """Return the table as the document has it."""
        return self._place().search(self.document.read_text())[1].strip()

    def write(self, text: str) -> None:
        """Put the table into the document."""
        begin, end = f"<!-- {self.name}: generated -->", "<!-- end -->"
        content = self.document.read_text()
        self.document.write_text(self._place().sub(lambda _: f"{begin}\n{text}\n{end}", content))

    def _place(self) -> re.Pattern:
        return re.compile(f"<!-- {self.name}: generated -->\n(.*?)\n?<!-- end -->", re.S)


def alike(cells: dict[str, tuple[str, ...]]) -> dict[tuple[str, ...], list[str]]:
    """Return names by what stands beside them, so that those with the same stand together."""
    found: dict[tuple[str, ...], list[str]] = {}
    for name, row in cells.items():
        found.setdefault(row, []).append(name)
    return found
