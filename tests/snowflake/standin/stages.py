"""Files on the stages of the stand-in: what PUT, LIST, REMOVE and COPY INTO a stage do there.

The connector itself copies the files of a PUT, to where the account says.
"""

import re
import shutil
from pathlib import Path

from tests.snowflake.standin.register import Refused, Register
from tests.snowflake.standin.statements import identifier, one_line

_PUT = re.compile(r"put '?file://(?P<file>[^']+?)'? @(?P<place>\S+)(?P<rest>.*)", re.I)
_LIST = re.compile(r"(?:list|ls) @(?P<place>\S+)", re.I)
_REMOVE = re.compile(r"(?:remove|rm) @(?P<place>\S+)", re.I)
_UNLOAD = re.compile(r"copy into @(?P<place>\S+) from", re.I)


class Stages:
    """A folder for each stage."""

    def __init__(self, register: Register, folder: Path) -> None:
        self._register, self._folder = register, folder

    def put(self, sql: str) -> dict | None:
        """Return what tells the connector to copy files onto a stage, for a PUT."""
        found = _PUT.match(one_line(sql))
        if not found:
            return None
        place = self._place(found["place"])
        place.mkdir(parents=True, exist_ok=True)
        return {
            "command": "UPLOAD",
            "src_locations": [found["file"]],
            "stageInfo": {"locationType": "LOCAL_FS", "location": f"{place}/", "creds": {}},
            "parallel": 4,
            "autoCompress": "auto_compress = false" not in found["rest"].lower(),
            "sourceCompression": "auto_detect",
            "overwrite": "overwrite = true" in found["rest"].lower(),
        }

    def answer(self, sql: str) -> str | None:
        """Return SQL that answers LIST, REMOVE, and COPY INTO a stage."""
        text = one_line(sql)
        if found := _LIST.match(text):
            stage = self._place(found["place"])
            files = [file for file in sorted(stage.rglob("*")) if file.is_file()]
            names = [file.relative_to(stage.parent).as_posix() for file in files]
            return " union all ".join(
                f"select '{name}' as \"name\", {file.stat().st_size} as \"size\""
                for name, file in zip(names, files, strict=True)
            ) or 'select null as "name", null as "size" where 1 = 0'  # fmt: skip
        if found := _REMOVE.match(text):
            shutil.rmtree(self._place(found["place"]), ignore_errors=True)
            return "select 'removed' as \"result\""
        if found := _UNLOAD.match(text):
            file = self._place(found["place"])
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text.split(" from ", 1)[1])
            return "select 1 as \"rows_unloaded\""
        return None

    def _place(self, name: str) -> Path:
        stage, _, path = name.partition("/")
        if self._register.get("stage", stage) is None:
            raise Refused("002003", f"Stage '{stage}' does not exist or not authorized.")
        return self._folder / identifier(stage).lower() / path
