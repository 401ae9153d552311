"""The facts that the hotline records at a call-back, as XW-17 and XW-18 read them."""

from collections.abc import Collection, Iterator

from commandcenter.core.refs import id_of
from commandcenter.journal.models import Fact
from dispatch.models import OrderMove

from .reading import Period, taken_out

CALL_BACK = "hotline.call_back"


def call_backs(code: str, units: Collection[str], period: Period) -> Iterator[tuple[Fact, int]]:
    """Each call-back of the period with its order's id; every call-back of a redone order counts."""
    out = taken_out(code, units)
    facts = Fact.objects.filter(
        kind=CALL_BACK, org_code__in=units, happened_at__gte=period.start, happened_at__lt=period.end
    )
    for fact in facts.order_by("pk"):
        order_id = id_of(fact.subject_ref, "dispatch.order")
        if order_id is not None and order_id not in out:
            yield fact, order_id


def request_types(order_ids: Collection[int]) -> dict[int, str]:
    """What kind of request each order was opened for, from the move that opened it."""
    moves = OrderMove.objects.filter(action="open", order_id__in=order_ids)
    return dict(moves.values_list("order_id", "body__request_type"))
