"""The scored items as data: weight, target, rule and smallest sample of each.

Source: domain accountability.csv, rows XW-01, 02, 07, 10, 17, 18, 25. The two intervals of XW-01
(85 → 96) and XW-07 (75 → 96) and the slope and floor of XW-18 were inferred from monthly bulletins
of one Jiangsu city (13 of 13 published item scores fit, 5 of 8 totals); every weight, target and
limit is a proposed, configurable default. Below the smallest sample an item is not scored and the
weights of the others are taken as the whole.
"""

from dataclasses import dataclass
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


@dataclass(frozen=True)
class Linear:
    """Nothing at `zero_at`, the full score at `full_at`, a straight line between. In the item's unit."""

    full_at: float
    zero_at: float

    def share(self, value: float) -> float:
        return min(1.0, max(0.0, (value - self.zero_at) / (self.full_at - self.zero_at)))


@dataclass(frozen=True)
class FloorLinear:
    """The full score from `full_at` on; below it `slope_per_pp` of it is lost for each percentage
    point, never more than down to `floor_ratio` of it."""

    full_at: float
    slope_per_pp: float
    floor_ratio: float

    def share(self, value: float) -> float:
        return min(1.0, max(self.floor_ratio, 1 - self.slope_per_pp * (self.full_at - value)))


@dataclass(frozen=True)
class Item:
    """unit: "%" where the value is a rate in percent, "h" where it is working hours."""

    code: str
    name: str | Promise
    group: str | Promise
    full_score: float
    rule: Linear | FloorLinear
    target: str | Promise
    formula: str | Promise
    excluded: str | Promise
    unit: Literal["%", "h"] = "%"
    min_sample: int = 5


SIGNING, HANDLING, CALL_BACK, ALERTS = (
    pgettext_lazy("item", "Dispatch and signing"),
    pgettext_lazy("item", "Handling"),
    pgettext_lazy("item", "Feedback and call-back"),
    pgettext_lazy("item", "Alerts"),
)
USUAL = _("Sent twice, system fault, force majeure, time on an approved hold")

ITEMS: dict[str, Item] = {
    item.code: item
    for item in (
        Item(
            "XW-01",
            pgettext_lazy("item", "Signed in time"),
            SIGNING,
            2.5,
            Linear(full_at=96, zero_at=85),
            "≥96%",
            _("Orders signed before their time ÷ orders that were to be signed"),
            USUAL,
        ),
        Item(
            "XW-02",
            pgettext_lazy("item", "Time to sign"),
            SIGNING,
            1,
            Linear(full_at=2, zero_at=8),
            _("≤2 hours"),
            _("Median working time from dispatch to signing, orders of normal urgency"),
            USUAL,
            unit="h",
        ),
        Item(
            "XW-07",
            pgettext_lazy("item", "Handled in time"),
            HANDLING,
            4,
            Linear(full_at=96, zero_at=75),
            "≥96%",
            _("Orders handled before their time ÷ orders whose time ended in the period"),
            USUAL,
        ),
        Item(
            "XW-10",
            pgettext_lazy("item", "First contact in time"),
            HANDLING,
            2.5,
            Linear(full_at=98, zero_at=85),
            "≥98%",
            _("Citizens contacted before the time ÷ citizens who were to be contacted"),
            _("Citizen asked not to be contacted, three calls without answer"),
        ),
        Item(
            "XW-17",
            pgettext_lazy("item", "Solved"),
            CALL_BACK,
            4,
            Linear(full_at=90, zero_at=60),
            "≥90%",
            _("Call-backs that found it solved (partly: half) ÷ valid call-backs, enquiries left out"),
            _("Beyond duty after a double review; policy explained"),
        ),
        Item(
            "XW-18",
            pgettext_lazy("item", "Satisfied"),
            CALL_BACK,
            4,
            FloorLinear(full_at=95, slope_per_pp=0.02, floor_ratio=0.5),
            "≥95%",
            _("(Satisfied + basically satisfied × 0.8) ÷ valid ratings"),
            _("Malicious ratings after a review"),
        ),
        Item(
            "XW-25",
            pgettext_lazy("item", "Alerts signed in time"),
            ALERTS,
            2,
            Linear(full_at=97, zero_at=85),
            "≥97%",
            _("Alert orders signed before their time ÷ alert orders sent to the unit"),
            USUAL,
        ),
    )
}
