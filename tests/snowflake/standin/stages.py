"""Files on the stages of the stand-in: what PUT, LIST, REMOVE and COPY INTO a stage do there.

The connector itself copies the files of a PUT, to where the account says.
"""

import re
import shutil
from pathlib import Path

from tests.snowflake.standin.access import Access
from tests.snowflake.standin.refused import Refused
from tests.snowflake.standin.register import Register
from tests.snowflake.standin.session import Session

_PUT = re.compile(r"put '?file://(?P<file>[^']+?)'? @(?P<place>\S+)(?P<rest>.*)", re.I)
_LIST = re.compile(r"(?:list|ls) @(?P<place>\S+)", re.I)
_REMOVE = re.compile(r"(?:remove|rm) @(?P<place>\S+)", re.I)
_UNLOAD = re.compile(r"copy into @(?P<place>\S+) from (?P<rows>.*)", re.I)
IMPORT = re.compile(r"'@([\w.$\"]+)/([^']+)'")


class Upload(Exception):
    """A PUT: the answer that makes the connector copy the files to the stage's folder."""

    def __init__(self, data: dict) -> None:
        super().__init__("PUT")
        self.data = data

    def copy(self) -> None:
        """Do what the connector does, where there is none."""
        for pattern in self.data["src_locations"]:
            for file in Path(pattern).parent.glob(Path(pattern).name):
                shutil.copy(file, self.data["stageInfo"]["location"])


class Stages:
    """A folder for each stage."""

    def __init__(self, register: Register, access: Access, folder: Path) -> None:
        self._register, self._access, self.folder = register, access, folder

    def answer(self, session: Session, text: str) -> str | None:
        """Return SQL that answers LIST, REMOVE, and COPY INTO a stage; raises Upload for a PUT."""
        if found := _PUT.match(text):
            raise Upload(self._put(session, found))
        if found := _LIST.match(text):
            place = self._place(session, found["place"], "READ")
            files = [file for file in sorted(place.rglob("*")) if file.is_file()]
            names = [file.relative_to(place.parent).as_posix() for file in files]
            return " union all ".join(
                f"select '{name}' as \"name\", {file.stat().st_size} as \"size\""
                for name, file in zip(names, files, strict=True)
            ) or 'select null as "name", null as "size" where 1 = 0'  # fmt: skip
        if found := _REMOVE.match(text):
            shutil.rmtree(self._place(session, found["place"], "WRITE"), ignore_errors=True)
            return "select 'removed' as \"result\""
        if found := _UNLOAD.match(text):
            self._access.check(session, "call it()")  # it needs a warehouse
            file = self._place(session, found["place"], "WRITE")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(found["rows"])
            return 'select 1 as "rows_unloaded"'
        return None

    def demand_imports(self, session: Session, sql: str) -> list[Path]:
        """Return the files that a function or procedure imports.

        Refuses those that are on no stage, or on another's.
        """
        imports = []
        for stage, file in IMPORT.findall(sql):
            imports.append(self._place(session, f"{stage}/{file}", "READ"))
            if not imports[-1].exists():
                raise Refused(
                    "091016", f"SQL compilation error:\nRemote file '@{stage}/{file}' was not"
                    " found.", "22000",
                )  # fmt: skip
        return imports

    def _put(self, session: Session, found: re.Match) -> dict:
        place = self._place(session, found["place"], "WRITE")
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

    def _place(self, session: Session, name: str, privilege: str) -> Path:
        stage, _, path = name.partition("/")
        entry = self._register.demand("stage", stage, session)
        self._access.demand(session, privilege, entry)
        return self.folder / entry.full / path
