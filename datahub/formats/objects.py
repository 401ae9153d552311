"""JSON texts taken apart into their values without being held whole."""

import re
from collections.abc import Iterator

from datahub.faults import Refusal, Refused

from .blocks import MAX_LINE_BYTES

# A string, or one sign of structure; a lone quote is a string that does not end here.
TOKEN = re.compile(rb'"[^"\\\n]*(?:\\.[^"\\\n]*)*"|[{}\[\]"]', re.DOTALL)
_LOOSE = re.compile(rb'(?:"[^"\\]*(?:\\.[^"\\]*)*"|[^,])+', re.DOTALL)
_OPENS_ARRAY = re.compile(rb"\s*:\s*\[")
MAX_HEAD = 4 * 1024 * 1024


def elements(chunks: Iterator[bytes], *, closed_by: bytes = b"", rest: list[bytes]) -> Iterator[bytes]:
    """Values of an array whose `[` is behind us (closed_by `]`), or values that follow one another.

    What stands between objects is given as it is, cut at commas: its reader will say that it is no
    record. rest: where the bytes after the end are put. Raises Refusal where the text ends too early,
    or a value is larger than a line may be.
    """
    data, at, last, depth = b"", 0, 0, 0
    start = -1
    for chunk in chunks:
        keep = start if start >= 0 else last
        data = data[keep:] + chunk
        at, last = at - keep, last - keep
        start = start - keep if start >= 0 else -1
        while (found := TOKEN.search(data, at)) is not None:
            sign = data[found.start() : found.start() + 1]
            if sign == b'"':
                if found.end() - found.start() == 1 and data.find(b"\n", at) < found.start():
                    at = found.start()
                    break  # the string goes on in the next chunk
                at = found.end()
            elif sign in (b"{", b"["):
                if depth == 0:
                    start = found.start()
                    yield from _loose(data[last:start])
                depth, at = depth + 1, found.end()
            elif depth:
                depth, at = depth - 1, found.end()
                if depth == 0:
                    _bound(at - start)
                    yield data[start:at]
                    last, start = at, -1
            elif sign == closed_by:
                yield from _loose(data[last : found.start()])
                rest.append(data[found.end() :])
                return
            else:
                at = found.end()
        else:
            at = len(data)
        _bound(len(data) - (start if start >= 0 else last))
    if closed_by:
        raise Refusal(Refused.TRUNCATED, "JSON")
    yield from _loose(data[start if start >= 0 else last :], whole=start >= 0)


def _bound(size: int) -> None:
    if size > MAX_LINE_BYTES:
        raise Refusal(Refused.LINE_TOO_LONG, f"> {MAX_LINE_BYTES // 1024 // 1024} MiB")


def _loose(text: bytes, *, whole: bool = False) -> Iterator[bytes]:
    if text.strip(b" \t\r\n,"):
        yield from [text] if whole else (part for part in _LOOSE.findall(text) if part.strip())


def as_lines(values: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Values as JSON lines, in blocks."""
    block: list[bytes] = []
    held = 0
    for value in values:
        line = value.strip().replace(b"\r", b" ").replace(b"\n", b" ")
        block.append(line)
        held += len(line) + 1
        if held >= size:
            yield b"\n".join(block) + b"\n"
            block, held = [], 0
    if block:
        yield b"\n".join(block) + b"\n"


def find_array(chunks: Iterator[bytes], name: bytes) -> tuple[bytes, Iterator[bytes]]:
    """The head of an object up to the array called `name` in it, and the chunks from there on.

    Raises Refusal where there is none within the first MAX_HEAD bytes.
    """
    data, at, depth = b"", 0, 0
    for chunk in chunks:
        data += chunk
        while (found := TOKEN.search(data, at)) is not None:
            token = found.group()
            if token == b'"' and data.find(b"\n", at) < found.start():
                at = found.start()
                break
            if token == b'"' + name + b'"' and depth == 1:
                array = _OPENS_ARRAY.match(data, found.end())
                if array is not None:
                    return data[: found.start()], _from(data[array.end() :], chunks)
                if len(data) - found.end() < 256:
                    at = found.start()
                    break  # the bracket may be in the next chunk
            depth += token in (b"{", b"[")
            depth -= token in (b"}", b"]")
            at = found.end()
        else:
            at = len(data)
        if len(data) > MAX_HEAD:
            break
    raise Refusal(Refused.DAMAGED, f"JSON: {name.decode()}")


def _from(first: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from chunks
