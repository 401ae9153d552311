"""剔除: a reviewed exclusion from accountability items. Written once, as a fact; nothing is taken back."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from commandcenter.core import clock
from commandcenter.core.errors import DomainError, require
from commandcenter.journal.models import Fact
from commandcenter.journal.services import audit, record_fact
from dispatch import policies
from dispatch.items import ITEMS
from dispatch.items.reading import EXCLUSION

from . import _moving as m

if TYPE_CHECKING:
    from city.models import User


@transaction.atomic
def exclude_order(*, order_id: int, by: "User", items: Collection[str], reason: str) -> Fact:
    """Take an order out of the named items, with the ground of the review that found so.

    The exclusions that accountability.csv names: unreasonable or beyond duty, malicious rating,
    system fault, force majeure. The second of the two reviews is the audit's.
    """
    order = m.locked(order_id)
    require(policies.may_exclude(by, order))
    reason = m.words(reason, _("a reason"))
    if not items or not set(items) <= set(ITEMS):
        raise DomainError(_("Choose the items."), code="unknown_item")
    fact = record_fact(
        kind=EXCLUSION,
        subject_ref=order.ref,
        org_code=order.org.code,
        area_code=order.area_code,
        happened_at=clock.now(),
        outcome="excluded",
        body={"items": sorted(items), "reason": reason, "by": by.get_username()},
    )
    audit(actor=by, action="dispatch.exclude_order", target_ref=order.ref, reason=reason)
    return fact
