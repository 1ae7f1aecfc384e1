"""Parquet as warehouses and pandas write it: columns of any type as values of Python."""

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest.formats import Block
from runtime.errors import IngestError, first_line


def parquet_blocks(path: Path, block_rows: int) -> Iterator[Block]:
    """Yield the rows of a Parquet file, numbered from 1; raises IngestError."""
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            if len(set(names)) < len(names):
                raise IngestError(f"{path} has a column twice: rename one of them")
            kinds = {field.name: str(field.type) for field in file.schema_arrow}
            first = 1
            for batch in file.iter_batches(block_rows):
                columns = {name: _values(batch[name], f"{path}, column {name},") for name in names}
                yield Block([*range(first, first + len(batch))], columns, kinds=kinds)
                first += len(batch)
    except (pa.ArrowException, OSError) as error:
        detail = first_line(error)
        raise IngestError(f"{path} is not a Parquet file that can be read: {detail}") from error


def _values(column: pa.Array, place: str) -> list[Any]:
    kept = column.type
    try:
        # Not safe: the contract drops the last three digits of nanoseconds.
        column = column.cast(_without_nanoseconds(kept), safe=False)
        if pa.types.is_timestamp(column.type):
            return _moments(column)
        if pa.types.is_floating(column.type):  # not a number: how pandas writes a missing value
            column = pc.if_else(pc.is_nan(column), None, column)
        values = column.to_pylist()
    except (pa.ArrowException, ValueError) as error:
        detail = first_line(error)
        raise IngestError(f"{place} has values of {kept} that cannot be read: {detail}") from error
    if pa.types.is_map(column.type):
        return [
            None if one is None else {str(name): value for name, value in one} for one in values
        ]
    return values


def _moments(column: pa.Array) -> list[datetime | None]:
    """Return times, in UTC where they have a zone; None for those that no calendar holds."""
    zone = column.type.tz
    times = column.cast(pa.timestamp("us"))  # with a zone they are UTC inside
    is_early = pc.less(times, pa.scalar(datetime.min, times.type))
    is_late = pc.greater(times, pa.scalar(datetime.max, times.type))
    times = pc.if_else(pc.or_(is_early, is_late), None, times)
    # By way of NumPy: Arrow itself takes ten times as long to make Python's times.
    moments = times.to_numpy(zero_copy_only=False).tolist()
    if zone is None:
        return moments
    return [one and one.replace(tzinfo=timezone.utc) for one in moments]


def _without_nanoseconds(kept: pa.DataType) -> pa.DataType:
    """Return the type in which Python has all values of this one."""
    if pa.types.is_timestamp(kept):
        return pa.timestamp("us", kept.tz)
    if pa.types.is_time64(kept):
        return pa.time64("us")
    if pa.types.is_duration(kept):
        return pa.duration("us")
    if pa.types.is_dictionary(kept):
        return _without_nanoseconds(kept.value_type)
    if pa.types.is_struct(kept):
        return pa.struct([one.with_type(_without_nanoseconds(one.type)) for one in kept])
    if pa.types.is_list(kept) or pa.types.is_large_list(kept):
        return pa.list_(_without_nanoseconds(kept.value_type))
    return kept
