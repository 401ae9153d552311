"""What goes between the levels: peers, their catalogue, rows per direction."""

from typing import Any

from django.db.models import Count, Sum

from .models import Batch, Peer, Route
from .states import BatchState, Direction


def totals(peer: Peer | None = None) -> dict[str, dict[str, int]]:
    """Datasets, batches and rows per direction, from the batches that were delivered here."""
    found = {value: {"routes": 0, "batches": 0, "rows": 0} for value in Direction.values}
    routes = Route.objects.all() if peer is None else peer.routes.all()
    for row in routes.order_by().values("direction").annotate(n=Count("pk")):
        found[row["direction"]]["routes"] = row["n"]
    batches = Batch.objects.filter(route__in=routes, state=BatchState.DELIVERED).order_by()
    for done in batches.values("route__direction").annotate(n=Count("pk"), rows=Sum("rows")):
        found[done["route__direction"]].update(batches=done["n"], rows=done["rows"])
    return found


def peers_with_routes() -> list[dict[str, Any]]:
    """Each peer with its routes, the entries nobody fetches yet, and its totals."""
    rows = []
    for peer in Peer.objects.prefetch_related("routes__dataset", "entries"):
        routes = list(peer.routes.all())
        taken = {route.remote_code for route in routes}
        rows.append(
            {
                "peer": peer,
                "routes": routes,
                "offers": [e for e in peer.entries.all() if e.gone_at is None and e.code not in taken],
                "totals": totals(peer),
            }
        )
    return rows
