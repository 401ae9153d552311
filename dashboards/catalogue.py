"""The passports: what each figure on a screen means, how it is computed, and where its rows are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Passport:
    """One shown figure. `parts`: the sums it is made of, a rate as (numerator, denominator)."""

    key: str
    label: str | Promise
    unit: str | Promise
    definition: str | Promise
    formula: str | Promise
    source: str | Promise
    parts: tuple[str, ...]
    rows: str = ""  # which kind of rows stands behind it: ticket, order, alert, report, delivery
    rate: bool = False
    short: str | Promise = ""  # where the tile's heading already says the rest

    @property
    def family(self) -> str:
        return self.parts[0].partition(".")[0]


_TICKETS = _("Tickets of the hotline (moves, append-only)")
_ORDERS = _("Orders (moves, append-only)")
_NO_SEALED = _("Confidential and whistle-blowing requests are not included.")

_ALL = [
    Passport(
        "tickets.taken",
        _("Requests taken today"),
        _("requests"),
        _(
            "Requests that the hotline took since midnight, all channels."
            " Confidential ones are counted apart."
        ),
        _("Number of moves “taken” of the day"),
        _TICKETS,
        ("tickets.taken",),
        "ticket",
        short=_("Taken"),
    ),
    Passport(
        "tickets.direct",
        _("Answered at once"),
        "%",
        _("Share of the requests answered by the operator without an order."),
        _("Answered at once ÷ (answered at once + dispatched), both of the day"),
        _TICKETS,
        ("tickets.answered", "tickets.dispatched"),
        "ticket",
        rate=True,
    ),
    Passport(
        "tickets.dispatched",
        _("Dispatched today"),
        _("requests"),
        _("Requests handed to a unit since midnight."),
        _("Number of moves “dispatched” of the day"),
        _TICKETS,
        ("tickets.dispatched",),
        "ticket",
        short=_("Dispatched"),
    ),
    Passport(
        "tickets.open",
        _("Requests open"),
        _("requests"),
        _("Requests that wait at the desk, with a unit or for the call-back."),
        _("Taken − (answered + not accepted + closed), since the beginning"),
        _TICKETS,
        ("tickets.open",),
        "ticket",
    ),
    Passport(
        "calls.satisfied",
        _("Satisfied"),
        "%",
        _("Share of the citizens reached by the call-back who were satisfied or basically satisfied."),
        _("Satisfied ÷ reached, both of the day"),
        _("Call-backs"),
        ("calls.satisfied", "calls.reached"),
        "ticket",
        rate=True,
    ),
    Passport(
        "calls.solved",
        _("Solved"),
        "%",
        _("Share of the citizens reached by the call-back who said the matter was solved."),
        _("Solved ÷ reached, both of the day"),
        _("Call-backs"),
        ("calls.solved", "calls.reached"),
        "ticket",
        rate=True,
    ),
    Passport(
        "orders.signed_rate",
        _("Signed in time"),
        "%",
        _("Share of the orders signed today that were signed within their limit."),
        _("Signed in time ÷ signed with a limit, both of the day"),
        _ORDERS,
        ("orders.signed_on_time", "orders.signed_timed"),
        "order",
        rate=True,
    ),
    Passport(
        "orders.handled_rate",
        _("Handled in time"),
        "%",
        _("Share of the orders handled today that were handled within their limit."),
        _("Handled in time ÷ handled with a limit, both of the day"),
        _ORDERS,
        ("orders.handled_on_time", "orders.handled_timed"),
        "order",
        rate=True,
    ),
    Passport(
        "orders.open",
        _("Orders open"),
        _("orders"),
        _("Orders that are to be signed, handled, checked or whose return is under review."),
        _("Dispatched − (closed + returned + withdrawn), since the beginning"),
        _ORDERS,
        ("orders.open",),
        "order",
    ),
    Passport(
        "orders.overdue",
        _("Orders overdue"),
        _("orders"),
        _("Open orders past the limit for signing or for handling; held clocks do not count."),
        _("Number of such orders now"),
        _("Orders (present state)"),
        ("orders.overdue",),
        "order",
    ),
    Passport(
        "orders.dispatched",
        _("Orders sent today"),
        _("orders"),
        _("Orders sent to units since midnight, from every source."),
        _("Number of moves “dispatched” of the day"),
        _ORDERS,
        ("orders.dispatched",),
        "order",
    ),
    Passport(
        "orders.closed",
        _("Orders closed today"),
        _("orders"),
        _("Orders that passed their check since midnight."),
        _("Number of moves “closed” of the day"),
        _ORDERS,
        ("orders.closed",),
        "order",
    ),
    Passport(
        "alerts.open",
        _("Alerts open"),
        _("alerts"),
        _("Alerts raised and not yet resolved. Alerts of detectors in trial are not counted."),
        _("Raised − resolved, since the beginning"),
        _("Alerts (moves, append-only)"),
        ("alerts.open",),
        "alert",
    ),
    *(
        Passport(
            f"alerts.open.{level}",
            label,
            _("alerts"),
            _("Alerts of this level raised and not yet resolved."),
            _("Raised − resolved, since the beginning"),
            _("Alerts (moves, append-only)"),
            (f"alerts.open.{level}",),
            "alert",
            short=short,
        )
        for level, label, short in (
            (1, _("Level 1 alerts open"), _("Level 1")),
            (2, _("Level 2 alerts open"), _("Level 2")),
            (3, _("Level 3 alerts open"), _("Level 3")),
            (4, _("Level 4 alerts open"), _("Level 4")),
        )
    ),
    Passport(
        "alerts.raised",
        _("Alerts raised today"),
        _("alerts"),
        _("Alerts raised since midnight, trials left out."),
        _("Number of moves “raised” of the day"),
        _("Alerts (moves, append-only)"),
        ("alerts.raised",),
        "alert",
    ),
    Passport(
        "reports.made",
        _("Grid reports today"),
        _("reports"),
        _("Events that grid workers reported since midnight."),
        _("Number of first moves of the day"),
        _("Grid reports (moves, append-only)"),
        ("reports.made",),
        "report",
    ),
    Passport(
        "data.rows_committed",
        _("Rows delivered today"),
        _("rows"),
        _("Rows that passed their checks and were committed to the lake since midnight."),
        _("Sum of committed rows over the deliveries of the day"),
        _("Deliveries"),
        ("data.rows_committed",),
        "delivery",
        short=_("Delivered"),
    ),
    Passport(
        "data.rows_rejected",
        _("Rows rejected today"),
        _("rows"),
        _("Rows that failed a check; each is kept with its reason."),
        _("Sum of rejected rows over the deliveries of the day"),
        _("Deliveries"),
        ("data.rows_rejected",),
        "delivery",
        short=_("Rejected"),
    ),
    Passport(
        "data.late",
        _("Sources late"),
        _("sources"),
        _("Sources whose next delivery is overdue. Detectors that need them are blind meanwhile."),
        _("Number of such sources now"),
        _("Catalogue"),
        ("data.late",),
        "dataset",
    ),
]

PASSPORTS: Mapping[str, Passport] = {passport.key: passport for passport in _ALL}
NO_SEALED = _NO_SEALED
