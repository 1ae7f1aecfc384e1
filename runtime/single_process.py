"""One process for one thing: a second one says who holds it, and waits until that one ends."""

import json
import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from filelock import FileLock, Timeout

from runtime.errors import UserError
from runtime.private_files import write_whole

_LOOK_SECONDS = 0.2

_log = logging.getLogger(__name__)


@contextmanager
def single_process(folder: Path, name: str, told: str, stop: threading.Event) -> Iterator[bool]:
    """Hold `name` in that folder while the context is open; yield False if `stop` came first.

    Who finds it held says `told`, for example "topic t is being loaded", and by whom.
    The operating system lets go of it when the process ends, however it ends. Raises UserError
    when the folder cannot be written.
    """
    lock, holder = FileLock(folder / f"{name}.lock"), folder / f"{name}.holder"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_held = _acquire(lock, holder, told, stop)
        if is_held:
            write_whole(holder, json.dumps(this_process()).encode())
    except OSError as error:
        lock.release()
        raise UserError(
            f"this process cannot be registered in {folder}: {error.strerror or error}"
        ) from error
    try:
        yield is_held
    finally:
        lock.release()


def _acquire(lock: FileLock, holder: Path, told: str, stop: threading.Event) -> bool:
    has_told = False
    while not stop.is_set():
        try:
            lock.acquire(timeout=0)
            return True
        except Timeout:
            if not has_told:
                _log.warning("%s by %s: waiting until it ends", told, who_holds(holder))
                has_told = True
        stop.wait(_LOOK_SECONDS)
    return False


def this_process() -> dict[str, str]:
    """Return what tells this process from others, for whoever waits for it."""
    return {
        "process": str(os.getpid()),
        "host": socket.gethostname(),
        "since": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def who_holds(holder: Path) -> str:
    """Return which process a file names that this_process() was written to."""
    try:
        said = json.loads(holder.read_text(encoding="utf-8"))
        return f"process {said['process']} on {said['host']} since {said['since']}"
    except (OSError, ValueError, KeyError):  # it has only just begun
        return "another process"
