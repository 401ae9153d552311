"""Importing old tickets: their own times, no clocks, no orders, no news."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.contrib.gis.geos import Point
from django.db import connection, transaction
from django.utils.translation import gettext as _

from city.locate import locate
from city.selectors import area, roots
from commandcenter.core import clock
from commandcenter.core.coordinates import TO_CGCS2000
from commandcenter.core.crypto import keyed_hash
from commandcenter.core.errors import Problem
from hotline.classify.classes import TIPDM_CLASSES
from hotline.classify.store import active_model
from hotline.classify.suggest import guess_with
from hotline.imports.mapping import CHANNELS, REQUEST_TYPES, YES, ColumnMapping, find_mapping
from hotline.imports.tables import Table, read_table
from hotline.imports.values import Unreadable, clean_text, parse_degree, parse_time
from hotline.models import Category, ImportRun, Ticket, TicketMove
from hotline.phones import normal_phone
from hotline.states import IMPORT, Channel, RequestType, TicketState, Urgency

from .tickets import number_of, serials

BATCH = 500
KEPT_PROBLEMS = 1_000


@dataclass
class Result:
    run: ImportRun
    problems: list[Problem] = field(default_factory=list)


class _BadRow(ValueError):
    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column


def import_tickets(*, path: Path, mapping: str) -> Result:
    """Take a whole file or nothing of it.

    A row that cannot be read is rejected with its reason and stops no other. A row whose
    (source, id) is known already is a duplicate. Everything is written in one transaction.
    """
    how = find_mapping(mapping)
    at = clock.now()
    table = read_table(path)
    reader = _Rows(how, table, path.name, at)
    tickets, problems = reader.read()
    with transaction.atomic():
        with connection.cursor() as cursor:  # two imports of one source wait for each other
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"hotline.import:{how.source}"])
        fresh = _without_known(how.source, tickets)
        _suggest(fresh)
        _write(fresh, at, how)
        run = ImportRun.objects.create(
            mapping=how.name,
            file_name=path.name[:200],
            digest=_digest(path),
            encoding=table.encoding[:20],
            at=at,
            rows_in=table.rows_in,
            taken=len(fresh),
            duplicates=len(tickets) - len(fresh),
            rejected=table.rows_in - len(tickets),
            problems=[
                {"row": one.row, "column": one.field, "reason": str(one.reason)}
                for one in problems[:KEPT_PROBLEMS]
            ],
        )
    return Result(run, problems)


def _without_known(source: str, tickets: list[Ticket]) -> list[Ticket]:
    """The first of each id in the file that the table does not hold."""
    ids = [ticket.external_id for ticket in tickets]
    known: set[str] = set()
    for start in range(0, len(ids), 5_000):
        part = ids[start : start + 5_000]
        rows = Ticket.objects.filter(source=source, external_id__in=part)
        known.update(rows.values_list("external_id", flat=True))
    fresh = []
    for ticket in tickets:
        if ticket.external_id not in known:
            known.add(ticket.external_id)
            fresh.append(ticket)
    return fresh


def _suggest(tickets: list[Ticket]) -> None:
    """What the words of an unlabelled ticket say of its category; a suggestion, never a fact."""
    model = active_model()
    for ticket in tickets:
        if ticket.category is not None:
            continue
        for guess in guess_with(model, ticket.title, ticket.content, most=1):
            ticket.suggested_category, ticket.suggested_by = guess.code, guess.by
            ticket.suggested_why = guess.reason[:200]


def _write(tickets: list[Ticket], at: datetime, how: ColumnMapping) -> None:
    numbers = serials(len(tickets))
    for ticket, serial in zip(tickets, numbers, strict=True):
        ticket.number = number_of(ticket.taken_at, serial)
    made = Ticket.objects.bulk_create(tickets, batch_size=BATCH)
    TicketMove.objects.bulk_create(
        [
            TicketMove(
                ticket=ticket,
                action=IMPORT,
                to_state=ticket.state,
                at=at,
                area_code=ticket.area_code,
                note=how.name,
            )
            for ticket in made
        ],
        batch_size=BATCH,
    )


class _Rows:
    """Rows of one table as unsaved tickets."""

    def __init__(self, how: ColumnMapping, table: Table, file: str, at: datetime) -> None:
        self.how, self.table, self.file, self.at = how, table, file, at
        self.places = how.resolve(table.header, file)
        self.categories = {row.code: row for row in Category.objects.all()}
        self.root = next(iter(roots()), "")

    def read(self) -> tuple[list[Ticket], list[Problem]]:
        tickets, problems = [], list(self.table.problems)
        for number, values in self.table.rows:
            try:
                tickets.append(self._ticket(values))
            except _BadRow as error:
                problems.append(Problem(number, error.column, str(error), self.file))
        return tickets, sorted(problems, key=lambda one: one.row or 0)

    def _raw(self, values: list[str], target: Any) -> str:
        at = self.places.get(target)
        text = values[at] if at is not None else ""
        return text if text.strip() else self.how.constants.get(target, "")

    def _column(self, target: str) -> str:
        at = self.places.get(target)
        return self.table.header[at] if at is not None else target

    def _time(self, values: list[str], target: Any) -> datetime | None:
        raw = self._raw(values, target)
        if not raw.strip():
            return None
        try:
            return parse_time(raw, now=self.at)
        except Unreadable as error:
            raise _BadRow(self._column(target), str(error)) from error

    def _one_of(
        self, values: list[str], target: Any, names: dict[str, str], allowed: Any, default: str
    ) -> str:
        raw = self._raw(values, target).strip()
        found = names.get(raw, raw.lower()) if raw else default
        if found not in allowed.values:
            raise _BadRow(self._column(target), _("“%(value)s” is not known here.") % {"value": raw[:40]})
        return str(found)

    def _point(self, values: list[str]) -> Point | None:
        lon, lat = self._raw(values, "lon"), self._raw(values, "lat")
        if not lon.strip() and not lat.strip():
            return None
        degrees = []
        for target, raw, limit in (("lon", lon, 180.0), ("lat", lat, 90.0)):
            try:
                degrees.append(parse_degree(raw, limit=limit))
            except Unreadable as error:
                raise _BadRow(self._column(target), str(error)) from error
        x, y = TO_CGCS2000[self.how.datum](*degrees)
        return Point(float(x), float(y), srid=4490)

    def _ticket(self, values: list[str]) -> Ticket:
        content = clean_text(self._raw(values, "content"))
        title = clean_text(self._raw(values, "title"), longest=200).replace("\n", " ") or content[:60]
        if not content:
            raise _BadRow(self._column("content"), _("The value is missing."))
        taken_at, answered_at = self._time(values, "taken_at"), self._time(values, "answered_at")
        if taken_at is None:
            raise _BadRow(self._column("taken_at"), _("The value is missing."))
        if answered_at and answered_at < taken_at:
            raise _BadRow(self._column("answered_at"), _("The answer is older than the request."))
        reply = clean_text(self._raw(values, "reply"))
        request_type = self._one_of(values, "request_type", REQUEST_TYPES, RequestType, RequestType.OTHER)
        confidential = self._raw(values, "confidential").strip().lower() in YES
        whistleblow = request_type == RequestType.REPORT
        phone = normal_phone(self._raw(values, "caller_phone"))
        token = self._raw(values, "caller_token").strip()
        point = self._point(values)
        category = self._category(values)
        return Ticket(
            external_id=self._external_id(values, title, content, taken_at),
            source=self.how.source,
            channel=self._one_of(values, "channel", CHANNELS, Channel, Channel.WEB),
            request_type=request_type,
            category=category,
            urgency=self._one_of(values, "urgency", {}, Urgency, Urgency.NORMAL),
            title=title,
            content=content,
            event_time=self._time(values, "event_time"),
            address=clean_text(self._raw(values, "address"), longest=300),
            location=point,
            area_code=self._area(values, point),
            caller_name=clean_text(self._raw(values, "caller_name") or token, longest=100),
            caller_phone=phone,
            caller_hash=keyed_hash(
                phone or (f"{self.how.source}:{token}" if token else ""), purpose="caller"
            ),
            confidential=confidential,
            is_whistleblow=whistleblow,
            sealed=confidential or whistleblow,
            state=TicketState.CLOSED if reply or answered_at else TicketState.ARCHIVED,
            taken_at=taken_at,
            reply=reply,
            answered_at=answered_at,
            closed_at=answered_at,
        )

    def _external_id(self, values: list[str], title: str, content: str, taken_at: datetime) -> str:
        given = self._raw(values, "external_id").strip()
        if given:
            if len(given) > 64:
                raise _BadRow(self._column("external_id"), _("The value is too long."))
            return given
        if "external_id" in self.how.required:
            raise _BadRow(self._column("external_id"), _("The value is missing."))
        return hashlib.sha256(f"{taken_at.isoformat()}\n{title}\n{content}".encode()).hexdigest()

    def _area(self, values: list[str], point: Point | None) -> str:
        given = self._raw(values, "area_code").strip()
        if given:
            if area(given) is None:
                raise _BadRow(
                    self._column("area_code"), _("“%(value)s” is not known here.") % {"value": given[:40]}
                )
            return given
        return (locate(point.x, point.y) if point else None) or self.root

    def _category(self, values: list[str]) -> Category | None:
        given, name = self._raw(values, "category").strip(), self._raw(values, "class").strip()
        if given:
            if given not in self.categories:
                raise _BadRow(
                    self._column("category"), _("“%(value)s” is not known here.") % {"value": given[:40]}
                )
            return self.categories[given]
        if name and self.how.classes == "tipdm":
            if name not in TIPDM_CLASSES:
                raise _BadRow(
                    self._column("class"), _("“%(value)s” is not known here.") % {"value": name[:40]}
                )
            return self.categories.get(TIPDM_CLASSES[name].first)
        return None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
