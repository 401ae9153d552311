"""Open a file by what it is, not by what it is called."""

import codecs
import gzip
from typing import BinaryIO, cast

from commandcenter.core.uploads import sniff
from datahub.faults import Refusal, Refused

from .base import Source
from .blocks import BLOCK_BYTES, open_bytes, read_some
from .columnar import ParquetSource
from .csv import CsvSource
from .json import open_json
from .workbook import WorkbookSource

SNIFF_BYTES = 4096
SEQUENCE = b"\x1e{"  # RFC 7464: a mark before each JSON text
WIDE = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def kind_of(path: str) -> tuple[str, str, str]:
    """(wrapping, content, encoding): the wrapping is gzip or empty, the encoding known for UTF-16 only."""
    kind, wrapping = sniff(path), ""
    if kind == "gzip":
        wrapping = kind
        with gzip.open(path, "rb") as stream:
            head = read_some(cast(BinaryIO, stream), SNIFF_BYTES)
        kind = sniff(head)
    else:
        with open(path, "rb") as file:
            head = file.read(SNIFF_BYTES)
    if kind in ("csv", "unknown") and (encoding := _wide(head)):
        text = head[: len(head) // 2 * 2].decode(encoding, "replace").lstrip("\ufeff").lstrip()
        return wrapping, "json" if text[:1] in ("{", "[") else "csv", encoding
    if kind == "csv" and head.startswith(SEQUENCE):
        kind = "json"
    return wrapping, kind, ""


def _wide(head: bytes) -> str:
    """UTF-16, by its mark or, without one, because it reads as clean text that way and no other."""
    if name := WIDE.get(head[:2]):
        return name
    if b"\x00" not in head:
        return ""
    for name in WIDE.values():
        try:
            text = head[: len(head) // 2 * 2].decode(name)
        except UnicodeDecodeError:
            text = head[: len(head) // 2 * 2 - 2].decode(name, "ignore")  # cut inside a pair
        odd = sum(sign not in "\r\n\t" and not sign.isprintable() for sign in text)
        if text and not odd and ("\n" in text or "," in text):
            return name
    return ""


def open_source(
    path: str,
    *,
    delimiter: str = "",
    encoding: str = "",
    null_tokens: tuple[str, ...] = ("",),
    sheet: str = "",
    geometry: str = "point",
    block_bytes: int = BLOCK_BYTES,
) -> Source:
    """A reader for the file. Raises Refusal for what is empty, damaged, or of another kind."""
    wrapping, kind, wide = kind_of(path)
    if kind == "empty":
        raise Refusal(Refused.EMPTY)
    if encoding:
        try:
            codecs.lookup(encoding)
        except LookupError as error:
            raise Refusal(Refused.WRONG_TYPE, "encoding") from error
    if kind == "unknown" and encoding:
        kind = "csv"
    read_as = {"encoding": encoding or wide, "null_tokens": null_tokens, "block_bytes": block_bytes}
    if kind == "csv":
        return CsvSource(open_bytes(path, wrapping), delimiter=delimiter, **read_as)  # type: ignore[arg-type]
    if kind == "json":
        return open_json(open_bytes(path, wrapping), geometry=geometry, **read_as)  # type: ignore[arg-type]
    if not wrapping and kind == "parquet":
        return ParquetSource(path, null_tokens=null_tokens)
    if not wrapping and kind == "xlsx":
        return WorkbookSource(path, null_tokens=null_tokens, sheet=sheet)
    found = f"{wrapping}/{kind}" if wrapping else kind
    raise Refusal(Refused.WRONG_TYPE, f"{found}; CSV, XLSX, JSON, GeoJSON, Parquet")
