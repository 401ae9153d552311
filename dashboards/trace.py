"""One case from its source rows to its score: every step with who, when and how long since the last.

The graph of trace links is walked both ways. What happened to each thing on it becomes steps, and all
steps stand on one line in order of time. A thing the viewer may not see keeps its place, without content.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from alerts.states import ACTION_LABELS as ALERT_WORDS
from city.selectors import area_path_name
from commandcenter.core.refs import make_ref, parse_ref
from commandcenter.core.times import SHANGHAI
from commandcenter.journal.models import Fact
from commandcenter.journal.selectors import Graph, trace_graph
from datahub.devices.states import ACTION_WORDS as FAULT_WORDS
from datahub.quality.policies import may_ask_correction
from dispatch.states import ACTION_WORDS as ORDER_WORDS
from grid.states import ACTION_LABELS as REPORT_WORDS
from hotline.states import ACTION_NAMES as TICKET_WORDS

from . import rows
from .things import FACT_WORDS, KIND_OF_REF, OUTCOME_WORDS, RANKS, SHOWN_ROWS, Step, Thing, Trace
from .words import trace_url


def trace_of(user: Any, ref: str) -> Trace | None:
    """The case of a thing, or None when it does not exist or this person may not see it."""
    try:
        kind, parts = parse_ref(ref)
    except ValueError:
        return None
    if kind not in KIND_OF_REF:
        return None
    graph = trace_graph(_anchor(kind, parts, ref))
    reader = Reader(user, graph)
    reader.read()
    root = reader.thing_of(ref)
    if root is None or root.hidden:
        return None
    steps = sorted(reader.steps, key=lambda step: (step.at, RANKS[step.thing.kind], step.thing.branch))
    seen: set[str] = set()
    for before, step in zip([None, *steps], steps, strict=False):
        step.first = step.thing.key not in seen
        step.since = (step.at - before.at).total_seconds() if before else None
        seen.add(step.thing.key)
    things = list(reader.things.values())
    title = root.title or f"{root.kind_words} {root.number}"
    return Trace(ref, title, steps, things, graph.cut, sum(thing.hidden for thing in things))


def _anchor(kind: str, parts: list[str], ref: str) -> str:
    """A score belongs to its order: the case is walked from there."""
    if kind == "journal.fact" and parts[0].isdigit():
        fact = Fact.objects.filter(pk=parts[0]).first()
        return fact.subject_ref if fact else ref
    return ref


class Reader:
    """Reads the things of a graph, one query per kind, cut to what the user may see."""

    def __init__(self, user: Any, graph: Graph) -> None:
        self.user = user
        self.graph = graph
        self.things: dict[str, Thing] = {}
        self.steps: list[Step] = []
        self.by_kind: dict[str, list[str]] = {}
        for ref in graph.nodes:
            kind = KIND_OF_REF.get(parse_ref(ref)[0])
            if kind is not None:
                self.by_kind.setdefault(kind, []).append(ref)
        self.linked_at = {
            ref: link.at for link in reversed(graph.edges) for ref in (link.from_ref, link.to_ref)
        }

    def read(self) -> None:
        readers: dict[str, tuple[str, Callable[[Any, Thing], None], dict[str, Any]]] = {
            "ticket": ("hotline.ticket", self._ticket, TICKET_WORDS),
            "report": ("grid.report", self._report, REPORT_WORDS),
            "alert": ("alerts.alert", self._alert, ALERT_WORDS),
            "fault": ("datahub.fault", self._fault, FAULT_WORDS),
            "order": ("dispatch.order", self._order, ORDER_WORDS),
        }
        for kind, (prefix, describe, words) in readers.items():
            self._read_kind(kind, prefix, describe, words)
        self._read_sources()
        self._read_facts()

    def thing_of(self, ref: str) -> Thing | None:
        if ref in self.things:
            return self.things[ref]
        kind, parts = parse_ref(ref)
        return self.things.get(make_ref("datahub.delivery", parts[0])) if kind == "datahub.row" else None

    # ---------------------------------------------------------------- things with moves

    def _read_kind(
        self, kind: str, prefix: str, describe: Callable[[Any, Thing], None], words: dict[str, Any]
    ) -> None:
        refs = {int(parse_ref(ref)[1][0]): ref for ref in self.by_kind.get(kind, [])}
        if not refs:
            return
        found = rows.visible(kind, self.user).filter(pk__in=list(refs)).distinct().prefetch_related("moves")
        for row in found:
            thing = Thing(
                make_ref(prefix, row.pk),
                kind,
                number=row.number,
                url=rows.page_of(kind, row),
                place=area_path_name(row.area_code),
                state=row.get_state_display(),
            )
            describe(row, thing)
            self.things[thing.key] = thing
            for move in row.moves.all():
                self.steps.append(self._step(thing, move, words))
        for pk, ref in refs.items():
            if ref not in self.things:
                self._hide(kind, make_ref(prefix, pk))

    def _step(self, thing: Thing, move: Any, words: dict[str, Any]) -> Step:
        on_time = getattr(move, "on_time", None)
        tone = {True: "good", False: "bad"}.get(on_time, "") if on_time is not None else ""
        return Step(
            move.at,
            thing,
            str(words.get(move.action, move.action)),
            who=move.by_name,
            unit=thing.unit if thing.kind == "order" else "",
            note=move.note,
            tone=tone,
        )

    def _hide(self, kind: str, key: str) -> None:
        at = self.linked_at.get(key)
        if at is None:
            return
        thing = Thing(key, kind, hidden=True)
        self.things[key] = thing
        self.steps.append(Step(at, thing, ""))

    def _ticket(self, row: Any, thing: Thing) -> None:
        thing.title = row.shown_title

    def _report(self, row: Any, thing: Thing) -> None:
        thing.title = row.title

    def _alert(self, row: Any, thing: Thing) -> None:
        thing.title = row.title
        thing.details.append(f"{row.value:g} {row.unit}")

    def _fault(self, row: Any, thing: Thing) -> None:
        thing.title = row.title

    def _order(self, row: Any, thing: Thing) -> None:
        thing.title, thing.unit = row.title, row.org.name
        thing.branch = int(row.parent_id is not None)
        if row.parent_id is not None:
            thing.details.append(str(row.get_role_display()))

    # ---------------------------------------------------------------- source rows and scores

    def _read_sources(self) -> None:
        """Rows stand under their delivery: an alert may rest on hundreds."""
        numbers: dict[int, list[int]] = {}
        for ref in self.by_kind.get("source", []):
            _kind, parts = parse_ref(ref)
            numbers.setdefault(int(parts[0]), [])
            if len(parts) > 1:
                numbers[int(parts[0])].append(int(parts[1]))
        if not numbers:
            return
        # Who may see an alert may see the rows it rests on; everyone else needs a role with data.
        saw_alert = any(t.kind == "alert" and not t.hidden for t in self.things.values())
        found = rows.rows("delivery") if saw_alert else rows.visible("delivery", self.user)
        deliveries = found.filter(pk__in=list(numbers)).select_related("dataset")
        for delivery in deliveries:
            key = make_ref("datahub.delivery", delivery.pk)
            thing = Thing(
                key,
                "source",
                title=delivery.dataset.title,
                number=f"#{delivery.pk}",
                url=rows.page_of("delivery", delivery),
                state=delivery.get_state_display(),
            )
            thing.details = _row_details(delivery.pk, sorted(numbers[delivery.pk]))
            if thing.details and may_ask_correction(self.user, delivery.dataset):
                first = make_ref("datahub.row", delivery.pk, min(numbers[delivery.pk]))
                thing.wrong_url = f"{reverse('datahub:correction_ask')}?row={first}"
            self.things[key] = thing
            self.steps.append(Step(delivery.received_at, thing, _("Data delivered"), who=delivery.file_name))
        for pk in numbers:
            key = make_ref("datahub.delivery", pk)
            if key not in self.things:
                rows_of_it = [ref for ref in self.by_kind["source"] if parse_ref(ref)[1][0] == str(pk)]
                self.linked_at.setdefault(key, min(self.linked_at[ref] for ref in rows_of_it))
                self._hide("source", key)

    def _read_facts(self) -> None:
        ids = [int(parse_ref(ref)[1][0]) for ref in self.by_kind.get("fact", [])]
        for fact in Fact.objects.filter(pk__in=ids):
            key = make_ref("journal.fact", fact.pk)
            subject = self.thing_of(fact.subject_ref) if ":" in fact.subject_ref else None
            if subject is None or subject.hidden:
                self._hide("fact", key)
                continue
            outcome = str(OUTCOME_WORDS.get(fact.outcome, fact.outcome))
            thing = Thing(
                key,
                "fact",
                title=str(FACT_WORDS.get(fact.kind, fact.kind)),
                state=outcome,
                unit=subject.unit,
                url=_scores_url(fact),
                branch=subject.branch,
            )
            self.things[key] = thing
            bad = fact.outcome in ("late", "dissatisfied")
            self.steps.append(
                Step(fact.recorded_at, thing, _("Scored"), unit=subject.unit, tone="bad" if bad else "good")
            )


def _scores_url(fact: Fact) -> str:
    from django.urls import NoReverseMatch, reverse

    try:
        return f"{reverse('dispatch:scores')}?org={fact.org_code}"
    except NoReverseMatch:
        return ""


def _row_details(delivery_id: int, numbers: Iterable[int]) -> list[str]:
    """The first rows with their values, personal ones masked by the hub."""
    from datahub.selectors import row_by_ref

    numbers = list(numbers)
    details = []
    for number in numbers[:SHOWN_ROWS]:
        row = row_by_ref(make_ref("datahub.row", delivery_id, number))
        if row is None:
            continue
        values = {
            name: value
            for name, value in row["values"].items()
            if not name.startswith("_") and value is not None
        }
        shown = " · ".join(f"{name} {_short(value)}" for name, value in list(values.items())[:8])
        details.append(_("Row %(n)s: %(values)s") % {"n": number, "values": shown})
    if len(numbers) > SHOWN_ROWS:
        details.append(_("and %(n)s more rows") % {"n": len(numbers) - SHOWN_ROWS})
    return details


def _short(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(SHANGHAI) if value.tzinfo else value:%Y-%m-%d %H:%M}"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)[:40]


__all__ = ["Trace", "trace_of", "trace_url"]
