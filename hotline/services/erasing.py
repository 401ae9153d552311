"""A caller who is erased by law: what the desk knows of him, which rows are his, and what leaves them."""

from django.contrib.gis.geos import Point
from django.db.models import Q

from commandcenter.core.crypto import keyed_hash
from commandcenter.core.masking import mask_address
from commandcenter.journal.erasing import BATCH, Person, own_ids
from hotline.models import Ticket
from hotline.phones import normal_id_number, normal_phone

from .publishing import DATASET

KIND = "hotline.ticket"
COARSE = 3  # decimals of a degree, about 100 m: enough for a figure, too little for a door


def known_of(values: tuple[str, ...], refs: frozenset[str]) -> tuple[set[str], set[str]]:
    """What the tickets of this caller say of him, and those tickets."""
    hashes = {keyed_hash(normal_phone(value), purpose="caller") for value in values}
    hashes |= {keyed_hash(normal_id_number(value), purpose="caller") for value in values}
    hashes.discard("")
    mine = Q(caller_hash__in=hashes) | Q(caller_id_hash__in=hashes) | Q(pk__in=own_ids(refs, KIND))
    found: set[str] = set()
    cases: set[str] = set()
    for ticket in Ticket.objects.filter(mine).only("pk", "caller_name", "caller_phone", "caller_id_number"):
        found |= {ticket.caller_name, ticket.caller_phone, ticket.caller_id_number}
        cases.add(ticket.ref)
    return found - {""}, cases


def own_rows(refs: frozenset[str]) -> dict[str, Q]:
    ids = own_ids(refs, KIND)
    return {
        "hotline.Ticket": Q(pk__in=ids),
        "hotline.TicketMove": Q(ticket_id__in=ids),
        "hotline.OpeningRequest": Q(ticket_id__in=ids),
    }


def lake_rows(refs: frozenset[str]) -> dict[str, tuple[str, list[str]]]:
    """Rows of published datasets that are the person's own: dataset -> column and its values."""
    numbers = Ticket.objects.filter(pk__in=own_ids(refs, KIND)).exclude(published_at=None)
    return {DATASET: ("number", list(numbers.values_list("number", flat=True)))}


def erase_person(person: Person) -> dict[str, int]:
    """Who called is no longer known, nor where at the door: street and hundred metres stay."""
    tickets = Ticket.objects.filter(pk__in=own_ids(person.refs, KIND))
    if not person.change:
        return {"hotline.Ticket": tickets.count()}
    rows = list(tickets.select_for_update(of=("self",)))
    for ticket in rows:
        ticket.caller_name = ticket.caller_phone = ticket.caller_id_number = ""
        ticket.caller_hash = ticket.caller_id_hash = ticket.language = ""
        ticket.contact_allowed = ticket.vulnerable = False
        ticket.address = mask_address(ticket.address) if ticket.address else ""
        ticket.location = coarse(ticket.location)
    Ticket.objects.bulk_update(
        rows,
        [
            *("caller_name", "caller_phone", "caller_id_number", "caller_hash", "caller_id_hash"),
            *("language", "contact_allowed", "vulnerable", "address", "location"),
        ],
        batch_size=BATCH,
    )
    return {"hotline.Ticket": len(rows)}


def coarse(place: Point | None) -> Point | None:
    return Point(round(place.x, COARSE), round(place.y, COARSE), srid=place.srid) if place else None
