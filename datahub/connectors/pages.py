"""Records of an HTTP source, page by page, into one batch: all of them, or none.

With a field that tells what is new (since_field), a record that came before is left out: what lies
further back than the overlap, and within it what is known by its number (edge.py). Without one each
pull is the whole, and a whole that is the same as the last is recognised by the hub.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

import pyarrow as pa
from django.utils.translation import gettext as _

from commandcenter.core import clock
from commandcenter.core.times import SHANGHAI
from datahub import outbound
from datahub.faults import reach

from . import edge, jsontext, shape, spool
from .edge import Edge
from .errors import SourceFailed
from .http import Caller, charset_of, with_query
from .jsontext import MISSING, Fields
from .settings import HttpSettings
from .spool import Fetched, Nothing, Spool

AHEAD = timedelta(days=1)
SAMPLE_PAGES = 1


@dataclass
class Page:
    answer: outbound.Answer
    value: Any
    records: list[dict[str, Any]]


@dataclass
class State:
    """Where the source stands, as its row says."""

    cursor: dict[str, Any] = field(default_factory=dict)
    seen: bytes = b""
    etag: str = ""
    modified: str = ""
    before: dict[str, str] = field(default_factory=dict)


def fetch(
    source_id: int, settings: HttpSettings, secret: str, state: State, *, number: int
) -> Fetched | Nothing:
    """Raises SourceFailed, OutboundRefused."""
    if settings.form == "file":
        return _fetch_file(source_id, settings, secret, state)
    return _fetch_records(source_id, settings, secret, state, number)


def sample(settings: HttpSettings, secret: str) -> tuple[Any, outbound.Answer]:
    """The first answer, read: what the steward picks from."""
    answer = Caller(settings, secret).get(_first(settings, {}))
    return jsontext.parse(answer.body, charset=charset_of(answer)), answer


# ---------------------------------------------------------------- one whole file


def _fetch_file(source_id: int, settings: HttpSettings, secret: str, state: State) -> Fetched | Nothing:
    path = spool.new_path(source_id)
    try:
        with open(path, "wb") as file:
            answer = Caller(settings, secret).get(settings.url, extra=_conditions(state), into=file)
        if answer.status == 304:
            path.unlink()
            return Nothing(unchanged=True)
        if not path.stat().st_size:
            raise SourceFailed(_("The answer is empty."), code="bad_answer")
        spool.settle(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    name = urlsplit(answer.url).path.rpartition("/")[2] or urlsplit(settings.url).hostname or "file"
    after = {"etag": answer.headers.get("etag", "")[:300], "modified": _modified(answer)}
    return Fetched(path, file_name=name[:255], after=after, mapping=settings.mapping)


def _conditions(state: State) -> dict[str, str]:
    found = {}
    if state.etag:
        found["If-None-Match"] = state.etag
    if state.modified:
        found["If-Modified-Since"] = state.modified
    return found


def _modified(answer: outbound.Answer) -> str:
    return answer.headers.get("last-modified", "")[:100]


# ---------------------------------------------------------------- pages of records


def _first(settings: HttpSettings, cursor: dict[str, Any]) -> str:
    values = {}
    if settings.paging == "page":
        values[settings.page_param] = str(settings.first_page)
    elif settings.paging == "offset":
        values[settings.page_param] = "0"
    if settings.size_param:
        values[settings.size_param] = str(settings.size)
    if settings.since_param and cursor:
        values[settings.since_param] = since_text(cursor, settings)
    return with_query(settings.url, values) if values else settings.url


def pages(caller: Caller, settings: HttpSettings, state: State) -> Iterator[Page]:
    """One after the other until there is no more; nothing where the source says it is unchanged.

    Raises SourceFailed where pages repeat, or there are more than may be.
    """
    url = _first(settings, state.cursor)
    asked, last_body = {url}, b""
    offset = 0
    for n in range(1, settings.max_pages + 1):
        answer = caller.get(url, extra=_conditions(state) if n == 1 and _single(settings) else {})
        if answer.status == 304:
            return
        value = jsontext.parse(answer.body, charset=charset_of(answer))
        found = jsontext.records(value, settings.record_path)
        body = hashlib.sha256(answer.body).digest()
        if n > 1 and found and body == last_body:
            raise SourceFailed(
                _("Page %(n)s is the same as the page before: the source does not turn pages this way.")
                % {"n": n},
                code="pages_repeat",
            )
        last_body = body
        yield Page(answer, value, found)
        offset += len(found)
        following = _following(settings, url, answer, value, len(found), n, offset)
        if following is None:
            return
        if following in asked:
            raise SourceFailed(_("The pages of the source go round in a circle."), code="pages_repeat")
        asked.add(following)
        url = following
    raise SourceFailed(
        _("The source has more than %(n)s pages.") % {"n": settings.max_pages}, code="too_large"
    )


def _single(settings: HttpSettings) -> bool:
    """An unchanged first page says nothing about those after it."""
    return settings.paging == "none" and not settings.since_param


def _following(
    settings: HttpSettings, url: str, answer: outbound.Answer, value: Any, found: int, n: int, offset: int
) -> str | None:
    """The address of the next page, None after the last."""
    if settings.paging in ("page", "offset"):
        if not found or (settings.size_param and found < settings.size):
            return None
        place = settings.first_page + n if settings.paging == "page" else offset
        return with_query(url, {settings.page_param: str(place)})
    if settings.paging == "token":
        token = jsontext.at(value, settings.next_path)
        if token in (MISSING, None, "", False):
            return None
        if not isinstance(token, str | int):
            raise SourceFailed(_("The token of the next page is no text."), code="bad_answer")
        return with_query(url, {settings.page_param: str(token)})
    if settings.paging == "link":
        link = jsontext.at(value, settings.next_path) if settings.next_path else _link_header(answer)
        if link in (MISSING, None, "", False):
            return None
        if not isinstance(link, str):
            raise SourceFailed(_("The link to the next page is no text."), code="bad_answer")
        following = urljoin(answer.url or url, link)
        outbound.check(following)
        return following
    return None


def _link_header(answer: outbound.Answer) -> str | None:
    for part in answer.headers.get("link", "").split(","):
        found = re.match(r"\s*<([^>]*)>(.*)", part)
        if found and re.search(r';\s*rel="?next"?', found[2], re.IGNORECASE):
            return found[1]
    return None


# ---------------------------------------------------------------- what is new


class Sieve:
    """Lets through what is new by the since field, and knows the newest value."""

    def __init__(self, settings: HttpSettings, state: State) -> None:
        self._settings = settings
        self._identity = settings.identity or tuple(settings.columns)
        self._edge = Edge(state.seen, ordered=False)
        self.last = edge.from_json(state.cursor) if state.cursor else None
        self.newest, self.raw = self.last, state.cursor.get("raw", "")
        self._rows: list[tuple[Any, int]] = []
        self._until = clock.now() + AHEAD
        self.before = self.unplaced = self.ahead = 0

    def __call__(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [row for row in rows if self._fresh(row)]

    def _fresh(self, row: dict[str, Any]) -> bool:
        raw = row.get(self._settings.since_field)
        value = since_value(raw, self._settings.zone)
        if value is None:
            self.unplaced += 1
            return False
        if self.newest is not None and type(value) is not type(self.newest):
            raise SourceFailed(
                _("The field %(name)s holds times and numbers; they have no order.")
                % {"name": self._settings.since_field},
                code="bad_cursor",
            )
        if isinstance(value, datetime) and value > self._until:
            self.ahead += 1
            return False
        if self.last is not None and value < edge.behind(self.last, self._settings.overlap):
            self.before += 1
            return False
        said = tuple(jsontext.as_text(row.get(name)) for name in self._identity)
        this = self._edge.number((value, *said))
        self._rows.append((value, this))
        if self.newest is None or value > self.newest:
            self.newest, self.raw = value, raw
        if self._edge.knows(this):
            self.before += 1
            return False
        return True

    def after(self) -> dict[str, Any]:
        return {"cursor": {**edge.to_json(self.newest), "raw": self.raw}} if self.newest is not None else {}

    def seen(self) -> bytes:
        overlap = self._settings.overlap
        bound = edge.behind(self.newest, overlap) if self.newest is not None else None
        kept = [(this, edge.rank(value)) for value, this in self._rows if value >= bound]
        return edge.pack(self._edge.still(self.newest, self.last, overlap), kept)

    def notes(self) -> list[str]:
        found = []
        if self.before:
            found.append(_("%(n)s records came before and were left out.") % {"n": self.before})
        if self.unplaced:
            found.append(
                _("%(n)s records have no readable %(name)s and were left out.")
                % {"n": self.unplaced, "name": self._settings.since_field}
            )
        if self.ahead:
            found.append(_("%(n)s records lie in the future and were left out.") % {"n": self.ahead})
        return found


def since_value(raw: Any, zone: str) -> Any:
    """A whole number, or a moment; None for anything else."""
    if isinstance(raw, bool) or raw is None:
        return None
    if isinstance(raw, int):
        return raw
    if not isinstance(raw, str):
        return None
    try:
        found = datetime.fromisoformat(raw.strip().replace("/", "-"))
    except ValueError:
        return int(raw) if re.fullmatch(r"-?\d{1,18}", raw.strip()) else None
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC if zone == "UTC" else SHANGHAI)
    try:
        return found.astimezone(UTC)
    except OverflowError:
        return None


def since_text(cursor: dict[str, Any], settings: HttpSettings) -> str:
    """From where to ask, written the way the source writes it."""
    start = edge.behind(edge.from_json(cursor), settings.overlap)
    raw = cursor.get("raw", "")
    if not isinstance(start, datetime) or not isinstance(raw, str):
        return str(start)
    zoned = re.search(r"([+-]\d\d:?\d\d|[zZ])$", raw)
    if zoned:
        written = datetime.fromisoformat(raw.strip().replace("/", "-"))
        start = start.astimezone(written.tzinfo)
    else:
        start = start.astimezone(UTC if settings.zone == "UTC" else SHANGHAI)
    if len(raw.strip()) == 10:
        return start.strftime("%Y/%m/%d" if "/" in raw else "%Y-%m-%d")
    form = f"%Y-%m-%d{'T' if 'T' in raw else ' '}%H:%M:%S{'.%f' if '.' in raw else ''}"
    text = start.strftime(form if "/" not in raw else form.replace("-", "/"))
    return text + (zoned[1].upper() if zoned and zoned[1] in "zZ" else zoned[1] if zoned else "")


# ---------------------------------------------------------------- fetching


def schema_of(settings: HttpSettings) -> pa.Schema:
    return pa.schema([(name, pa.string()) for name in settings.columns])


def arrays_of(settings: HttpSettings, rows: list[dict[str, Any]]) -> list[pa.Array]:
    return [
        pa.array([jsontext.as_text(row.get(name)) for row in rows], pa.string()) for name in settings.columns
    ]


def _fetch_records(
    source_id: int, settings: HttpSettings, secret: str, state: State, number: int
) -> Fetched | Nothing:
    caller = Caller(settings, secret)
    sieve = Sieve(settings, state) if settings.since_field else None
    mark = {"source": f"{source_id}/{number}"} if sieve is not None else None
    fields, read = Fields(), 0
    answer: outbound.Answer | None = None
    with Spool(source_id, schema_of(settings), mark) as out:
        for page in pages(caller, settings, state):
            answer, read = page.answer, read + 1
            rows = [jsontext.flat(record) for record in page.records]
            fields.add(rows)
            if sieve is not None:
                rows = sieve(rows)
            if rows:
                out.add(arrays_of(settings, rows))
            reach("source_mid_fetch")
        if answer is None:
            return Nothing(unchanged=True)
        notes = _compared(settings, state, fields)
        after: dict[str, Any] = {"etag": "", "modified": ""}
        if _single(settings):
            after = {"etag": answer.headers.get("etag", "")[:300], "modified": _modified(answer)}
        if caller.retried:
            notes.append(_("%(n)s requests were repeated.") % {"n": caller.retried})
        if sieve is not None:
            notes += sieve.notes()
        if not out.rows:
            return Nothing(unchanged=bool(sieve and sieve.before), notes=notes)
        seen = None
        if sieve is not None:
            after |= sieve.after()
            seen = sieve.seen()
        name = f"{urlsplit(settings.url).hostname} #{number}"
        return Fetched(out.keep(), file_name=name, rows=out.rows, after=after, seen=seen, notes=notes)


def _compared(settings: HttpSettings, state: State, fields: Fields) -> list[str]:
    """Raises ColumnsChanged. No records say nothing about columns."""
    if not fields.rows:
        return []
    wanted = [*settings.columns, *([settings.since_field] if settings.since_field else [])]
    new = shape.compare(state.before, fields.shape(state.before), dict.fromkeys(wanted))
    return [_("New columns that are not taken: %(names)s.") % {"names": ", ".join(new[:20])}] if new else []
