"""What a test does inside an instance. Each function is called in a process of that instance."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from city.models import User
from commandcenter import wiring
from commandcenter.core import clock
from datahub import selectors
from datahub.cascade import services as cascade
from datahub.cascade.models import Batch, Peer, Route
from datahub.cascade.selectors import totals
from datahub.models import Delivery
from datahub.services import recover_deliveries
from datahub.sharing import services as sharing
from datahub.sharing.models import Agreement, ShareCall
from tests.factories.city import CITY, AreaFactory, UserFactory, square
from tests.factories.sharing import CONDITIONAL, bring, shared

wiring.TAPS = {}
wiring.LISTENERS = {}


def found() -> int:
    """A city with a steward and one dataset whose provider is the data bureau itself."""
    AreaFactory(code=CITY, name="南通市", polygon=square(120.0, 31.0, 2.0))
    UserFactory(username="steward", may=["steward"])
    return 1


def dataset(code: str, rows: int = 0, first: int = 0) -> int:
    shared(CONDITIONAL.model_copy(update={"code": code, "provider": ""}))
    return add(code, rows, first) if rows else 0


def add(code: str, rows: int, first: int = 0) -> int:
    """Rows whose `count` numbers them through, so that each can be told from every other."""
    end = clock.now() - timedelta(minutes=first)
    return bring(code, rows, at=end, station=f"{code}-{first}").rows_committed


def introduce(code: str, url: str, level: str) -> str:
    """Register the peer and make the key with which it calls us."""
    steward = User.objects.get(username="steward")
    peer = cascade.add_peer(by=steward, code=code, name=code, level=level, url=url)
    return cascade.give_key(peer_id=peer.pk, by=steward)


def trust(code: str, token: str) -> bool:
    peer = Peer.objects.get(code=code)
    peer.token = token
    peer.save(update_fields=["token"])
    return True


def share(peer: str, code: str) -> str:
    """Grant a dataset to a peer by the real steps."""
    steward = User.objects.get(username="steward")
    agreement = sharing.apply_for(
        dataset_code=code, by=steward, org_code="", consumer_ref=f"datahub.peer:{peer}", purpose="三级级联",
        legal_basis="《政务数据共享条例》", columns=["station", "at", "value", "count"],
        until=clock.now() + timedelta(days=30),
    )  # fmt: skip
    agreement = sharing.pass_check(agreement_id=agreement.pk, by=steward)
    return sharing.grant(agreement_id=agreement.pk, by=steward).number


def unshare(number: str) -> str:
    agreement = Agreement.objects.get(number=number)
    steward = User.objects.get(username="steward")
    return sharing.stop_grant(agreement_id=agreement.pk, by=steward, reason="停止级联").state


def connect(peer: str, remote: str, direction: str, local: str = "") -> str:
    found_peer = Peer.objects.get(code=peer)
    cascade.sync_catalogue(peer=found_peer)
    route = cascade.add_route(
        by=None, peer_id=found_peer.pk, remote_code=remote, direction=direction, local_code=local
    )
    return route.dataset.code


def report(code: str) -> dict[str, Any]:
    """What is here of a dataset, by rows and by the books."""
    recover_deliveries()
    held = selectors.read(code, columns=["station", "count"]).to_pylist()
    return {
        "rows": len(held),
        "distinct": len({(row["station"], row["count"]) for row in held}),
        "deliveries": Delivery.objects.filter(dataset__code=code, state="committed").count(),
        "totals": totals(),
        "batches": Batch.objects.count(),
        "open_batches": Batch.objects.exclude(state="delivered").count(),
        "route_rows": sum(Route.objects.filter(dataset__code=code).values_list("rows", flat=True)),
        "errors": [error for error in Route.objects.values_list("last_error", flat=True) if error],
    }


def served(peer: str) -> dict[str, int]:
    """What this side's log says it gave to a peer."""
    calls = ShareCall.objects.filter(agreement__consumer_ref=f"datahub.peer:{peer}")
    return {"ok": calls.filter(outcome="ok").count(), "refused": calls.filter(outcome="refused").count()}
