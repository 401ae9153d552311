"""What an operator is offered: category, type, unit and area, each with its reason; and what looks alike."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.gis.geos import Point
from django.db.models import Q
from django.utils.translation import gettext as _

from city import selectors as city
from commandcenter.core.codes import LENGTHS
from hotline.models import Ticket
from hotline.states import RequestType

from . import rules
from .classes import TIPDM_CLASSES
from .predict import Reading, read
from .store import LinearModel, active_model
from .words import joined, overlap, telling_words

SHORTEST = 4  # characters; less says nothing
ALIKE_DAYS = 14  # platform default, no source claimed
ALIKE_AT_LEAST = 0.12
MODEL_WEIGHT = 6.0  # a sure model outweighs one keyword, not two


@dataclass(frozen=True)
class Chip:
    """One thing to accept. target: the form's field; reason: why, in words."""

    target: str
    value: str
    label: str
    reason: str
    extra: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CategoryGuess:
    code: str
    name: str
    parent: str
    request_type: str
    function: str
    reason: str
    by: str
    strength: float


def guess_categories(title: str, content: str, *, most: int = 3) -> list[CategoryGuess]:
    """The likeliest categories, best first. The model gives the direction, keywords the place in it."""
    return guess_with(active_model(), title, content, most=most)


def guess_with(model: LinearModel | None, title: str, content: str, *, most: int = 3) -> list[CategoryGuess]:
    """The same with a model at hand, for many texts in a row."""
    if len(title) + len(content) < SHORTEST:
        return []
    reading = read(model, joined(title, content)) if model else None
    by_rules = rules.score(title, content)
    total: dict[str, float] = {code: weight for code, (weight, _words) in by_rules.items()}
    spoke: dict[str, tuple[str, float]] = {}
    if reading:
        _add_reading(total, spoke, reading)
    best = sorted(total, key=lambda code: (-total[code], code))[:most]
    return [guess for code in best if (guess := _guess(code, total[code], by_rules, spoke, reading))]


def _add_reading(total: dict[str, float], spoke: dict[str, tuple[str, float]], reading: Reading) -> None:
    for name, share in reading.share.items():
        target = TIPDM_CLASSES.get(name)
        if target is None or share < 0.15:
            continue
        for one in rules.tree().leaves:
            if one.code[:2] in target.within and (one.code in total or one.code == f"{target.first}01"):
                total[one.code] = total.get(one.code, 0.0) + MODEL_WEIGHT * share
                if share > spoke.get(one.code, ("", 0.0))[1]:
                    spoke[one.code] = (name, share)


def _guess(
    code: str,
    strength: float,
    by_rules: dict[str, tuple[float, list[str]]],
    spoke: dict[str, tuple[str, float]],
    reading: Reading | None,
) -> CategoryGuess | None:
    one = rules.leaf(code)
    if one is None:
        return None
    terms = list(by_rules.get(code, (0.0, []))[1])
    by = "rules"
    if reading and code in spoke:
        terms += reading.terms[spoke[code][0]]
        by = f"model {reading.version}"
    shown = list(dict.fromkeys(terms))[:4]
    reason = (
        _("Words: %(words)s") % {"words": _(", ").join(shown)} if shown else _("General tone of the text")
    )
    return CategoryGuess(
        one.code, one.name, one.parent_name, one.request_type, one.function, reason, by, strength
    )


def area_in_text(text: str, within: str = "") -> tuple[str, str] | None:
    """(code, the name found): the smallest area whose name a text holds. Longer names win."""
    if len(text) < 2:
        return None
    best: tuple[int, int, str, str] | None = None
    top = within or next(iter(city.roots()), "")
    known = [*city.areas_at("county"), *city.areas_at("town")]
    counties = {
        one.code for one in known if one.level == "county" and (one.name in text or one.short_name in text)
    }
    for one in known:
        if top and not one.code.startswith(top):
            continue
        name = one.name if one.name in text else one.short_name if one.short_name in text else ""
        if len(name) < 2 or (counties and one.level == "town" and one.code[:6] not in counties):
            continue
        rank = (len(one.code), len(name), one.code, name)
        if best is None or rank > best:
            best = rank
    return (best[2], best[3]) if best else None


