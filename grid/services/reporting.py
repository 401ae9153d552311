"""A report comes in, once, and goes to the unit that answers for it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import IntegrityError, connection, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from city.selectors import area_path_name, responsible_org
from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Conflict, Problem, require
from commandcenter.core.times import shanghai_day
from dispatch.services import open_order
from grid.models import EventKind, Report
from grid.photos import clean_photo
from grid.policies import may_report

from ._moving import move, write_move
from .kinds import ensure_event_kinds
from .places import Place, find_place

if TYPE_CHECKING:
    from city.models import Organisation, User

LONGEST_NOTE = 2_000
# A phone may be without net for days, and its clock may be off; configurable defaults.
OLDEST = timedelta(days=14)
CLOCK_SLACK = timedelta(minutes=5)


def report_event(
    *,
    by: User,
    client_uuid: uuid.UUID | str,
    kind_code: str,
    content: str = "",
    lon: float | None = None,
    lat: float | None = None,
    accuracy_m: float | None = None,
    area_code: str = "",
    place: str = "",
    photo: bytes | None = None,
    happened_at: datetime | None = None,
    solved: bool = False,
    solved_note: str = "",
) -> Report:
    """上报: take what a grid worker saw and send it to the responsible unit, or note it as solved.

    The same client_uuid again gives the same report: a phone may safely send twice. lon, lat in
    WGS-84 degrees as a browser gives them; area_code only counts where no point is known.
    """
    require(may_report(by))
    key = client_uuid if isinstance(client_uuid, uuid.UUID) else _uuid(client_uuid)
    if known := _known(key, by):
        return known
    ensure_event_kinds()
    kind = EventKind.objects.active().filter(code=kind_code).first()
    if kind is None:
        raise BadInput(Problem(None, "kind", _("Please choose what it is.")))
    spot = find_place(by=by, lon=lon, lat=lat, area_code=area_code)
    picture = clean_photo(photo) if photo else None
    at = clock.now()
    try:
        with transaction.atomic():
            return _take(
                by=by,
                key=key,
                kind=kind,
                spot=spot,
                content=content[:LONGEST_NOTE],
                accuracy_m=accuracy_m,
                place=place[:200],
                picture=picture,
                seen_at=_seen_at(happened_at, at),
                solved=solved,
                solved_note=solved_note[:LONGEST_NOTE],
                at=at,
            )
    except IntegrityError:
        if known := _known(key, by):  # the same report came twice at once
            return known
        raise


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise BadInput(Problem(None, "client_uuid", _("Not a report identifier."))) from error


def _known(key: uuid.UUID, by: User) -> Report | None:
    report = Report.objects.filter(client_uuid=key).first()
    if report is not None and report.reporter_id != by.pk:
        raise Conflict(_("This report belongs to somebody else."), code="not_yours")
    return report


def _seen_at(claimed: datetime | None, at: datetime) -> datetime:
    """The phone's moment where it can be believed: neither in the future nor too old."""
    if claimed is None or claimed > at + CLOCK_SLACK or claimed < at - OLDEST:
        return at
    return min(claimed, at)


def _take(
    *,
    by: User,
    key: uuid.UUID,
    kind: EventKind,
    spot: Place,
    content: str,
    accuracy_m: float | None,
    place: str,
    picture: bytes | None,
    seen_at: datetime,
    solved: bool,
    solved_note: str,
    at: datetime,
) -> Report:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", [Report._meta.db_table])
        pk = cursor.fetchone()[0]
    report = Report(
        pk=pk,
        number=f"WG{shanghai_day(at):%Y%m%d}{pk:06d}",
        client_uuid=key,
        kind=kind,
        title=_title(kind, content),
        content=content,
        place=place,
        location=spot.location,
        accuracy_m=accuracy_m,
        area_code=spot.area_code,
        reporter=by,
        happened_at=seen_at,
        reported_at=at,
        solved_note=solved_note,
    )
    report.save(force_insert=True)
    if picture:
        report.photo.save(f"{key.hex}.jpg", ContentFile(picture), save=True)
    write_move(report, "report", "", by=by, at=at)
    if solved:
        report.closed_at = at
        move(report, "solve", by=by, at=at, note=solved_note)
    else:
        _send(report, by=by, at=at)
    return report


def _title(kind: EventKind, content: str) -> str:
    first = content.strip().split("\n")[0][:60]
    return f"{kind.name}：{first}" if first else kind.name


def _send(report: Report, *, by: User, at: datetime) -> None:
    """Open the order at the unit that answers for this kind here; the command centre where none does."""
    org = _receiver(report)
    if org is None:
        write_move(report, "not_sent", report.state, by=None, at=at)
        return
    report.org = org
    order = open_order(
        kind="report",
        case_ref=report.ref,
        title=report.title,
        content=_order_text(report),
        area_code=report.area_code,
        org_id=org.pk,
        urgency=report.kind.urgency,
        place=report.place or area_path_name(report.area_code),
        location=report.location,
        confidential=report.kind.confidential,
        by=by,
    )
    report.order_ref = order.ref
    move(report, "dispatch", by=by, at=at, body={"order": order.number, "org_code": org.code})


def _receiver(report: Report) -> Organisation | None:
    found = responsible_org(report.area_code, report.kind.function)
    return found or responsible_org(report.area_code, "command")


def _order_text(report: Report) -> str:
    with translation.override(settings.LANGUAGE_CODE):
        lines = [report.content] if report.content else []
        lines.append(
            _("Reported by grid worker %(name)s, report %(number)s.")
            % {"name": report.reporter.display_name, "number": report.number}
        )
        if report.kind.sla:
            lines.append(_("Suggested limit for this kind: %(limit)s.") % {"limit": report.kind.sla})
    return "\n".join(lines)
