"""Values of a person in a text, however they were written down: 139 0000-0000, full-width, 幺三九….

One pattern serves Python and PostgreSQL (`~*`), so that what the database finds is what is taken out.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

HIDDEN = "***"
LEAST_DIGITS = 7  # a shorter row of digits may be anything

_DIGITS = {
    "0": "0０〇零洞",
    "1": "1１一壹幺",
    "2": "2２二贰两",
    "3": "3３三叁",
    "4": "4４四肆",
    "5": "5５五伍",
    "6": "6６六陆",
    "7": "7７七柒拐",
    "8": "8８八捌",
    "9": "9９九玖",
    "X": "XxＸｘ",
}
_READ = {sign: digit for digit, signs in _DIGITS.items() for sign in signs}
_GAP = r"[\s_.·•,，、()（）/—–‐-]{0,3}"
_SIGN = "[" + "".join(_DIGITS.values()) + "]"
_NUMBERS = re.compile(rf"{_SIGN}(?:{_GAP}{_SIGN}){{{LEAST_DIGITS - 1},21}}")


def plain(value: str) -> str:
    """A number as digits only (an X may end it); any other value as it is, without space around it."""
    text = unicodedata.normalize("NFKC", value).strip()
    digits = re.sub(r"[\s_.,()/—–‐+-]", "", text).upper()
    if not re.fullmatch(rf"\d{{{LEAST_DIGITS - 1},}}[\dX]", digits):
        return text
    for prefix in ("0086", "86"):
        rest = digits.removeprefix(prefix)
        if rest != digits and re.fullmatch(r"1[3-9]\d{9}", rest):
            return rest
    return digits


def is_number(value: str) -> bool:
    return bool(re.fullmatch(rf"\d{{{LEAST_DIGITS - 1},}}[\dX]", value))


def is_distinct(value: str) -> bool:
    """Whether a value names one person or household wherever it stands. A name or a district does not."""
    digits = sum(sign.isdigit() for sign in value)
    return digits >= LEAST_DIGITS - 1 or "@" in value or (len(value) >= 8 and digits > 0)


def is_word(value: str) -> bool:
    """Whether a value is a name or the like, to be looked for in the person's own rows; no code, no size."""
    return len(value) > 1 and (len(value) > 3 or not value.isascii()) and any(map(str.isalpha, value))


class Needles:
    """Values to look for. pattern: for `~*` in PostgreSQL and re; loose: for engines without lookaround."""

    def __init__(self, values: Iterable[str]) -> None:
        found = {plain(value) for value in values}
        self.values = tuple(sorted((v for v in found if len(v) > 1), key=lambda v: (-len(v), v)))
        parts = [_pattern(value) for value in self.values]
        self.loose = "(?i)" + "|".join(parts)
        self.pattern = "(?i)" + "|".join(
            rf"(?<![0-9０-９]){part}(?![0-9０-９])" if is_number(value) else part
            for value, part in zip(self.values, parts, strict=True)
        )
        self._search = re.compile(self.pattern)

    def __bool__(self) -> bool:
        return bool(self.values)

    def __len__(self) -> int:
        return len(self.values)

    def within(self, text: str) -> list[str]:
        """The pieces of the text that are one of the values, as they stand there; the longest first."""
        if not self.values:
            return []
        return sorted({m[0] for m in self._search.finditer(text)}, key=lambda piece: (-len(piece), piece))

    def hide(self, text: str) -> str:
        return self._search.sub(HIDDEN, text) if self.values else text

    def within_deep(self, body: Any) -> list[str]:
        """The same for lists and mappings, names and numbers included."""
        found: set[str] = set()
        _each(body, lambda text: found.update(self.within(text)))
        return sorted(found, key=lambda piece: (-len(piece), piece))

    def hide_deep(self, body: Any) -> Any:
        if isinstance(body, str):
            return self.hide(body)
        if isinstance(body, dict):
            return {self.hide(str(name)): self.hide_deep(value) for name, value in body.items()}
        if isinstance(body, list):
            return [self.hide_deep(value) for value in body]
        if isinstance(body, int | float) and not isinstance(body, bool) and self.within(str(body)):
            return HIDDEN
        return body


def numbers_within(text: str) -> set[str]:
    """Every row of digits in a text that may be somebody's number, in plain form."""
    found = set()
    for match in _NUMBERS.finditer(text):
        digits = "".join(_READ[sign] for sign in match[0] if sign in _READ)
        body, last = digits[:-1].replace("X", ""), digits[-1]
        found |= {plain(body + last), plain(digits.removeprefix("0"))}
        found |= {digits[at : at + size] for size in (11, 18) for at in range(len(digits) - size + 1)}
    return {number for number in found if is_number(number)}


def _pattern(value: str) -> str:
    if is_number(value):
        return rf"(?:\+?(?:00)?86{_GAP}|0)?" + _GAP.join(f"[{_DIGITS[sign]}]" for sign in value)
    words = re.sub(r"\s+", "", value)
    return r"\s{0,2}".join(_escaped(sign) for sign in words)


def _escaped(sign: str) -> str:
    """For both engines: only what is special in both gets a backslash."""
    return "\\" + sign if sign in r".^$*+?()[]{}|\/-#" else sign


def _each(body: Any, look: Callable[[str], None]) -> None:
    if isinstance(body, dict):
        for name, value in body.items():
            look(str(name))
            _each(value, look)
    elif isinstance(body, list):
        for value in body:
            _each(value, look)
    elif body is not None and not isinstance(body, bool):
        look(str(body))