def chips(*, title: str, content: str, address: str, area_code: str, category_code: str) -> list[Chip]:
    """Suggestions for a form as it stands; nothing that is filled in already."""
    found: list[Chip] = []
    area_code, area_chip = _area_chip(f"{address} {title} {content}", area_code)
    if area_chip:
        found.append(area_chip)
    guesses = [] if category_code else guess_categories(title, content)
    for guess in guesses:
        found.append(
            Chip(
                "category",
                guess.code,
                f"{guess.parent} · {guess.name}",
                guess.reason,
                {"type": guess.request_type, "by": guess.by},
            )
        )
    code = category_code or (guesses[0].code if guesses else "")
    unit = unit_for(area_code, code)
    if unit:
        found.append(unit)
    return found


def _area_chip(text: str, area_code: str) -> tuple[str, Chip | None]:
    if area_code:
        return area_code, None
    hit = area_in_text(text)
    if hit is None:
        return "", None
    code, name = hit
    reason = _("The text names “%(name)s”.") % {"name": name}
    return code, Chip("area", code, city.area_path_name(code), reason)


def unit_for(area_code: str, category_code: str) -> Chip | None:
    """The unit of the nearest area that answers for the category."""
    one = rules.leaf(category_code)
    place = area_code or next(iter(city.roots()), "")
    if one is None or not one.function or not place:
        return None
    org = city.responsible_org(place, one.function)
    if org is None:
        return None
    reason = _("Answers for %(function)s in %(area)s.") % {
        "function": city.function_name(one.function),
        "area": city.area_name(org.area_code),
    }
    return Chip("org", str(org.pk), org.name, reason, {"code": org.code})


def alike(
    *,
    title: str,
    content: str,
    area_code: str,
    category_code: str,
    at: datetime,
    location: Point | None = None,
    but: int | None = None,
    most: int = 5,
) -> list[dict[str, Any]]:
    """Tickets that may tell of the same thing: near, recent, same matter, similar words; never sealed."""
    if not (area_code or category_code) or len(title) + len(content) < SHORTEST:
        return []
    rows = (
        Ticket.objects.live()
        .unsealed()
        .without_caller()
        .filter(taken_at__gte=at - timedelta(days=ALIKE_DAYS))
    )
    rows = rows.exclude(request_type__in=[RequestType.CONSULT, RequestType.PRAISE])
    if but:
        rows = rows.exclude(pk=but)
    if category_code:
        rows = rows.filter(Q(category__code__startswith=category_code[:2]) | Q(category=None))
    if area_code:
        near = [n for n in LENGTHS if n <= max(min(len(area_code), 9), 4)][-1]
        rows = rows.filter(area_code__startswith=area_code[:near])
    mine = telling_words(f"{title} {content}")
    scored = []
    for row in rows.select_related("category").order_by("-taken_at")[:200]:
        share = overlap(mine, telling_words(f"{row.title} {row.content}"))
        if location is not None and row.location is not None:
            share += 0.15 * (_metres(location, row.location) < 300)
        if row.category and category_code and row.category.code == category_code:
            share += 0.05
        if share >= ALIKE_AT_LEAST:
            scored.append((share, row))
    scored.sort(key=lambda pair: (-pair[0], -pair[1].pk))
    return [{"ticket": row, "share": round(share * 100)} for share, row in scored[:most]]


def _metres(a: Point, b: Point) -> float:
    """Distance of two near points in metres, on a sphere."""
    from math import asin, cos, radians, sin, sqrt

    lon1, lat1, lon2, lat2 = map(radians, (a.x, a.y, b.x, b.y))
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return 2 * 6_371_000 * asin(sqrt(half))
