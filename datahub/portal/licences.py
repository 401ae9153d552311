"""Under which terms open data may be used. The catalogue names one; none named is the city's own."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Licence:
    """url: where the terms stand; '' where the portal's own page says them."""

    code: str
    title: str | Promise
    words: str | Promise
    url: str = ""


CITY_OPEN = Licence(
    "city-open",
    _("Open data licence of the city"),
    _("Free to use, change and pass on, also for business; name the source and the day you took it."),
)
LICENCES: dict[str, Licence] = {
    one.code: one
    for one in (
        CITY_OPEN,
        Licence(
            "cc-by-4.0",
            _("Creative Commons Attribution 4.0"),
            _("Free to use, change and pass on; name the source."),
            "https://creativecommons.org/licenses/by/4.0/",
        ),
        Licence(
            "cc0-1.0",
            _("Creative Commons Zero 1.0"),
            _("Free to use without any condition."),
            "https://creativecommons.org/publicdomain/zero/1.0/",
        ),
    )
}


def licence_of(code: str) -> Licence:
    return LICENCES.get(code, CITY_OPEN)
