"""Questions about tickets."""

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from city.querysets import within_areas
from city.roles import Role
from city.selectors import areas_of, org_ids_of

from .states import DONE, OPEN

if TYPE_CHECKING:
    from city.models import User
    from hotline.models import Ticket  # noqa: F401 (the generic below names it as a string)

CALLER_FIELDS = ("caller_name", "caller_phone", "caller_id_number")
DESK_ROLES = (Role.OPERATOR, Role.DISPATCHER)
WATCHING_ROLES = (Role.LEADER, Role.SUPERVISOR)


class TicketQuerySet(models.QuerySet["Ticket"]):
    def locked(self) -> Self:
        """For a service: the row is this transaction's until it ends."""
        return self.select_for_update(of=("self",))

    def live(self) -> Self:
        """Taken here, not imported."""
        return self.filter(source="live")

    def open(self) -> Self:
        return self.filter(state__in=OPEN)

    def done(self) -> Self:
        return self.filter(state__in=DONE)

    def unsealed(self) -> Self:
        return self.filter(sealed=False)

    def without_caller(self) -> Self:
        """Leave the encrypted columns in the database: lists never show them."""
        return self.defer(*CALLER_FIELDS)

    def in_queue(self) -> Self:
        """What the desk must act on, oldest first."""
        return self.live().filter(state__in=["new", "awaiting_dispatch"]).order_by("taken_at", "pk")

    def awaiting_call_back(self) -> Self:
        return self.live().filter(state="awaiting_callback")

    def taken_between(self, start: datetime | None, end: datetime | None) -> Self:
        rows = self
        if start:
            rows = rows.filter(taken_at__gte=start)
        if end:
            rows = rows.filter(taken_at__lt=end)
        return rows

    def visible_to(self, user: "User") -> Self:
        """Rows this person may open.

        The desk (operators, dispatchers) sees every ticket of its areas. Leaders and
        supervisors see unsealed ones of theirs. An officer sees unsealed tickets that were
        dispatched to the own organisations; a sealed one is to the unit an order only. Nobody
        sees a ticket about the own organisation, whatever the role.
        """
        if not user.is_authenticated or not user.is_active:
            return self.none()
        allowed = Q(pk__in=[])
        if desk := areas_of(user, *DESK_ROLES):
            allowed |= within_areas(desk)
        if watched := areas_of(user, *WATCHING_ROLES):
            allowed |= within_areas(watched) & Q(sealed=False)
        if units := org_ids_of(user, Role.OFFICER):
            allowed |= Q(org_id__in=units, sealed=False)
        own = set(org_ids_of(user))
        if user.organisation_id:
            own.add(user.organisation_id)
        if own:
            allowed &= Q(accused_org=None) | ~Q(accused_org_id__in=own)
        return self.filter(allowed)
