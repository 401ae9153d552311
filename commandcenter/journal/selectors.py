"""Reads of the journal for the floors above."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q

from .models import AuditEntry, Cursor, Event, EventPosition, Fact, TraceLink
from .querysets import FactQuerySet

BATCH = 1_000
FOLD_CURSOR = "fold"


def last_position() -> int:
    """The newest position given to an event."""
    newest = EventPosition.objects.order_by("-position").values_list("position", flat=True).first()
    return newest or 0


def folded_position() -> int:
    """The position up to which summaries are folded: what a screen may show."""
    position = Cursor.objects.filter(name=FOLD_CURSOR).values_list("position", flat=True).first()
    return position or 0


def events_between(after: int, upto: int | None = None, limit: int = BATCH) -> list[Event]:
    """Folded events after a position, in order, each with `.position`; at most `limit`."""
    end = folded_position() if upto is None else upto
    return list(Event.objects.between(after, end)[:limit]) if end > after else []


def facts(
    kind: str,
    *,
    since: datetime,
    until: datetime,
    org_codes: Iterable[str] | None = None,
    subject_refs: Iterable[str] | None = None,
) -> FactQuerySet:
    """Facts of one kind that happened in [since, until)."""
    rows = Fact.objects.in_period(since, until).filter(kind=kind)
    if org_codes is not None:
        rows = rows.filter(org_code__in=list(org_codes))
    if subject_refs is not None:
        rows = rows.filter(subject_ref__in=list(subject_refs))
    return rows


@dataclass
class Graph:
    """References and the links between them; `cut` when a limit left some out."""

    nodes: list[str] = field(default_factory=list)
    edges: list[TraceLink] = field(default_factory=list)
    cut: bool = False


def trace_graph(ref: str, *, most_nodes: int = 200, most_links: int = 60) -> Graph:
    """Everything that led to `ref` and everything that came of it.

    Causes are followed upwards and effects downwards from `ref`; a side branch of a cause
    (another alert of the same delivery) is not part of this case. Links that were undone are
    left out. Each step is one query; a node with more than `most_links` links is cut.
    """
    graph = Graph(nodes=[ref])
    seen, seen_links = {ref}, set()
    for forward in (False, True):
        frontier = [ref]
        while frontier:
            near, far = ("from_ref", "to_ref") if forward else ("to_ref", "from_ref")
            most = most_links * len(frontier) + 1
            links = list(TraceLink.objects.filter(Q(**{f"{near}__in": frontier})).order_by("at", "pk")[:most])
            undone = {(link.from_ref, link.to_ref) for link in links if link.kind == "undone"}
            frontier, fan = [], dict[str, int]()
            for link in links:
                origin, other = getattr(link, near), getattr(link, far)
                if (link.from_ref, link.to_ref) in undone or link.pk in seen_links:
                    continue
                fan[origin] = fan.get(origin, 0) + 1
                if fan[origin] > most_links or len(graph.nodes) >= most_nodes:
                    graph.cut = True
                    continue
                seen_links.add(link.pk)
                graph.edges.append(link)
                if other not in seen:
                    seen.add(other)
                    graph.nodes.append(other)
                    frontier.append(other)
    return graph


def audit_entries(**filters: Any) -> Any:
    """Audit entries, newest first, for the auditor's pages."""
    return AuditEntry.objects.filter(**filters).order_by("-pk")
