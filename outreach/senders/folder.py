"""A folder of .eml files, for whoever sends them: each is there as a whole, and once."""

import glob
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

from outreach.senders import FAILED, HANDED_OVER, Delivery, Unavailable


class FolderSender:
    """Writes <alert id>.eml; a file that is there is never written again."""

    name = "folder"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def session(self) -> Iterator["FolderSender"]:
        """See to it that the folder is there; raises Unavailable."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"{self._folder} cannot be written: {error.strerror}") from error
        yield self

    def hand_over(self, message: EmailMessage, alert_id: str) -> Delivery:
        """Write the file under a name that nobody knows, then link it to its own: all or nothing.

        Nothing is written through a link, and a link is no message that was handed over.
        """
        path, unfinished = self._path(alert_id), None
        try:
            handle, unfinished = tempfile.mkstemp(dir=self._folder, prefix=f".{alert_id}.")
            with open(handle, "wb") as file:  # noqa: PTH123 - mkstemp has opened it
                file.write(message.as_bytes())
            os.link(unfinished, path)
        except FileExistsError:
            if _is_file(path):
                return Delivery(HANDED_OVER, f"{path.name} was there already")
            return Delivery(FAILED, f"{path.name} is there and is no file: remove it")
        except OSError as error:
            return Delivery(FAILED, f"{path.name} cannot be written: {error.strerror}")
        finally:
            if unfinished is not None:
                Path(unfinished).unlink(missing_ok=True)
        return Delivery(HANDED_OVER, path.name)

    def find(self, alert_id: str) -> Delivery:
        """Look whether the file is there: it tells for certain. Remove what was not finished."""
        path = self._path(alert_id)
        for unfinished in self._unfinished(alert_id):
            unfinished.unlink(missing_ok=True)
        if _is_file(path):
            return Delivery(HANDED_OVER, path.name)
        return Delivery(FAILED, "the sender ended before it wrote the file")

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._folder

    def remove(self, alert_id: str) -> None:
        """Remove a message and what was not finished of it; raises OSError."""
        for file in [self._path(alert_id), *self._unfinished(alert_id)]:
            file.unlink(missing_ok=True)

    def _unfinished(self, alert_id: str) -> Iterator[Path]:
        return self._folder.glob(f".{glob.escape(alert_id)}.*")

    def _path(self, alert_id: str) -> Path:
        return self._folder / f"{alert_id}.eml"


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
