"""Python's own settings while millions of small objects pass through."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_OBJECTS_PER_COLLECTION = 50_000
_SWITCH_SECONDS = 0.001


@contextmanager
def busy_interpreter() -> Iterator[None]:
    """Let garbage gather and threads take turns quickly, as long as the context is open.

    At the usual pace the collector walks over every message under way again and again, for a
    quarter of the time; and a thread that commits waits five milliseconds for each of its turns.
    """
    threshold, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(max(threshold[0], _OBJECTS_PER_COLLECTION), *threshold[1:])
    sys.setswitchinterval(min(interval, _SWITCH_SECONDS))
    try:
        yield
    finally:
        gc.set_threshold(*threshold)
        sys.setswitchinterval(interval)
