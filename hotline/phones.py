"""Numbers as callers say them, in one form, so that the same caller is known again."""

import re
import unicodedata

_KEPT = re.compile(r"[^0-9]")


def normal_phone(value: str) -> str:
    """Digits only, without +86, 0086 or the long-distance 17951; extensions are dropped.

    A mobile becomes 11 digits, a landline area code and number; anything else stays as digits.
    """
    text = unicodedata.normalize("NFKC", value or "").strip()
    text = re.split(r"(?:转|ext\.?|#)", text, maxsplit=1, flags=re.IGNORECASE)[0]
    digits = _KEPT.sub("", text)
    for prefix in ("17951", "0086", "86"):
        rest = digits.removeprefix(prefix)
        if rest != digits and len(rest) >= 10:
            digits = rest
    if len(digits) == 12 and digits.startswith("01") and re.fullmatch(r"01[3-9]\d{9}", digits):
        digits = digits[1:]  # a mobile dialled as long distance
    return digits


def normal_id_number(value: str) -> str:
    """Upper case, without spaces; the shape is not judged, a caller may err."""
    return re.sub(r"[^0-9A-Za-z]", "", unicodedata.normalize("NFKC", value or "")).upper()


def is_mobile(digits: str) -> bool:
    return bool(re.fullmatch(r"1[3-9]\d{9}", digits))
