"""受理, 答复, 派单: how a ticket comes into being and leaves the desk."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib.gis.geos import Point
from django.db import connection, transaction
from django.utils.translation import gettext as _

from city.locate import locate
from city.selectors import area, areas_of
from commandcenter.core import clock
from commandcenter.core.crypto import keyed_hash
from commandcenter.core.errors import DomainError, require
from commandcenter.core.masking import mask_text
from commandcenter.core.times import shanghai_day
from dispatch.services import open_order
from hotline.models import LIVE, Category, Ticket
from hotline.phones import normal_id_number, normal_phone
from hotline.policies import may_take, may_triage
from hotline.querysets import DESK_ROLES
from hotline.states import TAKE, Channel, RejectGround, RequestType, TicketState, Urgency

from . import _moving as m

if TYPE_CHECKING:
    from city.models import User


@transaction.atomic
def take_ticket(
    *,
    by: "User",
    title: str,
    content: str,
    channel: str = Channel.PHONE,
    request_type: str = RequestType.HELP,
    category_code: str = "",
    urgency: str = Urgency.NORMAL,
    event_time: datetime | None = None,
    address: str = "",
    location: Point | tuple[float, float] | None = None,
    area_code: str = "",
    caller_name: str = "",
    caller_phone: str = "",
    caller_id_number: str = "",
    is_enterprise: bool = False,
    enterprise_code: str = "",
    contact_allowed: bool = True,
    anonymous: bool = False,
    vulnerable: bool = False,
    language: str = "",
    confidential: bool = False,
    is_whistleblow: bool = False,
    accused_org_id: int | None = None,
    parent_id: int | None = None,
    policy_tag: str = "",
    call_seconds: int | None = None,
    suggestion: dict[str, str] | None = None,
) -> Ticket:
    """受理: write a caller's request down.

    area_code may be left out: the place names it, or else the operator's own area stands for it.
    location: CGCS2000 degrees, longitude first. A report of an offence is always whistle-blowing,
    and what is confidential or whistle-blowing is sealed. suggestion: category, org, why, by.
    """
    at = clock.now()
    point = Point(*location, srid=4490) if isinstance(location, tuple) else location
    area_code = area_code or (locate(point.x, point.y) if point else None) or _own_area(by)
    if area(area_code) is None:
        raise DomainError(
            _("There is no area with the code %(code)s.") % {"code": area_code}, code="no_such_area"
        )
    require(may_take(by, area_code))
    whistleblow = is_whistleblow or request_type == RequestType.REPORT
    category = _category(category_code)
    phone = "" if anonymous else normal_phone(caller_phone)
    id_number = "" if anonymous else normal_id_number(caller_id_number)
    proposed = suggestion or {}
    ticket = Ticket.objects.create(
        number=new_number(at),
        channel=Channel(channel),
        request_type=RequestType(request_type),
        category=category,
        urgency=Urgency(urgency),
        title=m.words(title, _("a title"))[:200],
        content=m.words(content, _("what it is about")),
        event_time=event_time,
        address=address.strip()[:300],
        location=point,
        area_code=area_code,
        caller_name="" if anonymous else caller_name.strip(),
        caller_phone=phone,
        caller_id_number=id_number,
        caller_hash=keyed_hash(phone, purpose="caller"),
        caller_id_hash=keyed_hash(id_number, purpose="caller"),
        is_enterprise=is_enterprise,
        enterprise_code=enterprise_code.strip().upper()[:18],
        contact_allowed=contact_allowed and not anonymous,
        anonymous=anonymous,
        vulnerable=vulnerable,
        language=language,
        confidential=confidential,
        is_whistleblow=whistleblow,
        sealed=confidential or whistleblow,
        accused_org_id=accused_org_id,
        parent_id=parent_id,
        policy_tag=policy_tag,
        state=TicketState.NEW,
        source=LIVE,
        taken_at=at,
        taken_by=by,
        call_seconds=call_seconds,
        suggested_category=proposed.get("category", ""),
        suggested_org=proposed.get("org", ""),
        suggested_why=proposed.get("why", "")[:200],
        suggested_by=proposed.get("by", ""),
    )
    m.write_move(ticket, TAKE, from_state="", by=by, at=at)
    return ticket


@transaction.atomic
def answer_ticket(*, ticket_id: int, reply: str, by: "User") -> Ticket:
    """直接答复办结: the operator's own answer ends it."""
    ticket = m.locked(ticket_id)
    require(may_triage(by, ticket))
    at = clock.now()
    ticket.reply = m.words(reply, _("the answer"))
    ticket.answered_at = ticket.closed_at = at
    m.move(ticket, "answer", by=by, at=at, fields=["reply", "answered_at", "closed_at"])
    return ticket


