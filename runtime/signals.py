"""Ending in order when the operating system asks for it."""

import _thread
import signal
import threading


def stop_on_signals() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set, so that the work at hand is done before the end.

    Works in the main thread only.
    """
    stop = threading.Event()

    def end(*_: object) -> None:
        # The main thread may have the event's own lock just now, and goes on when this returns: to
        # wait for it here would be forever.
        _thread.start_new_thread(stop.set, ())

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    return stop
