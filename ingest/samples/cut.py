"""Cut the shipped sample from the whole of The Complete Journey, in the event contract.

The rule: the 300 households whose customer_id has the lowest MD5, so that no hand has picked them.
The source is anonymous: every household gets an invented profile, drawn from its customer_id.
"""

import argparse
import random
import sys
from pathlib import Path

import duckdb
import msgspec

from ingest.people import made_up_person
from ingest.samples import EVENTS, PROFILES
from runtime.errors import first_line

HOUSEHOLDS = 300
_SEGMENTS = ("budget", "standard", "premium")  # thirds of the households, by spend


def cut(source: Path) -> None:
    """Write the two files of the sample; raises duckdb.Error when the source has another shape."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(
            """
            create table sample as
            select * from read_parquet($source) where customer_id in (
                select customer_id from read_parquet($source)
                group by customer_id order by md5(customer_id) limit $households
            )
            """,
            {"source": str(source), "households": HOUSEHOLDS},
        )
        connection.execute(
            f"copy (from sample order by occurred_at, event_id) to '{EVENTS}'"
            " (format parquet, compression zstd, compression_level 19)"
        )
        households = connection.execute(
            """
            select
                customer_id,
                strftime(min(occurred_at), '%Y-%m-%dT%H:%M:%SZ') as first_seen_at,
                ntile(3) over (order by coalesce(sum(amount), 0), customer_id) as third
            from sample group by customer_id order by first_seen_at, customer_id
            """
        ).fetchall()
    lines = (msgspec.json.encode(_profile(*household)) + b"\n" for household in households)
    PROFILES.write_bytes(b"".join(lines))


def _profile(customer_id: str, first_seen_at: str, third: int) -> dict:
    chance = random.Random(customer_id)  # noqa: S311 - invented people, not secrets
    return {
        "event_id": f"profile-{customer_id}",
        "customer_id": customer_id,
        "event_type": "profile_updated",
        "occurred_at": first_seen_at,
        "properties": made_up_person(chance, customer_id, _SEGMENTS[third - 1]),
    }


def main() -> int:
    """Run the cut; return 0, or 1 after one line on what is wrong."""
    parser = argparse.ArgumentParser(prog="python -m ingest.samples.cut", description=__doc__)
    parser.add_argument("source", type=Path, metavar="EVENTS.parquet")
    try:
        cut(parser.parse_args().source)
    except duckdb.Error as error:
        sys.stderr.write(f"the sample cannot be cut: {first_line(error)}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