@transaction.atomic
def reject_ticket(*, ticket_id: int, ground: str, by: "User", note: str = "") -> Ticket:
    """不予受理: with a lawful ground that the caller is told."""
    ticket = m.locked(ticket_id)
    require(may_triage(by, ticket))
    if ground not in RejectGround.values:
        raise DomainError(_("Please choose why it is not accepted."), code="ground_missing")
    at = clock.now()
    ticket.reject_ground, ticket.closed_at = RejectGround(ground), at
    m.move(ticket, "reject", by=by, at=at, fields=["reject_ground", "closed_at"], note=note)
    return ticket


@transaction.atomic
def queue_ticket(*, ticket_id: int, by: "User", note: str = "") -> Ticket:
    """转派单席: leave the choice of the unit to the dispatchers."""
    ticket = m.locked(ticket_id)
    require(may_triage(by, ticket))
    m.move(ticket, "queue", by=by, at=clock.now(), note=note)
    return ticket


@transaction.atomic
def dispatch_ticket(
    *, ticket_id: int, org_id: int, by: "User", note: str = "", urgency: str | None = None
) -> Ticket:
    """派单: lay the request on a unit. The order has the clocks and reaches the unit at once.

    The unit gets the content. Of a sealed ticket it gets nothing that leads to the caller:
    no contact is asked of it, and numbers in the text are masked.
    """
    ticket = m.locked(ticket_id)
    require(may_triage(by, ticket))
    at = clock.now()
    if urgency:
        ticket.urgency = Urgency(urgency)
    contact = ticket.contact_allowed and bool(ticket.caller_phone) and not ticket.sealed
    ticket.order = open_order(
        kind="ticket",
        case_ref=ticket.ref,
        title=mask_text(ticket.title),
        content=mask_text(ticket.content),
        area_code=ticket.area_code,
        org_id=org_id,
        urgency=ticket.urgency,
        request_type=ticket.request_type,
        place=ticket.address,
        location=ticket.location,
        confidential=ticket.sealed,
        contact_needed=contact,
        accused_org_id=ticket.accused_org_id,
        by=by,
    )
    ticket.org = ticket.order.org
    ticket.dispatched_at = at
    fields = ["order", "org", "urgency", "dispatched_at"]
    m.move(ticket, "dispatch", by=by, at=at, fields=fields, note=note)
    return ticket


def new_number(at: datetime) -> str:
    return number_of(at, serials(1)[0])


def number_of(at: datetime, serial: int) -> str:
    """RX (热线), the Shanghai day, and a running number that no two tickets share."""
    return f"RX{shanghai_day(at):%Y%m%d}{serial % 10_000_000:07d}"


def serials(count: int) -> list[int]:
    """The next running numbers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('hotline_ticket_number') FROM generate_series(1, %s)", [count])
        return [int(n) for (n,) in cursor.fetchall()]


def _own_area(user: "User") -> str:
    return next(iter(areas_of(user, *DESK_ROLES)), "")


def _category(code: str) -> Category | None:
    if not code:
        return None
    found = Category.objects.filter(code=code, active=True).first()
    if found is None:
        raise DomainError(_("There is no category %(code)s.") % {"code": code}, code="no_such_category")
    return found
