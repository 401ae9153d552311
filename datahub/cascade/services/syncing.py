"""Fetching from a peer, page by page; a kill at any moment neither loses nor doubles a row.

    page arrives → written to a file → Batch row commits (fetched) → delivered → route moves on

What was fetched is on the disk before anything is delivered, and the delivery is known by the route
and the batch's number: a repeat after a kill is recognised by the hub and adds nothing. Only when the
batch is in the lake does the route's position move, in the same transaction as the batch's state.
"""

import hashlib
import json
import logging
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from pydantic import ValidationError

from commandcenter.core import clock
from commandcenter.core.errors import DomainError
from commandcenter.core.moves import next_state
from datahub import outbound
from datahub.faults import reach
from datahub.models import Delivery
from datahub.services import deliver
from datahub.states import DeliveryState, SourceKind

from ..models import Batch, Entry, Peer, Route
from ..states import BATCH_MOVES, BatchState
from .peers import declared

log = logging.getLogger(__name__)
PAGE_ROWS = 20_000
BATCHES_A_RUN = 2_000
_LOCK = 7_412  # first key of the advisory locks of routes
SHARE = "/api/share/v1"


class PeerFailed(DomainError):
    """The peer answered with something else than rows."""

    code = "peer_failed"


def sync_all(*, once: bool = True) -> dict[str, dict[str, Any]]:
    """Every active peer; one that cannot be reached holds up no other."""
    return {peer.code: sync_peer(peer_code=peer.code, once=once) for peer in Peer.objects.filter(active=True)}


def sync_peer(*, peer_code: str, once: bool = False, page_rows: int = PAGE_ROWS) -> dict[str, Any]:
    """Its catalogue, then every route until nothing is new; with `once` one batch per route.

    Returns rows and batches by direction, and what went wrong.
    """
    peer = Peer.objects.get(code=peer_code)
    done: dict[str, Any] = {"entries": 0, "rows": {}, "batches": {}, "errors": []}
    try:
        done["entries"] = sync_catalogue(peer=peer)
    except DomainError as error:
        _peer_said(peer, str(error))
        done["errors"].append(str(error))
        return done
    for route in peer.routes.filter(paused=False).order_by("pk"):
        try:
            rows, batches = sync_route(route_id=route.pk, once=once, page_rows=page_rows)
        except DomainError as error:
            Route.objects.filter(pk=route.pk).update(last_error=str(error)[:300])
            done["errors"].append(f"{route.remote_code}: {error}")
            continue
        done["rows"][route.direction] = done["rows"].get(route.direction, 0) + rows
        done["batches"][route.direction] = done["batches"].get(route.direction, 0) + batches
    _peer_said(peer, "; ".join(done["errors"]))
    return done


def _peer_said(peer: Peer, error: str) -> None:
    values: dict[str, Any] = {"last_error": error[:300]}
    if not error:
        values["last_at"] = clock.now()
    Peer.objects.filter(pk=peer.pk).update(**values)


def sync_catalogue(*, peer: Peer) -> int:
    """What the peer shows us, as its entries; what it shows no longer is marked gone, not forgotten."""
    answer = _get(peer, f"{SHARE}/catalogue", accept="application/json")
    try:
        found = json.loads(answer.body)["datasets"]
        rows = [(str(one["code"])[:80], str(one["name"])[:200], one) for one in found]
    except (ValueError, KeyError, TypeError) as error:
        raise PeerFailed(f"{peer.code}: catalogue: {error}") from error
    at = clock.now()
    with transaction.atomic():
        for code, name, body in rows:
            entry = Entry(peer=peer, code=code, name=name, body=body, seen_at=at)
            try:
                declared(entry)
            except ValidationError as error:
                log.warning("%s shows %s in a form not known here: %s", peer.code, code, error)
                continue
            Entry.objects.update_or_create(
                peer=peer, code=code, defaults={"name": name, "body": body, "seen_at": at, "gone_at": None}
            )
        gone = Entry.objects.filter(peer=peer, gone_at=None).exclude(code__in=[code for code, _n, _b in rows])
        gone.update(gone_at=at)
    return len(rows)


def sync_route(*, route_id: int, once: bool = False, page_rows: int = PAGE_ROWS) -> tuple[int, int]:
    """Rows and batches that came in. Finishes what a killed run left before it fetches anything new."""
    rows = batches = 0
    with _alone(route_id) as mine:
        # The walk that a former run began ends at its own version: only an empty page says "nothing new".
        while mine and batches < BATCHES_A_RUN:
            route = Route.objects.select_related("peer", "dataset").get(pk=route_id)
            batch = route.batches.exclude(state=BatchState.DELIVERED).order_by("number").first()
            if batch is None:
                batch, more = fetch(route, page_rows)
            else:
                batch, more = left_over(route, batch), True
            if batch is not None:
                bring_in(route, batch)
                rows += batch.rows
                batches += 1
            if once or not (batch or more):
                break
    return rows, batches


