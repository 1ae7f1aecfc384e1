"""Files that only their owner can read: they hold customers' data, mail and models.

A system without modes of files, such as Windows, protects them by the folder that they are in.
"""

import os
import stat
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from runtime.errors import UserError

_OF_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def keep_private() -> None:
    """Have this process create files and folders that nobody but its user can use."""
    os.umask(_OF_OTHERS)


def make_private(paths: Iterable[Path]) -> None:
    """Take from others what an earlier release let them do with files and folders of ours.

    A folder that was open to them is looked through. Links are left alone, and so are folders that
    are meant for everybody, such as /tmp.
    """
    for path in paths:
        if _take(path) and path.is_dir():
            with suppress(OSError):
                make_private(path.iterdir())


def make_folder_private(folder: Path) -> None:
    """Do the same with a folder alone, not with what is in it."""
    _take(folder.resolve())


def own_folder(folder: Path) -> Path:
    """Make a folder of our own where others can make some, too; raises UserError when it is theirs.

    Who owns the folder decides what is read and written under its name.
    """
    try:
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        found = folder.lstat()
    except OSError as error:
        raise UserError(f"{folder} cannot be used: {error.strerror}; set TMPDIR") from error
    if not stat.S_ISDIR(found.st_mode) or not _is_ours(found):
        raise UserError(f"{folder} is not a folder of this user: remove it, or set TMPDIR")
    _take(folder)
    return folder


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under a name that nobody knows, then give it its own: all of it, or nothing.

    A link that lies at the path is replaced, not followed. Raises OSError.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    unfinished = Path(name)
    try:
        with open(handle, "wb") as file:  # noqa: PTH123 - mkstemp has opened it
            file.write(content)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _take(path: Path) -> bool:
    """Take a file or folder of ours from others; return whether they could do anything with it."""
    try:
        found = path.lstat()
        is_open = bool(found.st_mode & _OF_OTHERS) and not found.st_mode & stat.S_ISVTX
        if os.name != "posix" or stat.S_ISLNK(found.st_mode) or not (is_open and _is_ours(found)):
            return False
        path.chmod(stat.S_IMODE(found.st_mode) & ~_OF_OTHERS)
    except OSError:  # it is gone, or its file system has no modes
        return False
    return True


def _is_ours(found: os.stat_result) -> bool:
    return os.name != "posix" or found.st_uid == os.geteuid()
