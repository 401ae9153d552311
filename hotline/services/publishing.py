"""Publishing tickets as a dataset, like any department: without callers, without sealed tickets."""

from typing import Any

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from commandcenter.core import clock
from commandcenter.core.masking import mask_text
from datahub import services as hub
from datahub.selectors import UnknownDataset, dataset
from hotline.models import Ticket

log = structlog.get_logger()
DATASET = "hotline.tickets"
BATCH = 2_000


def publish_tickets() -> int:
    """Push tickets that were not published yet; returns how many.

    The mark and the push share one transaction, so a ticket is published once.
    """
    try:
        dataset(DATASET)
    except UnknownDataset:
        log.warning("tickets_not_published", reason="the packs are not loaded")
        return 0
    with transaction.atomic():
        rows = list(
            Ticket.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(published_at=None, sealed=False, source="live")
            .without_caller()
            .select_related("category", "category__parent")
            .order_by("pk")[:BATCH]
        )
        if not rows:
            return 0
        hub.push_rows(DATASET, [as_row(ticket) for ticket in rows])
        Ticket.objects.filter(pk__in=[ticket.pk for ticket in rows]).update(published_at=clock.now())
    return len(rows)


def as_row(ticket: Ticket) -> dict[str, Any]:
    """One ticket as the dataset has it. Raises ValueError for a sealed one, whatever asked for it."""
    if ticket.sealed:
        raise ValueError(_("A sealed ticket is never published."))
    category = ticket.category
    return {
        "number": ticket.number,
        "taken_at": ticket.taken_at.isoformat(),
        "channel": ticket.channel,
        "request_type": ticket.request_type,
        "urgency": ticket.urgency,
        "category_code": category.code if category else None,
        "category_name": category.name if category else None,
        "category_level1": category.level1 if category else None,
        "title": mask_text(ticket.title),
        "area_code": ticket.area_code,
        "lon": ticket.location.x if ticket.location else None,
        "lat": ticket.location.y if ticket.location else None,
    }
