"""Open a file by what it is, not by what it is called."""

import gzip
from typing import BinaryIO, cast

from commandcenter.core.uploads import sniff
from datahub.faults import Refusal, Refused

from .base import Source
from .blocks import open_bytes, read_some
from .columnar import ParquetSource, WorkbookSource
from .csv import CsvSource
from .jsonl import JsonLinesSource

SNIFF_BYTES = 4096


def kind_of(path: str) -> tuple[str, str]:
    """(wrapping, content): the wrapping is gzip or empty."""
    kind = sniff(path)
    if kind != "gzip":
        return "", kind
    with gzip.open(path, "rb") as stream:
        return "gzip", sniff(read_some(cast(BinaryIO, stream), SNIFF_BYTES))


def open_source(
    path: str, *, delimiter: str = "", encoding: str = "", null_tokens: tuple[str, ...] = ("",)
) -> Source:
    """A reader for the file. Raises Refusal for what is empty, damaged, or of another kind."""
    wrapping, kind = kind_of(path)
    if kind == "empty":
        raise Refusal(Refused.EMPTY)
    if encoding.startswith("utf-16") or (kind == "unknown" and encoding):
        kind = "csv"
    if kind == "csv":
        return CsvSource(
            open_bytes(path, wrapping), delimiter=delimiter, encoding=encoding, null_tokens=null_tokens
        )
    if kind == "json":
        return JsonLinesSource(open_bytes(path, wrapping), null_tokens=null_tokens)
    if not wrapping and kind == "parquet":
        return ParquetSource(path, null_tokens=null_tokens)
    if not wrapping and kind == "xlsx":
        return WorkbookSource(path, null_tokens=null_tokens)
    found = f"{wrapping}/{kind}" if wrapping else kind
    raise Refusal(Refused.WRONG_TYPE, f"{found}; CSV, XLSX, JSON, Parquet")
