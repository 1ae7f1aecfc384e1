"""The command line of ingest/: load, replay, simulate."""

import argparse
import sys
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path

from embedded.database import LakeError
from ingest.errors import IngestError
from ingest.loader import load, stop_on_signals
from ingest.options import parse
from ingest.progress import progress
from ingest.publisher import send
from ingest.replay import replay
from ingest.simulate import Faults, messages, simulate
from ingest.sinks import open_sink


def main() -> int:
    """Run one command; return 0, or 1 after one line on what is wrong, or 130 after Ctrl-C."""
    arguments = parse()
    try:
        _COMMANDS[arguments.command](arguments)
    except (IngestError, LakeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        return 130
    return 0


def _load(arguments: argparse.Namespace) -> None:
    stop = stop_on_signals()
    sink = open_sink(arguments.into)
    try:
        with progress(f"loading {arguments.topic}") as report:
            summary = load(
                sink,
                arguments.bootstrap_servers,
                arguments.topic,
                until_end=arguments.until_end,
                recreated=arguments.recreated,
                skip_lost=arguments.skip_lost,
                batch_rows=arguments.batch_rows,
                linger_seconds=arguments.linger_seconds,
                stop=stop,
                on_progress=lambda so_far: report(so_far.accepted + so_far.rejected),
            )
    finally:
        sink.close()
    sys.stdout.write(
        f"loaded {summary.accepted:,} events, rejected {summary.rejected:,},"
        f" in {summary.seconds:.1f} s ({summary.rate:,.0f} events/s)\n"
    )


def _replay(arguments: argparse.Namespace) -> None:
    with progress(f"replaying to {arguments.topic}") as report:
        sent = replay(
            arguments.files,
            arguments.bootstrap_servers,
            arguments.topic,
            rate=arguments.rate,
            shift_to_now=arguments.shift_to_now,
            partitions=arguments.partitions if arguments.create_topic else None,
            on_progress=report,
        )
    sys.stdout.write(f"replayed {sent:,} events to {arguments.topic}, all acknowledged\n")


def _simulate(arguments: argparse.Namespace) -> None:
    end = arguments.end or datetime.now(timezone.utc)
    events = simulate(arguments.customers, arguments.days, arguments.seed, end)
    faults = Faults(arguments.duplicates, arguments.out_of_order, arguments.malformed)
    made = messages(events, faults, arguments.seed)
    if arguments.output is not None:
        written = _write(arguments.output, made)
        sys.stdout.write(f"wrote {written:,} events to {arguments.output}\n")
        return
    with progress(f"simulating to {arguments.topic}") as report:
        sent = send(
            made,
            arguments.bootstrap_servers,
            arguments.topic,
            rate=arguments.rate,
            partitions=arguments.partitions if arguments.create_topic else None,
            on_progress=report,
        )
    sys.stdout.write(f"sent {sent:,} events to {arguments.topic}, all acknowledged\n")


def _write(path: Path, made: Iterable[tuple[bytes, bytes]]) -> int:
    count = 0
    try:
        with path.open("wb") as file, progress(f"writing {path}") as report:
            for _, message in made:
                file.write(message + b"\n")
                count += 1
                report(count)
    except OSError as error:
        raise IngestError(f"{path} cannot be written: {error.strerror}") from error
    return count


_COMMANDS = {"load": _load, "replay": _replay, "simulate": _simulate}

if __name__ == "__main__":
    sys.exit(main())
