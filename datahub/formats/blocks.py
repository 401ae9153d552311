"""Bytes in, blocks of whole lines out: bounded memory whatever the file holds."""

import codecs
import gzip
import os
import zlib
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO, cast

import numpy as np

from datahub.faults import Notes, Refusal, Refused

BLOCK_BYTES = 8 * 1024 * 1024
MAX_LINE_BYTES = 4 * 1024 * 1024
SAMPLE_BYTES = 1024 * 1024
BAD_SHARE = 0.1  # of the bytes beyond ASCII; more than this undecodable, and it is another encoding


# What a compressed file may unpack to: measured data reach 1:60, a bomb 1:1000.
UNPACKED_FREE = 256 * 1024 * 1024
UNPACKED_RATIO = 250


class Unpacked:
    """A compressed file that is not let grow without end."""

    def __init__(self, path: str) -> None:
        self._packed = os.path.getsize(path)
        self._stream = gzip.open(path, "rb")  # noqa: SIM115 -- read to its end by whoever holds it
        self._given = 0

    def read(self, size: int = -1) -> bytes:
        found = self._stream.read(size)
        self._given += len(found)
        if self._given > max(UNPACKED_FREE, self._packed * UNPACKED_RATIO):
            raise Refusal(Refused.TOO_LARGE, f"gzip: {self._packed} bytes unpack to > {self._given}")
        return found


def open_bytes(path: str, kind: str) -> BinaryIO:
    return cast(BinaryIO, Unpacked(path)) if kind == "gzip" else open(path, "rb")


def read_some(stream: BinaryIO, size: int) -> bytes:
    """The next bytes. Raises Refusal where a compressed file is cut off or damaged."""
    try:
        return stream.read(size)
    except EOFError as error:
        raise Refusal(Refused.TRUNCATED, "gzip") from error
    except (zlib.error, gzip.BadGzipFile) as error:
        raise Refusal(Refused.DAMAGED, f"gzip: {error}") from error


def choose_encoding(sample: bytes) -> str:
    """utf-8, gb18030, or '' while the sample is plain ASCII.

    Chinese files without a mark are UTF-8 or GBK (gb18030 holds it). A few bad bytes do not
    make a UTF-8 file GBK: what decides is which reading leaves fewer bytes unread.
    """
    beyond = len(sample) - len(sample.translate(None, delete=bytes(range(128, 256))))
    if not beyond:
        return ""
    try:
        sample.decode()
    except UnicodeDecodeError as error:
        if error.end == len(sample) and error.reason == "unexpected end of data":
            return "utf-8"  # a sample may end inside a character
    else:
        return "utf-8"
    wrong = {name: sample.decode(name, "replace").count("�") for name in ("utf-8", "gb18030")}
    if wrong["utf-8"] / beyond <= BAD_SHARE:
        return "utf-8"
    return "gb18030" if wrong["gb18030"] < wrong["utf-8"] else "utf-8"


def text_bytes(
    stream: BinaryIO, notes: Notes, encoding: str = "", size: int = BLOCK_BYTES
) -> Iterator[bytes]:
    """Chunks of the stream as UTF-8; undecodable bytes of a UTF-8 file stay as they are.

    In other encodings they become U+FFFD, which the readers know as undecodable.
    """
    first = read_some(stream, size)
    if first.startswith(codecs.BOM_UTF8):
        first, encoding = first[3:], "utf-8"
    elif first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"  # which takes the mark away
    decoder = None
    chunk = first
    while chunk:
        if not encoding and not chunk.isascii():
            encoding = choose_encoding(chunk[:SAMPLE_BYTES]) or choose_encoding(chunk)
        if encoding in ("", "utf-8"):
            yield chunk
        else:
            if decoder is None:
                notes.add("encoding", "GBK" if encoding == "gb18030" else encoding.upper())
                decoder = codecs.getincrementaldecoder(encoding)("replace")
            yield decoder.decode(chunk).encode("utf-8", "replace")
        chunk = read_some(stream, size)
    if decoder is not None and (rest := decoder.decode(b"", final=True)):
        yield rest.encode("utf-8", "replace")


def one_line_end(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Lines that end in a lone CR, as old programs write them, end in LF; others stay as they are."""
    first = next(chunks, b"")
    rest = chain([first], chunks)
    if b"\r" in first and b"\n" not in first:
        return (chunk.replace(b"\r", b"\n") for chunk in rest)
    return rest


def whole_lines(chunks: Iterator[bytes], *, quote: bytes = b"") -> Iterator[bytes]:
    """Regroup chunks so that each ends at the end of a line, not inside a quoted value.

    Raises Refusal at a line longer than MAX_LINE_BYTES.
    """
    rest, open_before = b"", 0  # open_before: whether a quoted value is open at the end of rest
    for chunk in chunks:
        cut = _last_line_end(chunk, quote, open_before)
        if cut:
            if rest and not open_before and len(rest) + chunk.find(b"\n") > MAX_LINE_BYTES:
                raise Refusal(Refused.LINE_TOO_LONG, f"> {MAX_LINE_BYTES // 1024 // 1024} MiB")
            # One copy of the bytes.
            yield b"".join((rest, memoryview(chunk)[:cut]))
            rest = chunk[cut:]
        else:
            rest += chunk
        open_before = _count(rest, quote, len(rest)) % 2
        if len(rest) > MAX_LINE_BYTES:
            cut = _forced_cut(rest)
            yield rest[:cut]
            rest = rest[cut:]
            open_before = _count(rest, quote, len(rest)) % 2
    if len(rest) > MAX_LINE_BYTES:
        _forced_cut(rest)
    if rest:
        yield rest


def _count(data: bytes, quote: bytes, end: int) -> int:
    """How often the quote occurs before `end`; numpy is quick where each value has two, as is common."""
    if not quote or not end or quote not in data:
        return 0
    return int(np.count_nonzero(np.frombuffer(data, np.uint8, end) == quote[0]))


def _last_line_end(data: bytes, quote: bytes, open_before: int = 0) -> int:
    """Where the last whole line ends, 0 when there is none. open_before: it begins in a quoted value."""
    end = data.rfind(b"\n") + 1
    if not end or not quote:
        return end
    odd = (_count(data, quote, end) + open_before) % 2
    tries = 0
    while end and odd and tries < 10_000:
        before = data.rfind(b"\n", 0, end - 1) + 1
        odd = (odd - data.count(quote, before, end)) % 2
        end, tries = before, tries + 1
    return 0 if odd else end


def _forced_cut(data: bytes) -> int:
    """A quote that is never closed: cut at the last line end all the same; the row will be rejected.

    Only a line without any end is refused.
    """
    end = data.rfind(b"\n") + 1
    if not end or len(data) - end > MAX_LINE_BYTES:
        raise Refusal(Refused.LINE_TOO_LONG, f"> {MAX_LINE_BYTES // 1024 // 1024} MiB")
    return end
