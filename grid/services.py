"""The writers of grid: a report, its order, its end."""

from __future__ import annotations

import csv
import logging
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.gis.geos import Point
from django.core.files.base import ContentFile
from django.db import IntegrityError, connection, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from city.locate import locate
from city.selectors import area, area_path_name, organisation, responsible_org
from commandcenter.core import clock
from commandcenter.core.coordinates import wgs84_to_cgcs2000
from commandcenter.core.errors import BadInput, Conflict, Problem, require
from commandcenter.core.moves import next_state
from commandcenter.core.refs import id_of
from commandcenter.core.times import shanghai_day
from commandcenter.journal.live import announce
from dispatch.services import open_order

from .events import ReportMoved
from .models import EventKind, Report, ReportMove
from .photos import clean_photo
from .policies import may_choose, may_report
from .states import MOVES, ReportState

if TYPE_CHECKING:
    from city.models import Organisation, User

log = logging.getLogger(__name__)
REF = "grid.report"
KINDS_FILE = Path(__file__).parent / "data" / "event_kinds.csv"
LONGEST_NOTE = 2_000
# A phone may be without net for days, and its clock may be off; configurable defaults.
OLDEST = timedelta(days=14)
CLOCK_SLACK = timedelta(minutes=5)


@transaction.atomic
def load_event_kinds() -> dict[str, int]:
    """Bring the list of kinds in line with the data file; what left the file is switched off, not deleted."""
    with KINDS_FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    known = {kind.code: kind for kind in EventKind.objects.all()}
    counts = {"new": 0, "changed": 0, "same": 0}
    for row in rows:
        wanted = {
            name: row[name]
            for name in (
                "name",
                "name_en",
                "group",
                "class_name",
                "class_name_en",
                "function",
                "sla",
                "urgency",
            )
        }
        wanted |= {
            "confidential": row["confidential"] == "1",
            "common": int(row["common"]),
            "active": True,
            "source": row["verification"],
        }
        kind = known.pop(row["code"], None)
        if kind is None:
            EventKind.objects.create(code=row["code"], **wanted)
            counts["new"] += 1
            continue
        changed = [name for name, value in wanted.items() if getattr(kind, name) != value]
        for name in changed:
            setattr(kind, name, wanted[name])
        if changed:
            kind.save(update_fields=changed)
        counts["changed" if changed else "same"] += 1
    EventKind.objects.filter(code__in=known, active=True).update(active=False)
    return counts


def ensure_event_kinds() -> None:
    """A new city has its list at the first look."""
    if not EventKind.objects.exists():
        load_event_kinds()


@dataclass(frozen=True)
class Place:
    """Where it is: an area, and a point when the phone knew it."""

    area_code: str
    location: Point | None


def find_place(*, by: User, lon: float | None, lat: float | None, area_code: str = "") -> Place:
    """The measured point's area, else the area chosen by hand. lon, lat: degrees in WGS-84.

    Raises BadInput where neither lies in the city.
    """
    point, found = None, None
    if lon is not None and lat is not None:
        x, y = wgs84_to_cgcs2000(lon, lat)
        found = locate(float(x), float(y))
        point = Point(float(x), float(y), srid=4490)
    if found:
        return Place(found, point)
    if area_code:
        require(may_choose(by, area_code), _("You may only choose areas of your own duty."))
        if area(area_code) is None:
            raise BadInput(Problem(None, "area_code", _("There is no such area.")))
        return Place(area_code, None)
    reason = (
        _("The place lies outside the city; please choose the area.")
        if point
        else _("Please choose the area.")
    )
    raise BadInput(Problem(None, "area_code", reason))


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
    _write(report, "report", "", by=by, at=at)
    if solved:
        report.closed_at = at
        _move(report, "solve", by=by, at=at, note=solved_note)
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
        _write(report, "not_sent", report.state, by=None, at=at)
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
    _move(report, "dispatch", by=by, at=at, body={"order": order.number, "org_code": org.code})


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


@transaction.atomic
def follow_order(*, payload: dict[str, Any]) -> None:
    """The order of a report moved: its end closes the report. Safe to run twice.

    A child order (assist, passed down) names its parent order as its case, so it does not end here.
    """
    report_id = id_of(payload["case_ref"], REF)
    action, at = payload["action"], clock.now()
    if report_id is None or action not in ("open", "close", "redo", "return", "cancel"):
        return
    report = Report.objects.select_for_update(of=("self",)).select_related("kind", "org").get(pk=report_id)
    order_ref, body = f"dispatch.order:{payload['order_id']}", {"order": payload["number"], "because": action}
    if action == "open" and report.order_ref != order_ref:
        # After a return the dispatcher sends the case to another unit by a new order.
        report.order_ref = order_ref
        report.org = organisation(payload["org_code"]) or report.org
        if report.state == ReportState.REPORTED:
            _move(report, "dispatch", by=None, at=at, body=body)
        else:
            report.save(update_fields=["order_ref", "org"])
    elif report.order_ref != order_ref:
        return
    elif action == "close" and report.state == ReportState.DISPATCHED:
        report.closed_at = at
        _move(report, "close", by=None, at=at, body=body)
    elif action in ("return", "cancel") and report.state == ReportState.DISPATCHED:
        _move(report, "take_back", by=None, at=at, body=body)
    elif action == "redo" and report.state == ReportState.CLOSED:
        report.closed_at = None
        _move(report, "redo", by=None, at=at, body=body)


def _move(
    report: Report, action: str, *, by: User | None, at: datetime, note: str = "", body: Any = None
) -> None:
    before = report.state
    report.state = next_state(MOVES, action, before)
    report.save()
    _write(report, action, before, by=by, at=at, note=note, body=body)


def _write(
    report: Report,
    action: str,
    before: str,
    *,
    by: User | None,
    at: datetime,
    note: str = "",
    body: Any = None,
) -> None:
    ReportMove.objects.create(
        report=report,
        action=action,
        from_state=before,
        to_state=report.state,
        by=by,
        by_name=by.display_name if by else "",
        note=note,
        body=body or {},
        at=at,
    )
    hidden = report.kind.confidential
    announce(
        ReportMoved(
            area_code=report.area_code,
            audiences=[*(["command"] if hidden else ["command", "leader"]), f"user:{report.reporter_id}"],
            at=at,
            report_id=report.pk,
            number=report.number,
            title="" if hidden else report.title,
            action=action,
            from_state=before,
            to_state=report.state,
            kind_code="" if hidden else report.kind.code,
            kind_name="" if hidden else report.kind.name,
            urgency=report.kind.urgency,
            confidential=hidden,
            org_code="" if hidden or report.org is None else report.org.code,
            order_ref=report.order_ref,
            reporter_id=report.reporter_id,
        )
    )
