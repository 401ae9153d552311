"""Which platforms we exchange with, and which of their datasets come here."""

import re
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from commandcenter.core.errors import BadInput, Problem, require
from commandcenter.journal.services import audit
from datahub import outbound
from datahub.declare import DatasetSpec
from datahub.models import Dataset
from datahub.policies import may_deliver
from datahub.selectors import spec_for
from datahub.services import save_dataset
from datahub.sharing.services import issue_key

from ..models import Entry, Peer, Route
from ..states import Direction, PeerLevel

if TYPE_CHECKING:
    from city.models import User


@transaction.atomic
def add_peer(
    *, by: "User | None", code: str, name: str, level: str, url: str, token: str = "", area_code: str = ""
) -> Peer:
    """Register another platform or change what is known of it. token: the one that it gave us.

    Raises OutboundRefused where its address is not allow-listed. by None: from the command line.
    """
    require(by is None or may_deliver(by))
    if level not in PeerLevel.values:
        raise BadInput(Problem(None, "level", _("No such level.")))
    outbound.check(url)
    values = {"name": name, "level": level, "url": url.rstrip("/"), "area_code": area_code}
    if token:
        values["token"] = token
    peer, _new = Peer.objects.update_or_create(code=code, defaults=values)
    audit(actor=by, action="datahub.add_peer", target_ref=peer.ref, body={"url": peer.url, "level": level})
    return peer


def give_key(*, peer_id: int, by: "User | None") -> str:
    """A token for the peer to call us with, told this once; it opens what is granted to the peer."""
    require(by is None or may_deliver(by))
    return issue_key(consumer_ref=Peer.objects.get(pk=peer_id).ref, by=by)


@transaction.atomic
def add_route(
    *, by: "User | None", peer_id: int, remote_code: str, direction: str, local_code: str = ""
) -> Route:
    """Let a dataset of the peer's catalogue come here from now on.

    local_code: one of our datasets with the same columns, or nothing: then one is made after the
    peer's declaration, named after peer and dataset.
    """
    require(by is None or may_deliver(by))
    if direction not in Direction.values:
        raise BadInput(Problem(None, "direction", _("No such direction.")))
    peer = Peer.objects.get(pk=peer_id)
    entry = Entry.objects.filter(peer=peer, code=remote_code, gone_at=None).first()
    if entry is None:
        raise BadInput(Problem(None, "remote_code", _("The peer does not show such a dataset.")))
    dataset = _own(local_code, entry) if local_code else _made(peer, entry)
    route, _new = Route.objects.get_or_create(
        peer=peer, remote_code=remote_code, defaults={"dataset": dataset, "direction": direction}
    )
    audit(
        actor=by,
        action="datahub.add_route",
        target_ref=peer.ref,
        body={"remote": remote_code, "local": dataset.code, "direction": direction},
    )
    return route


def declared(entry: Entry) -> DatasetSpec:
    """The peer's declaration, checked as if a person had written it."""
    return DatasetSpec.model_validate(entry.body["declaration"])


def _own(local_code: str, entry: Entry) -> Dataset:
    found = Dataset.objects.filter(code=local_code).first()
    if found is None:
        raise BadInput(Problem(None, "local_code", _("There is no such dataset here.")))
    here = {column.code: column for column in spec_for(found).columns}
    theirs = {column.code: column for column in declared(entry).columns}
    wrong = [c.code for c in theirs.values() if c.code in here and here[c.code].kind != c.kind]
    missing = [c.code for c in here.values() if c.required and c.code not in theirs]
    if wrong or missing or not set(theirs) & set(here):
        raise BadInput(Problem(None, ", ".join(wrong + missing), _("The columns do not fit.")))
    return found


def _made(peer: Peer, entry: Entry) -> Dataset:
    spec = declared(entry)
    local = spec.model_copy(
        update={
            "code": local_name(peer.code, entry.code),
            "name": f"{spec.name}（{peer.name}）",
            "name_en": f"{spec.name_en or spec.code} ({peer.code})",
            "provider": "",
            "area_code": "",
            "share_type": "conditional",
            "open_type": "closed",
            # Masked values are no longer what the column said; a row must not be rejected for it.
            "columns": tuple(c.model_copy(update={"required": False}) for c in spec.columns),
        }
    )
    return save_dataset(local)[0]


def local_name(peer_code: str, remote_code: str) -> str:
    """`nantong-city` + `env.air` → `nantong_city.env__air`."""
    left = re.sub(r"[^a-z0-9_]", "_", peer_code.lower())
    left = left if left[:1].isalpha() else f"p{left}"
    return f"{left}.{remote_code.replace('.', '__')}"[:80]


@transaction.atomic
def set_paused(*, route_id: int, paused: bool, by: "User | None") -> Route:
    """Stop or go on; going on tries a refused batch again."""
    require(by is None or may_deliver(by))
    route = Route.objects.select_for_update().get(pk=route_id)
    route.paused = paused
    route.save(update_fields=["paused"])
    audit(actor=by, action="datahub.pause_route", target_ref=route.peer.ref, body={"paused": paused})
    return route
