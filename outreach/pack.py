"""What Snowflake imports: the part of this package that it needs, with the library that this part
needs, as a zip that is the same for the same files.

The library goes with it because an account's channel of packages may lack it, or have another
version, which would judge addresses in another way than the laptop does.
"""

import zipfile
from importlib import import_module
from pathlib import Path

_FILES = (
    "__init__.py",
    "addresses.py",
    "doubts.py",
    "letters.py",
    "names.py",
    "replies.py",
    "scripts.py",
    "sentences.py",
    "template.py",
)
# Plain Python both. dnspython, which the first also names, is imported only to ask whether a domain
# receives mail, and that is never asked.
_LIBRARIES = ("email_validator", "idna")
_OLDEST = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold


def pack(target: Path = Path("target")) -> Path:
    """Write outreach.zip into a folder and return its path."""
    target.mkdir(parents=True, exist_ok=True)
    path, folder = target / "outreach.zip", Path(__file__).parent
    files = {f"outreach/{name}": folder / name for name in _FILES}
    for library in _LIBRARIES:
        files |= _files_of(library)
    # Not compressed, because what comes of that depends on the version of zlib.
    with zipfile.ZipFile(path, "w") as archive:
        for name, file in files.items():
            archive.writestr(zipfile.ZipInfo(name, _OLDEST), file.read_bytes())
    return path


def _files_of(library: str) -> dict[str, Path]:
    """Return the modules of an installed package, by their names in the zip, in a fixed order."""
    folder = Path(str(import_module(library).__file__)).parent
    return {
        f"{library}/{file.relative_to(folder).as_posix()}": file
        for file in sorted(folder.rglob("*.py"))
    }
