"""Orders of a person who is erased by law: they stay, as work that was done; the door does not."""

from django.contrib.gis.geos import Point
from django.db.models import Q

from commandcenter.core.masking import mask_address
from commandcenter.journal.erasing import BATCH, Person, own_ids
from dispatch.models import Order

KIND = "dispatch.order"
COARSE = 3  # decimals of a degree, about 100 m


def known_of(values: tuple[str, ...], refs: frozenset[str]) -> tuple[set[str], set[str]]:
    """The orders on the person's cases, and what was passed down from them."""
    del values
    found: set[int] = set()
    more = set(Order.objects.filter(case_ref__in=sorted(refs)).values_list("pk", flat=True))
    more |= set(own_ids(refs, KIND))
    while more - found:
        found |= more
        more = set(Order.objects.filter(parent_id__in=found).values_list("pk", flat=True))
    return set(), {f"{KIND}:{pk}" for pk in found}


def own_rows(refs: frozenset[str]) -> dict[str, Q]:
    ids = own_ids(refs, KIND)
    return {
        "dispatch.Order": Q(pk__in=ids),
        "dispatch.OrderMove": Q(order_id__in=ids),
        "dispatch.UnitRequest": Q(order_id__in=ids),
    }


def erase_person(person: Person) -> dict[str, int]:
    orders = Order.objects.filter(pk__in=own_ids(person.refs, KIND))
    if not person.change:
        return {"dispatch.Order": orders.count()}
    rows = list(orders.select_for_update(of=("self",)))
    for order in rows:
        order.place = mask_address(order.place) if order.place else ""
        if order.location:
            x, y = round(order.location.x, COARSE), round(order.location.y, COARSE)
            order.location = Point(x, y, srid=order.location.srid)
    Order.objects.bulk_update(rows, ["place", "location"], batch_size=BATCH)
    return {"dispatch.Order": len(rows)}
