"""Before a source is switched on: does it answer, what is there to pick from, how would its rows come in."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from commandcenter.core.errors import require
from datahub.checks.guard import HIDDEN, is_guarded
from datahub.declare import DatasetSpec
from datahub.selectors import spec_for
from datahub.sharing.policies import steward_of
from datahub.upload.looking import Look, look
from datahub.vault.masking import SourceMask

from .. import database, folder, jsontext, pages, spool, table
from ..errors import SourceFailed
from ..http import Caller
from ..jsontext import Fields, ListFound
from ..models import Source
from ..settings import DatabaseSettings, FolderSettings, HttpSettings, Settings, parse
from .batches import reading_of

if TYPE_CHECKING:
    from city.models import User

ROWS = 50
EXAMPLES = 3
SHOWN = 60


@dataclass
class Offered:
    """A column of the source that may be taken. kind: as its owner declares it, or as the values look."""

    name: str
    kind: str
    type_name: str = ""
    examples: list[str] = field(default_factory=list)
    key: bool = False
    binary: bool = False


@dataclass
class Answer:
    """What the source shows. records: where lists of records are, of a JSON source."""

    columns: list[Offered] = field(default_factory=list)
    records: list[ListFound] = field(default_factory=list)
    rows: int = 0


def try_connection(*, kind: str, settings: dict[str, Any], secret: str) -> str:
    """As check_connection, of settings that are not saved yet. Raises BadInput too."""
    chosen = parse(kind, settings)
    if isinstance(chosen, FolderSettings):
        folder.make(chosen.folder)
    if isinstance(chosen, DatabaseSettings):
        plain, password = database.parse_url(chosen.url)
        chosen, secret = chosen.model_copy(update={"url": plain}), password or secret
    return check_connection(chosen, secret)


def check_connection(settings: Settings, secret: str) -> str:
    """In one sentence what answered. Raises SourceFailed, OutboundRefused, Unreachable."""
    if isinstance(settings, FolderSettings):
        with folder.opened(settings.folder) as place:
            found, more = folder.look(settings, place)
        n = len(found) + more
        return ngettext(
            "The folder is there; %(n)s file waits.", "The folder is there; %(n)s files wait.", n
        ) % {"n": n}
    if isinstance(settings, DatabaseSettings):
        with database.connected(settings, secret) as connection:
            n = len(database.tables(connection))
        return ngettext(
            "The database answers; %(n)s table can be seen.",
            "The database answers; %(n)s tables can be seen.",
            n,
        ) % {"n": n}
    if settings.form == "file":
        path = spool.new_path(0)
        try:
            with open(path, "wb") as file:
                Caller(settings, secret).get(settings.url, into=file)
            size = path.stat().st_size
        finally:
            path.unlink(missing_ok=True)
        return _("The source answers with a file of %(n)s bytes.") % {"n": f"{size:,}"}
    value, _answer = pages.sample(settings, secret)
    n = len(jsontext.lists(value))
    return ngettext(
        "The source answers; %(n)s list of records was found.",
        "The source answers; %(n)s lists of records were found.",
        n,
    ) % {"n": n}


def list_tables(source: Source, *, by: "User | None") -> list[tuple[str, str]]:
    require(by is None or steward_of(by, source.dataset))
    settings = parse(source.kind, source.settings)
    assert isinstance(settings, DatabaseSettings)
    with database.connected(settings, source.secret or "") as connection:
        return database.tables(connection)


def ask(source: Source, *, by: "User | None") -> Answer:
    """The columns to pick from, with examples; of persons no value is shown that is not mapped."""
    require(by is None or steward_of(by, source.dataset))
    settings, secret = parse(source.kind, source.settings), source.secret or ""
    spec = spec_for(source.dataset)
    if isinstance(settings, DatabaseSettings):
        rows, found = table.preview(settings.model_copy(update={"columns": {}}), secret, rows=ROWS)
        shown = _examples(spec, rows, settings.columns)
        columns = [
            Offered(
                one.name,
                one.kind,
                one.type_name,
                shown.get(one.name, []),
                one.key,
                one.kind == database.BINARY,
            )
            for one in found
        ]
        return Answer(columns, rows=rows.num_rows)
    if isinstance(settings, HttpSettings) and settings.form == "json":
        value, _answer = pages.sample(settings, secret)
        lists = jsontext.lists(value)
        try:
            flat = [jsontext.flat(one) for one in jsontext.records(value, settings.record_path)]
        except SourceFailed:
            return Answer(records=lists)
        fields = Fields()
        fields.add(flat)
        shape = fields.shape()
        texts = pa.table({name: [jsontext.as_text(one.get(name)) for one in flat[:ROWS]] for name in shape})
        shown = _examples(spec, texts, settings.columns)
        columns = [Offered(name, kind.rstrip("?"), "", shown.get(name, [])) for name, kind in shape.items()]
        return Answer(columns, lists, rows=len(flat))
    return Answer()


def _examples(spec: DatasetSpec, rows: pa.Table, mapped: dict[str, str]) -> dict[str, list[str]]:
    mask = SourceMask(spec, mapped)
    found: dict[str, list[str]] = {}
    for name in rows.column_names:
        values = [str(value)[:SHOWN] for value in rows.column(name).to_pylist()[:200] if value is not None]
        chosen = list(dict.fromkeys(values))[:EXAMPLES]
        if is_guarded(spec):
            chosen = list(dict.fromkeys(mask.value(name, value) or HIDDEN for value in chosen))
        found[name] = chosen
    return found


def try_run(source: Source, *, by: "User | None") -> Look | None:
    """The first 50 rows as they would be stored, judged by the dataset's rules; nothing is delivered.

    None where nothing lies in the folder. Raises SourceFailed, OutboundRefused, Unreachable.
    """
    require(by is None or steward_of(by, source.dataset))
    settings, secret = parse(source.kind, source.settings), source.secret or ""
    spec = spec_for(source.dataset)
    if isinstance(settings, FolderSettings):
        with folder.opened(settings.folder) as place:
            ready = [one for one in folder.look(settings, place)[0] if not one.refused]
            taken = folder.take(source.pk, ready[0], place) if ready else None
        if taken is None:
            return None
        path, reading = taken.path, spec.mapping(settings.mapping) if settings.mapping else None
    elif isinstance(settings, HttpSettings) and settings.form == "file":
        path, reading = (
            spool.new_path(source.pk),
            spec.mapping(settings.mapping) if settings.mapping else None,
        )
        with open(path, "wb") as file:
            Caller(settings, secret).get(settings.url, into=file)
    else:
        path, reading = spool.new_path(source.pk, ".parquet"), reading_of(source)
        pq.write_table(_first_rows(settings, secret), path)
    try:
        return look(spec, str(path), reading)
    finally:
        path.unlink(missing_ok=True)


def _first_rows(settings: DatabaseSettings | HttpSettings, secret: str) -> pa.Table:
    if isinstance(settings, DatabaseSettings):
        return table.preview(settings, secret, rows=ROWS)[0]
    value, _answer = pages.sample(settings, secret)
    rows = [jsontext.flat(one) for one in jsontext.records(value, settings.record_path)[:ROWS]]
    return pa.table(pages.arrays_of(settings, rows), schema=pages.schema_of(settings))
