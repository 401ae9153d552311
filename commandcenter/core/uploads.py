"""What a file is, by its content; its name is only a claim."""

import zipfile
from pathlib import Path

_HEAD = 4096
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"PAR1", "parquet"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"%PDF-", "application/pdf"),
    (b"\xd0\xcf\x11\xe0", "xls"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!", "rar"),
    (b"\x7fELF", "executable"),
    (b"MZ", "executable"),
)


def sniff(source: Path | str | bytes) -> str:
    """Name the kind of content.

    source: a path, or the first bytes of the content.
    Returns csv (any text with no other mark), json, xlsx, zip, gzip, parquet, image/jpeg,
    image/png, image/webp, …; `empty` for nothing, `unknown` for bytes that are no text.
    """
    if isinstance(source, bytes):
        head, is_sheet = source[:_HEAD], b"[Content_Types].xml" in source or b"xl/" in source
    else:
        with open(source, "rb") as file:
            head = file.read(_HEAD)
        is_sheet = head[:4] == b"PK\x03\x04" and _is_workbook(source)
    if not head:
        return "empty"
    if head[:4] == b"PK\x03\x04":
        return "xlsx" if is_sheet else "zip"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[:3] != b"\xef\xbb\xbf" and head[:2] not in (b"\xff\xfe", b"\xfe\xff") and b"\x00" in head:
        return "unknown"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return "json" if text[:1] in (b"{", b"[") else "csv"


def _is_workbook(path: Path | str) -> bool:
    """Whether a zip archive holds a spreadsheet. A broken archive is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return False
