"""The command line of ingest/: check, load, rejected, replay, simulate."""

import argparse
import logging
import sys
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from pathlib import Path

from ingest.committer import LoadSummary
from ingest.contract_limits import contract_limits
from ingest.dry_run import dry_run
from ingest.file_arguments import options_from
from ingest.file_check import check_files
from ingest.file_loader import load_file
from ingest.file_report import in_words
from ingest.files import EventFile
from ingest.loader import load
from ingest.logs import LoadLog, set_up_logs
from ingest.options import parse
from ingest.progress import progress
from ingest.publisher import send
from ingest.rejected import list_rejected, replay_rejected
from ingest.replay import replay
from ingest.simulate import Faults, Stay, messages, simulate
from ingest.sinks import Sink, open_sink
from ingest.truth import TruthFile
from ingest.without_pandas import keep_pandas_out
from runtime.errors import IngestError, UserError
from runtime.private_files import keep_private
from runtime.signals import stop_on_signals


def main() -> int:
    """Run one command; return its exit code: 1 after one line on what is wrong, 130 on Ctrl-C."""
    keep_private()
    arguments = parse()
    try:
        contract_limits()  # whatever is wrong with them is said before anything is read
        return _COMMANDS[arguments.command](arguments) or 0
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        return 130


def _check(arguments: argparse.Namespace) -> int:
    options = options_from(arguments)
    with progress("reading") as report:
        checked = check_files(arguments.files, options, report)
    sys.stdout.write("\n".join(in_words(checked, arguments.files, options)) + "\n")
    return 0 if checked.accepted else 1


def _load_files(arguments: argparse.Namespace, stop: threading.Event) -> int:
    if arguments.dry_run:
        raise IngestError("--dry-run is for topics: 'python -m ingest check FILE' judges a file")
    options = options_from(arguments)
    files = [EventFile(path, options) for path in arguments.files]
    sink = open_sink(arguments.into)
    try:
        for file in files:
            _load_file(sink, file, arguments, stop)
            if stop.is_set():
                break
    finally:
        sink.close()
    return 0


def _load_file(
    sink: Sink, file: EventFile, arguments: argparse.Namespace, stop: threading.Event
) -> None:
    log_progress = LoadLog(file.topic, arguments.log_seconds)
    with progress(f"loading {file.path}") as show:

        def on_progress(summary: LoadSummary) -> None:
            show(summary.count)
            log_progress(summary)

        loaded = load_file(
            sink, file, batch_rows=arguments.batch_rows, stop=stop, on_progress=on_progress
        )
    sys.stdout.write("\n".join(loaded.in_words()) + "\n")
    sys.stdout.flush()


def _load(arguments: argparse.Namespace) -> int:
    stop = stop_on_signals()
    # On a terminal the display tells the progress; elsewhere the log does.
    is_terminal = sys.stderr.isatty() and arguments.log_format == "text"
    set_up_logs(arguments.log_format, logging.WARNING if is_terminal else logging.INFO)
    if arguments.files:
        return _load_files(arguments, stop)
    if not options_from(arguments).is_default:
        raise IngestError("--map, --set and the like say how a file is read: name the file, too")
    if arguments.dry_run:
        return _dry_run(arguments, stop)
    sink = open_sink(arguments.into)
    log_progress = LoadLog(arguments.topic, arguments.log_seconds)
    try:
        with progress(f"loading {arguments.topic}") as show:

            def on_progress(summary: LoadSummary) -> None:
                show(summary.count)
                log_progress(summary)

            summary = load(
                sink,
                arguments.bootstrap_servers,
                arguments.topic,
                client=arguments.client,
                until_end=arguments.until_end,
                recreated=arguments.recreated,
                skip_lost=arguments.skip_lost,
                batch_rows=arguments.batch_rows,
                linger_seconds=arguments.linger_seconds,
                report_group=arguments.report_group,
                stop=stop,
                on_progress=on_progress,
            )
    finally:
        sink.close()
    sys.stdout.write(
        f"loaded {summary.accepted:,} events, rejected {summary.rejected:,},"
        f"{f' forgotten {summary.forgotten:,},' if summary.forgotten else ''}"
        f" in {summary.seconds:.1f} s ({summary.rate:,.0f} events/s)\n"
    )
    return 0


def _dry_run(arguments: argparse.Namespace, stop: threading.Event) -> int:
    with progress(f"judging {arguments.topic}") as report:
        found = dry_run(
            arguments.bootstrap_servers,
            arguments.topic,
            client=arguments.client,
            stop=stop,
            on_progress=report,
        )
    sys.stdout.write("\n".join(found.in_words()) + "\n")
    return 1 if found.rejected else 0


def _rejected(arguments: argparse.Namespace) -> None:
    sink = open_sink(arguments.into)
    try:
        if not arguments.replay:
            report = list_rejected(sink, arguments.topic)
            sys.stdout.write("\n".join(report.in_words()) + "\n")
            return
        with progress("judging rejected messages") as show:
            moved = replay_rejected(sink, arguments.topic, show)
        left = list_rejected(sink, arguments.topic).count
    finally:
        sink.close()
    sys.stdout.write(f"loaded {moved:,} messages, {left:,} stay rejected\n")


def _replay(arguments: argparse.Namespace) -> None:
    with progress(f"replaying to {arguments.topic}") as report:
        sent = replay(
            arguments.files,
            arguments.bootstrap_servers,
            arguments.topic,
            rate=arguments.rate,
            shift_to_now=arguments.shift_to_now,
            options=options_from(arguments),
            client=arguments.client,
            partitions=arguments.partitions if arguments.create_topic else None,
            on_progress=report,
        )
    sys.stdout.write(f"replayed {sent:,} events to {arguments.topic}, all acknowledged\n")


def _simulate(arguments: argparse.Namespace) -> None:
    if arguments.truth is None:
        _send_simulated(arguments, lambda stay: None)
        return
    if arguments.output is not None and arguments.output.resolve() == arguments.truth.resolve():
        raise IngestError(f"--truth and --output both name {arguments.truth}: give them two files")
    truth = TruthFile(arguments.truth, arguments.horizon)
    try:
        _send_simulated(arguments, truth.add)
    finally:
        truth.close()
    sys.stdout.write(f"wrote the truth about them to {arguments.truth}\n")


def _send_simulated(arguments: argparse.Namespace, on_stay: Callable[[Stay], None]) -> None:
    end = arguments.end or datetime.now(timezone.utc)
    events = simulate(arguments.customers, arguments.days, arguments.seed, end, on_stay)
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
            client=arguments.client,
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


_COMMANDS = {
    "check": _check,
    "load": _load,
    "rejected": _rejected,
    "replay": _replay,
    "simulate": _simulate,
}

if __name__ == "__main__":
    keep_pandas_out()
    sys.exit(main())
