"""Opening a text file as it lies there: plain or compressed by gzip, in UTF-8, with its mark."""

import codecs
import gzip
import io
from pathlib import Path
from typing import BinaryIO, TextIO

from runtime.errors import IngestError


def open_bytes(path: Path) -> BinaryIO:
    """Open a file behind its byte order mark; raises OSError, or IngestError for UTF-16."""
    is_packed = path.name.lower().endswith(".gz")
    file = gzip.open(path, "rb") if is_packed else path.open("rb")  # noqa: SIM115 - it is returned
    try:
        beginning = file.peek(len(codecs.BOM_UTF8))[: len(codecs.BOM_UTF8)]
    except BaseException:
        file.close()
        raise
    if beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        file.close()
        raise IngestError(f"{path} is UTF-16: save it as UTF-8")
    if beginning == codecs.BOM_UTF8:
        file.read(len(codecs.BOM_UTF8))
    return file


def open_text(path: Path) -> TextIO:
    """Open a file as text whose line ends stay; bytes that are no UTF-8 become surrogates."""
    file = open_bytes(path)
    return io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="")
