"""How much memory a program takes, with the processes that it starts; Linux only."""

import subprocess
import time
from pathlib import Path

_SECONDS_BETWEEN_LOOKS = 0.02


def peak_kilobytes(process: subprocess.Popen) -> int:
    """Wait for a process; return the peak of its resident memory plus those of its children.

    Pages that they share are counted for each of them, so the truth lies below.
    """
    # Not getrusage: its peak includes that of the process which started this one.
    peaks: dict[str, int] = {}
    while process.poll() is None:
        for number in (str(process.pid), *_children(process.pid)):
            # It grows only, but for a child that was just forked: that still has its parent's.
            if kilobytes := peak(number):
                peaks[number] = kilobytes
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    return sum(peaks.values())


def _children(number: int) -> list[str]:
    lists = Path(f"/proc/{number}/task").glob("*/children")
    return [child for path in lists for child in _read(path).split()]


def peak(number: str | int) -> int:
    """Return the peak of a process's resident memory so far, in kilobytes; 0 if it has ended."""
    _, _, rest = _read(Path(f"/proc/{number}/status")).partition("VmHWM:")
    return int(rest.split()[0]) if rest else 0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return ""