@contextmanager
def _alone(route_id: int) -> Iterator[bool]:
    """One run per route at a time; the lock goes with the connection of a killed one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK, route_id])
        got = bool(cursor.fetchone()[0])
    try:
        yield got
    finally:
        if got:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK, route_id])


def fetch(route: Route, page_rows: int) -> tuple[Batch | None, bool]:
    """The next page as a batch on disk, and whether there is more. An empty page only moves the place."""
    asked = {"format": "arrow", "limit": str(page_rows)}
    if route.position:
        asked["cursor"] = route.position
    path = f"{SHARE}/{quote(route.remote_code)}/rows?{urlencode(asked)}"
    answer = _get(route.peer, path, accept="application/vnd.apache.arrow.stream")
    following, resume = answer.headers.get("x-next-cursor", ""), answer.headers.get("x-resume-cursor", "")
    try:
        with pa.ipc.open_stream(pa.py_buffer(answer.body)) as reader:
            table = reader.read_all()
        declared_rows = int(answer.headers["x-rows"])
    except (pa.ArrowException, KeyError, ValueError, OSError) as error:
        raise PeerFailed(f"{route.remote_code}: {error}"[:300]) from error
    if table.num_rows != declared_rows or not resume:
        raise PeerFailed(f"{route.remote_code}: {declared_rows} rows declared, {table.num_rows} came")
    to = following or resume
    if not table.num_rows:
        Route.objects.filter(pk=route.pk).update(position=to, last_at=clock.now(), last_error="")
        return None, bool(following)
    reach("cascade_arrived")
    number = route.number + 1
    file = _write(route, number, table)
    batch = Batch.objects.create(
        route=route,
        number=number,
        from_position=route.position,
        to_position=to,
        path=str(file),
        digest=hashlib.sha256(file.read_bytes()).hexdigest(),
        rows=table.num_rows,
        fetched_at=clock.now(),
    )
    reach("cascade_fetched")
    return batch, bool(following)


def folder() -> Path:
    found = Path(settings.MEDIA_ROOT) / "datahub" / "cascade"
    found.mkdir(parents=True, exist_ok=True)
    return found


def _write(route: Route, number: int, table: pa.Table) -> Path:
    """On disk for good before the database hears of it; a file no batch names is a former run's leftover."""
    # The number in the file makes two batches of equal rows two files, and not one delivered twice.
    mark = {b"batch": f"{route.peer.code}/{route.remote_code}/{number}".encode()}
    path = folder() / f"{route.pk}-{number}-{uuid.uuid4().hex[:8]}.parquet"
    for old in folder().glob(f"{route.pk}-{number}-*.parquet"):
        old.unlink(missing_ok=True)
    with open(path, "wb") as file:
        pq.write_table(table.replace_schema_metadata(mark), file, compression="zstd")
        file.flush()
        os.fsync(file.fileno())
    return path


def left_over(route: Route, batch: Batch) -> Batch | None:
    """A batch that a former run did not finish; None, to be fetched again, where its file is gone."""
    if not Path(batch.path).is_file() and not _delivered(route, batch).exists():
        batch.delete()
        return None
    if batch.state == BatchState.REFUSED:
        batch.state = next_state(BATCH_MOVES, "retry", batch.state)
        batch.save(update_fields=["state"])
    return batch


def _delivered(route: Route, batch: Batch) -> Any:
    """The batch's delivery, if it came as far as the lake before its file was lost."""
    return Delivery.objects.filter(
        dataset_id=route.dataset_id, period=period_of(route, batch), state=DeliveryState.COMMITTED
    )


def period_of(route: Route, batch: Batch) -> str:
    return f"cascade {route.pk}/{batch.number}"


def bring_in(route: Route, batch: Batch) -> None:
    """Deliver a fetched batch and move the route on. Raises PeerFailed where the hub refuses it."""
    delivery = _delivered(route, batch).first() or deliver(
        dataset_code=route.dataset.code,
        path=batch.path,
        source=SourceKind.TABLE,
        file_name=f"{route.peer.code} {route.remote_code} #{batch.number}",
        period=period_of(route, batch),
        keeps_file=True,
    )
    reach("cascade_delivered")
    accepted = delivery.state in (DeliveryState.COMMITTED, DeliveryState.UNCHANGED)
    with transaction.atomic():
        held = Route.objects.select_for_update().get(pk=route.pk)
        fresh = Batch.objects.select_for_update().get(pk=batch.pk)
        fresh.state = next_state(BATCH_MOVES, "deliver" if accepted else "refuse", fresh.state)
        fresh.delivery = delivery
        fresh.save(update_fields=["state", "delivery"])
        if accepted:
            held.position, held.number = batch.to_position, batch.number
            held.rows = F("rows") + batch.rows
            held.rows_rejected = F("rows_rejected") + delivery.rows_rejected
            held.last_at, held.last_error = clock.now(), ""
        else:
            held.paused, held.last_error = True, f"{delivery.reason}: {delivery.detail}"[:300]
        held.save()
    reach("cascade_moved")
    if not accepted:
        raise PeerFailed(f"{route.remote_code}: batch {batch.number} refused: {delivery.reason}")
    Path(batch.path).unlink(missing_ok=True)


def _get(peer: Peer, path: str, *, accept: str) -> outbound.Answer:
    answer = outbound.request(
        "GET",
        peer.url + path,
        headers={"Authorization": f"Bearer {peer.token}", "Accept": accept},
        max_redirects=0,
    )
    if answer.status != 200:
        try:
            said = str(json.loads(answer.body).get("code", ""))
        except (ValueError, AttributeError):
            said = ""
        raise PeerFailed(f"{peer.code}: HTTP {answer.status} {said}".strip())
    return answer
