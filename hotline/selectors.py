"""Shaped reads of the hotline: for its own pages and for the floor above."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Q

from city.selectors import area_path_name
from commandcenter.core import clock
from commandcenter.core.crypto import keyed_hash
from commandcenter.core.masking import mask_address, mask_id_number, mask_name, mask_phone, mask_text

from .classify.words import telling_words
from .models import Category, ImportMapping, KnowledgeArticle, OpeningRequest, Ticket
from .phones import normal_phone

if TYPE_CHECKING:
    from city.models import User

HISTORY_DAYS = 365
SEARCH_NUMBER_LENGTH = 10


def ticket_of(ticket_id: int) -> Ticket | None:
    return (
        Ticket.objects.without_caller()
        .select_related("category", "org", "order")
        .filter(pk=ticket_id)
        .first()
    )


def visible_ticket(user: "User", ticket_id: int) -> Ticket | None:
    """A ticket that this person may open, with what its page shows."""
    rows = Ticket.objects.visible_to(user).select_related("category__parent", "org", "order", "taken_by")
    return rows.select_related("accused_org").filter(pk=ticket_id).first()


def masked_caller(ticket: Ticket) -> dict[str, str]:
    """The caller as those see them who need not know them. Of a sealed ticket nothing at all."""
    if ticket.sealed:
        return {"name": "", "phone": "", "id_number": ""}
    return {
        "name": mask_name(ticket.caller_name),
        "phone": mask_phone(ticket.caller_phone) if ticket.caller_phone else "",
        "id_number": mask_id_number(ticket.caller_id_number) if ticket.caller_id_number else "",
    }


def queue(user: "User", *, most: int = 30) -> list[Ticket]:
    """What waits for the desk in this person's areas, oldest first."""
    rows = Ticket.objects.visible_to(user).in_queue().without_caller().select_related("category")
    return list(rows[:most])


def queue_counts(user: "User") -> dict[str, int]:
    """How many wait for the desk, and how many for a call-back."""
    rows = Ticket.objects.visible_to(user).live()
    rows = rows.filter(state__in=["new", "awaiting_dispatch", "awaiting_callback"])
    found = dict(rows.order_by().values_list("state").annotate(n=Count("pk")))
    return {
        "waiting": found.get("new", 0) + found.get("awaiting_dispatch", 0),
        "call_backs": found.get("awaiting_callback", 0),
    }


def caller_history(user: "User", phone: str, *, most: int = 6) -> list[Ticket]:
    """Earlier unsealed tickets of the same number that this person may open, newest first."""
    mark = keyed_hash(normal_phone(phone), purpose="caller")
    if not mark:
        return []
    since = clock.now() - timedelta(days=HISTORY_DAYS)
    rows = Ticket.objects.visible_to(user).unsealed().without_caller()
    rows = rows.filter(caller_hash=mark, taken_at__gte=since).select_related("category")
    return list(rows.order_by("-taken_at")[:most])


def call_back_queue(user: "User") -> Any:
    """Tickets whose unit is done, longest waiting first; those who asked not to be called come last."""
    rows = Ticket.objects.visible_to(user).awaiting_call_back().select_related("category", "org", "order")
    return rows.order_by("-contact_allowed", "answered_at", "pk")


def search_filter(text: str) -> Q:
    """Tickets by number, by words of title or content, or by the caller's number. Never a sealed one."""
    text = text.strip()
    digits = normal_phone(text)
    if text.upper().startswith("RX") and text[2:].isdecimal():
        return Q(number__istartswith=text)
    found = Q(title__icontains=text) | Q(content__icontains=text)
    if len(digits) >= SEARCH_NUMBER_LENGTH and not text.strip("0123456789+- "):
        found |= Q(caller_hash=keyed_hash(digits, purpose="caller")) | Q(number__icontains=digits)
    return found & Q(sealed=False)


def find_knowledge(text: str, *, most: int = 6) -> list[KnowledgeArticle]:
    """Articles that answer a text, best first. Words in the question count most."""
    terms = telling_words(text)[:24] or ([text.strip()] if len(text.strip()) > 1 else [])
    if not terms:
        return []
    wanted = Q()
    for term in terms:
        wanted |= Q(question__icontains=term) | Q(answer__icontains=term) | Q(keywords__icontains=term)
    today = clock.now().date()
    rows = KnowledgeArticle.objects.filter(wanted, active=True).select_related("category")
    rows = rows.filter(Q(valid_until=None) | Q(valid_until__gte=today))
    scored = []
    for row in rows[:300]:
        score = sum(
            4 * (term in row.keywords) + 2 * (term in row.question) + (term in row.answer) for term in terms
        )
        if score >= min(3, 2 * len(terms)):
            scored.append((-score, row.code, row))
    scored.sort(key=lambda one: one[:2])
    return [row for *_rank, row in scored[:most]]


def pending_openings(user: "User", *, most: int = 20) -> list[OpeningRequest]:
    """Requests to open a caller that this person may see, and that nobody has decided."""
    visible = Ticket.objects.visible_to(user).filter(sealed=True)
    rows = OpeningRequest.objects.filter(decided_at=None, ticket__in=visible).exclude(asked_by=user)
    return list(rows.select_related("ticket", "asked_by").order_by("asked_at")[:most])


def categories() -> list[Category]:
    """First-level categories, in order."""
    return list(Category.objects.filter(parent=None, active=True))


def as_line(ticket: Ticket) -> dict[str, Any]:
    """One ticket as a list or an export shows it: no caller, numbers in the text masked."""
    return {
        "number": ticket.number,
        "title": ticket.shown_title if ticket.sealed else mask_text(ticket.title),
        "channel": ticket.get_channel_display(),
        "request_type": ticket.get_request_type_display(),
        "category": ticket.category.name if ticket.category else "",
        "urgency": ticket.get_urgency_display(),
        "area": area_path_name(ticket.area_code),
        "address": mask_address(ticket.address) if ticket.address else "",
        "state": ticket.get_state_display(),
        "taken_at": ticket.taken_at,
        "answered_at": ticket.answered_at,
        "org": ticket.org.name if ticket.org else "",
    }


def trace_nodes(user: "User", ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """What the trace page may say of tickets; one that this person may not open is absent."""
    rows = Ticket.objects.visible_to(user).without_caller().filter(pk__in=list(ids)).prefetch_related("moves")
    return {
        row.pk: {
            "number": row.number,
            "title": row.shown_title,
            "state": row.get_state_display(),
            "at": row.taken_at,
            "moves": [{"action": m.action_name, "at": m.at, "by": m.by_name} for m in row.moves.all()],
        }
        for row in rows
    }


def saved_mappings() -> list[str]:
    return list(ImportMapping.objects.values_list("name", flat=True))


def taken_since(moment: datetime) -> int:
    return Ticket.objects.live().filter(taken_at__gte=moment).count()
