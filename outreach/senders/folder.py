"""A folder of .eml files, for whoever sends them: each is there as a whole, and once."""

import os
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
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"{self._folder} cannot be written: {error.strerror}") from error
        yield self

    def hand_over(self, message: EmailMessage, alert_id: str) -> Delivery:
        """Write the file under another name, then link it to its own: all of it, or nothing."""
        path, under_way = self._path(alert_id), self._folder / f".{alert_id}.{os.getpid()}"
        try:
            under_way.write_bytes(message.as_bytes())
            os.link(under_way, path)
        except FileExistsError:
            return Delivery(HANDED_OVER, f"{path.name} was there already")
        except OSError as error:
            return Delivery(FAILED, f"{path.name} cannot be written: {error.strerror}")
        finally:
            under_way.unlink(missing_ok=True)
        return Delivery(HANDED_OVER, path.name)

    def find(self, alert_id: str) -> Delivery:
        """Look whether the file is there: it tells for certain."""
        path = self._path(alert_id)
        if path.exists():
            return Delivery(HANDED_OVER, path.name)
        return Delivery(FAILED, "the sender ended before it wrote the file")

    def _path(self, alert_id: str) -> Path:
        return self._folder / f"{alert_id}.eml"
