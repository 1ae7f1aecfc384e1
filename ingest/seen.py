"""How often something has come before, among more rows than memory should hold."""

import numpy
import pyarrow as pa


class Seen:
    """Counts how often each 64-bit key has come; a key takes eight bytes.

    Keys are kept as a few sorted runs, each more than twice as long as the next one.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._runs: list[numpy.ndarray] = []
        self._counts: dict[int, int] = {}  # of keys that have come more than once

    def occurrences(self, keys: numpy.ndarray) -> numpy.ndarray:
        """Return for each key the how-manieth it is of its kind, from 1; note them all."""
        order = numpy.argsort(keys, kind="stable")
        in_order = keys[order]
        is_first = numpy.ones(len(keys), bool)
        is_first[1:] = in_order[1:] != in_order[:-1]
        starts = numpy.flatnonzero(is_first)
        lengths = numpy.diff(numpy.append(starts, len(keys)))
        ranks = numpy.arange(len(keys)) - numpy.repeat(starts, lengths) + 1
        distinct = in_order[starts]
        is_known = self._are_known(distinct)
        before = numpy.zeros(len(distinct), "int64")
        for at in numpy.flatnonzero(is_known):
            before[at] = self._counts.get(int(distinct[at]), 1)
        for at in numpy.flatnonzero(is_known | (lengths > 1)):
            self._counts[int(distinct[at])] = int(before[at] + lengths[at])
        self._add(distinct[~is_known])
        found = numpy.empty(len(keys), "int64")
        found[order] = ranks + numpy.repeat(before, lengths)
        return found

    def _are_known(self, keys: numpy.ndarray) -> numpy.ndarray:
        known = numpy.zeros(len(keys), bool)
        for run in self._runs:
            places = numpy.minimum(numpy.searchsorted(run, keys), len(run) - 1)
            known |= run[places] == keys
        return known

    def _add(self, run: numpy.ndarray) -> None:
        if not len(run):
            return
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = numpy.sort(numpy.concatenate([self._runs.pop(), run]))
        self._runs.append(run)


def count_copies(seen: Seen, events: pa.Table) -> int:
    """Return how many of these events have come before, as the models tell events apart."""
    columns = (events[name].to_pylist() for name in ("event_id", "customer_id", "event_type"))
    keys = numpy.fromiter((hash(one) for one in zip(*columns, strict=True)), "int64", len(events))
    return int((seen.occurrences(keys) > 1).sum())
