"""Area codes: digits whose prefixes are the areas above.

city 4 (3206), county 6, town 9, village 12, grid cell 16 (village 12 + type 1 + serial 3).
Source: the statistical division code, 12 digits; the 16-digit cell code is a configurable
default of this platform, since the national rule for grid codes was not at hand.
"""

from collections.abc import Iterable

LEVELS: dict[int, str] = {4: "city", 6: "county", 9: "town", 12: "village", 16: "cell"}
LENGTHS = tuple(LEVELS)


def level_of(code: str) -> str:
    """The level's name. Raises ValueError for a code of no known length."""
    try:
        return LEVELS[len(code)]
    except KeyError:
        raise ValueError(f"not an area code: {code!r}") from None


def ancestors(code: str) -> list[str]:
    """The codes from the city down to `code` itself."""
    return [code[:n] for n in LENGTHS if n <= len(code)]


def parent_of(code: str) -> str | None:
    """The code one level up; None for a city."""
    above = [n for n in LENGTHS if n < len(code)]
    return code[: above[-1]] if above else None


def within(code: str, top: str) -> bool:
    """Whether `code` is `top` or lies under it. An empty code lies under nothing."""
    return bool(top) and code.startswith(top)


def child_length(code: str) -> int | None:
    """Digits of the codes one level below; None below a grid cell."""
    below = [n for n in LENGTHS if n > len(code)]
    return below[0] if below else None


def topmost(codes: Iterable[str]) -> list[str]:
    """The codes that lie under no other of them, sorted."""
    kept: list[str] = []
    for code in sorted(set(codes)):
        if code and not any(within(code, top) for top in kept):
            kept.append(code)
    return kept
