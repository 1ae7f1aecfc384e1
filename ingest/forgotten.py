"""Customers who were forgotten: known by a hash of their ids, dropped before anything is stored."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from ingest.contract_limits import contract_limits

FORGOTTEN = "select salt, id_hash from forgotten_customers"
# What may be an id in a message that breaks the contract: texts in quotes, and words.
_QUOTED, _WORD = re.compile(rb'"([^"]{1,256})"'), re.compile(rb'[^\s",;:{}\[\]]{1,256}')


@dataclass(frozen=True)
class Forgotten:
    """The hashes of forgotten ids, by the salt that they were made with: one, or none at all."""

    hashes: dict[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of_rows(cls, rows: Iterable[tuple[str, str]]) -> "Forgotten":
        """Return what the query FORGOTTEN gave."""
        found: dict[str, set[str]] = {}
        for salt, id_hash in rows:
            found.setdefault(salt, set()).add(id_hash)
        return cls({salt: frozenset(hashes) for salt, hashes in found.items()})

    def is_forgotten(self, customer_id: str) -> bool:
        """Tell whether an id is a forgotten customer's, as macros/privacy/is_forgotten.sql does."""
        return any(
            hashlib.sha256((salt + customer_id).encode()).hexdigest() in hashes
            for salt, hashes in self.hashes.items()
        )

    def kept(self, events: pa.Table) -> pa.Table:
        """Return the events (EVENTS_SCHEMA) that name no forgotten customer."""
        if not self.hashes or not len(events):
            return events
        gone = self._among(events["customer_id"])
        is_gone = pc.is_in(events["customer_id"], pa.array(gone, pa.string()))
        is_merge = pc.is_in(
            events["event_type"], pa.array([*contract_limits().merge_types], pa.string())
        )
        if pc.any(is_merge).as_py():
            payloads = pc.if_else(is_merge, events["payload"], None).to_pylist()
            names_one = [one is not None and self._merges_one(one) for one in payloads]
            is_gone = pc.or_(is_gone, pa.array(names_one))
        return events.filter(pc.invert(is_gone)) if pc.any(is_gone).as_py() else events

    def kept_rejected(self, rejected: pa.Table) -> pa.Table:
        """Return the rejected messages (REJECTED_SCHEMA) in which no forgotten id stands."""
        if not self.hashes or not len(rejected):
            return rejected
        is_kept = [not self._is_named(one) for one in rejected["message"].to_pylist()]
        return rejected.filter(pa.array(is_kept, pa.bool_()))

    def _among(self, customers: pa.ChunkedArray) -> list[str]:
        return [one for one in pc.unique(customers).to_pylist() if self.is_forgotten(one)]

    def _merges_one(self, payload: str) -> bool:
        merged = (msgspec.json.decode(payload).get("properties") or {}).get("merged_id")
        return isinstance(merged, str) and self.is_forgotten(merged)

    def _is_named(self, message: bytes | None) -> bool:
        if message is None:
            return False
        candidates = {*_QUOTED.findall(message), *_WORD.findall(message)}
        texts = (one.decode("utf-8", "replace") for one in candidates)
        return any(self.is_forgotten(text) for text in texts)
