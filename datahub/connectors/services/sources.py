"""Connecting a source, changing it, switching it on and off. Secrets go in and never come out."""

from datetime import time
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from sqlalchemy.engine import make_url

from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Conflict, Problem, require
from commandcenter.journal.services import audit
from datahub import outbound
from datahub.models import Dataset
from datahub.selectors import dataset as find_dataset
from datahub.selectors import spec_for
from datahub.sharing.policies import steward_of
from datahub.states import DatasetStatus

from .. import database, folder, pages, table
from ..errors import SourceFailed
from ..jsontext import Fields, flat, records
from ..models import Source
from ..settings import DatabaseSettings, FolderSettings, HttpSettings, Settings, parse
from ..states import Rhythm
from ..timing import next_run
from .leases import tell

if TYPE_CHECKING:
    from city.models import User

SAMPLE_ROWS = 50
# A change of one of these makes it another source: where it had got to means nothing there.
PLACE = ("url", "schema_name", "table", "cursor", "record_path", "since_field", "form")


def save_source(
    *,
    by: "User | None",
    dataset_code: str,
    name: str,
    kind: str,
    settings: dict[str, Any],
    secret: str | None = None,
    rhythm: str = Rhythm.EVERY,
    every_s: int = 3_600,
    daily_at: time | None = None,
    ready: bool = False,
    source_id: int | None = None,
) -> Source:
    """Connect a source or change one. secret: None keeps what is there, '' takes it away.

    ready: it goes on its rhythm; then it is asked once for its columns, so it has to answer. by None:
    from the command line. Raises BadInput, SourceFailed, OutboundRefused, Conflict.
    """
    found = find_dataset(dataset_code)
    require(by is None or steward_of(by, found))
    before = Source.objects.get(pk=source_id) if source_id is not None else None
    if before is not None and (before.dataset_id != found.pk or before.kind != kind):
        raise Conflict(_("A source stays with its dataset and its kind; make a new one."))
    if found.status == DatasetStatus.RETIRED:
        raise Conflict(_("This dataset is out of use; nothing is taken in."))
    chosen, secret = _checked(kind, settings, secret, before)
    _columns_exist(found, chosen)
    shape: dict[str, str] | None = None
    if ready:
        _complete(chosen)
        known = secret if secret is not None else (before.secret or "" if before else "")
        chosen, shape = describe(chosen, known)
    at = clock.now()
    values: dict[str, Any] = {
        "name": name.strip()[:120],
        "settings": chosen.model_dump(mode="json"),
        "folder": chosen.folder if isinstance(chosen, FolderSettings) else "",
        "rhythm": rhythm,
        "every_s": every_s,
        "daily_at": daily_at if rhythm == Rhythm.DAILY else None,
    }
    if not values["name"]:
        raise BadInput(Problem(None, "name", _("Give it a name.")))
    if rhythm not in Rhythm.values or (rhythm == Rhythm.DAILY and daily_at is None) or every_s < 10:
        raise BadInput(Problem(None, "rhythm", _("Every ten seconds or more, or a time of day.")))
    if shape is not None:
        values["shape"] = shape
    try:
        with transaction.atomic():
            return _write(found, kind, values, secret, before, ready=ready, by=by, at=at)
    except IntegrityError as error:
        field, why = (
            ("folder", _("Another source watches this folder."))
            if "source_folder_once" in str(error)
            else ("name", _("The dataset has a source of this name."))
        )
        raise BadInput(Problem(None, field, why)) from error


def _write(
    found: Dataset,
    kind: str,
    values: dict[str, Any],
    secret: str | None,
    before: Source | None,
    *,
    ready: bool,
    by: "User | None",
    at: Any,
) -> Source:
    if before is None:
        source = Source(dataset=found, kind=kind, made_by=by, made_at=at)
        changed = ["name"]
    else:
        source = Source.objects.select_for_update(of=("self",)).select_related("dataset").get(pk=before.pk)
        if source.lease and source.lease_until and source.lease_until > at:
            raise Conflict(_("This source is running now; change it when it is through."))
        old = source.settings
        changed = sorted(name for name in values["settings"] if old.get(name) != values["settings"][name])
        if any(name in changed for name in PLACE):
            source.cursor, source.seen, source.etag, source.modified = {}, b"", "", ""
            source.shape = {}
        elif changed:
            source.etag = source.modified = ""
    for name, value in values.items():
        setattr(source, name, value)
    if secret is not None:
        source.secret = secret
    source.ready = source.ready or ready
    if source.ready:
        source.next_run_at = at if before is None or not before.ready else next_run(source, at)
    source.save()
    body = {"dataset": found.code, "kind": kind, "changed": changed, "ready": source.ready}
    audit(actor=by, action="datahub.save_source", target_ref=source.ref, body=body)
    if secret is not None:
        audit(
            actor=by,
            action="datahub.set_source_secret",
            target_ref=source.ref,
            body={"what": "set" if secret else "taken away"},
        )
    tell(source)
    return source


def _checked(
    kind: str, values: dict[str, Any], secret: str | None, before: Source | None
) -> tuple[Settings, str | None]:
    """The settings without a secret in them, and the secret. The address has to be allowed now already."""
    chosen = parse(kind, values)
    if isinstance(chosen, FolderSettings):
        folder.make(chosen.folder)
        return chosen, None
    if isinstance(chosen, DatabaseSettings):
        plain, password = database.parse_url(chosen.url)
        chosen = chosen.model_copy(update={"url": plain})
        secret = password or secret
        if not plain.startswith("sqlite"):
            url = make_url(plain)
            outbound.check_address(str(url.host), int(url.port or 5432))
    else:
        outbound.check(chosen.url)
        if chosen.secret_in == "none":
            secret = "" if before is None or before.secret else None
    # A password is told to the place it was given for, and to no other.
    if secret is None and before is not None and before.secret and _moved(before, chosen):
        secret = ""
    return chosen, secret


def _moved(before: Source, chosen: DatabaseSettings | HttpSettings) -> bool:
    old = parse(before.kind, before.settings)
    if isinstance(chosen, HttpSettings) and isinstance(old, HttpSettings):
        return outbound.origin_of(old.url) != outbound.origin_of(chosen.url)
    if isinstance(chosen, DatabaseSettings) and isinstance(old, DatabaseSettings):
        a, b = make_url(old.url), make_url(chosen.url)
        return (a.host, a.port, a.username) != (b.host, b.port, b.username)
    return True


def _columns_exist(found: Dataset, chosen: Settings) -> None:
    """Columns are mapped to columns that the dataset has."""
    if isinstance(chosen, FolderSettings):
        if chosen.mapping and spec_for(found).mapping(chosen.mapping) is None:
            raise BadInput(Problem(None, "mapping", _("The dataset has no such mapping.")))
        return
    there = {column.code for column in spec_for(found).columns}
    unknown = sorted(set(chosen.columns.values()) - there)
    if unknown:
        raise BadInput(
            Problem(None, "columns", _("No such column: %(names)s") % {"names": ", ".join(unknown)})
        )


def _complete(chosen: Settings) -> None:
    if isinstance(chosen, DatabaseSettings) and not chosen.table:
        raise BadInput(Problem(None, "table", _("Choose a table.")))
    by_records = isinstance(chosen, HttpSettings) and chosen.form == "json"
    if (isinstance(chosen, DatabaseSettings) or by_records) and not chosen.columns:  # type: ignore[union-attr]
        raise BadInput(Problem(None, "columns", _("Choose at least one column.")))


def describe(chosen: Settings, secret: str) -> tuple[Settings, dict[str, str]]:
    """The settings with what tells rows apart, and the shape of the source as it is now.

    Asks the source. Raises SourceFailed, OutboundRefused, ColumnsChanged.
    """
    if isinstance(chosen, DatabaseSettings):
        with database.connected(chosen, secret) as connection:
            there = database.columns(connection, chosen)
            names = {column.name for column in there}
            key = tuple(column.name for column in there if column.key)
            kept = tuple(name for name in chosen.identity if name in names)
            chosen = chosen.model_copy(update={"identity": kept or key or tuple(chosen.columns)})
            table.pick(connection, chosen, {})
            return chosen, {column.name: column.kind for column in there}
    if isinstance(chosen, HttpSettings) and chosen.form == "json":
        value, _answer = pages.sample(chosen, secret)
        fields = Fields()
        fields.add([flat(record) for record in records(value, chosen.record_path)])
        shape = fields.shape()
        if chosen.since_field and fields.rows and chosen.since_field not in shape:
            raise SourceFailed(
                _("The records have no field %(name)s.") % {"name": chosen.since_field}, code="bad_cursor"
            )
        # Columns may be chosen differently later; what is known of the edge stays known.
        return chosen.model_copy(update={"identity": chosen.identity or tuple(chosen.columns)}), shape
    return chosen, {}


@transaction.atomic
def set_paused(*, source_id: int, paused: bool, by: "User | None") -> Source:
    """Stop or go on; a run that is under way ends by itself. What was missed is not made up for."""
    source = _mine(source_id, by)
    source.paused = paused
    if not paused:
        source.failures = 0
        if source.ready:
            source.next_run_at = clock.now()
    source.save(update_fields=["paused", "failures", "next_run_at"])
    audit(actor=by, action="datahub.pause_source", target_ref=source.ref, body={"paused": paused})
    tell(source)
    return source


@transaction.atomic
def run_soon(*, source_id: int, by: "User | None") -> Source:
    """Its turn is now: the next worker takes it."""
    source = _mine(source_id, by)
    if not source.ready:
        raise Conflict(_("The source is not switched on yet."))
    if source.paused:
        raise Conflict(_("The source is paused."))
    source.next_run_at = clock.now()
    source.save(update_fields=["next_run_at"])
    audit(actor=by, action="datahub.run_source", target_ref=source.ref)
    return source


def accept_columns(*, source_id: int, by: "User | None") -> Source:
    """The columns are as they are now: the steward has seen it, and the next run compares with this."""
    source = Source.objects.select_related("dataset").get(pk=source_id)
    require(by is None or steward_of(by, source.dataset))
    _chosen, shape = describe(parse(source.kind, source.settings), source.secret or "")
    with transaction.atomic():
        held = _mine(source_id, by)
        held.shape = shape
        held.next_run_at = clock.now() if held.ready else held.next_run_at
        held.save(update_fields=["shape", "next_run_at"])
        audit(actor=by, action="datahub.accept_columns", target_ref=held.ref, body={"columns": sorted(shape)})
    return held


@transaction.atomic
def drop_draft(*, source_id: int, by: "User | None") -> None:
    """A source that never ran goes; one that ran is paused, for its runs are a record."""
    source = _mine(source_id, by)
    if source.ready or source.runs.exists():
        raise Conflict(_("A source that has run is paused, not removed."))
    audit(actor=by, action="datahub.drop_source", target_ref=source.ref, body={"name": source.name})
    source.delete()


def _mine(source_id: int, by: "User | None") -> Source:
    found = Source.objects.select_for_update(of=("self",)).select_related("dataset").get(pk=source_id)
    require(by is None or steward_of(by, found.dataset))
    return found
