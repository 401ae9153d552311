"""Which orders: by right, by state, by clock."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Case, DateTimeField, F, IntegerField, Q, QuerySet, Value, When

from city.querysets import within_areas
from city.roles import Role
from city.selectors import areas_of, org_ids_of

from .states import ENDED, WITH_UNIT, OrderState, Urgency

if TYPE_CHECKING:
    from city.models import User
    from dispatch.models import Order  # noqa: F401 (the generic below names it as a string)


class OrderQuerySet(QuerySet["Order"]):
    def visible_to(self, user: "User | Any") -> "OrderQuerySet":
        """The orders this person may read, chosen by organisation and area in the query.

        An officer: orders of the own unit and those the own unit passed on. A dispatcher: the area.
        Leaders and supervisors: the area without confidential orders. Nobody whose organisation is
        the accused one, whatever the role (domain facts 1.8: the accused never learns of it).
        """
        if not getattr(user, "is_authenticated", False):
            return self.none()
        which = Q()
        if units := org_ids_of(user, Role.OFFICER):
            which |= Q(org_id__in=units) | Q(parent__org_id__in=units)
        if commanded := areas_of(user, Role.DISPATCHER):
            which |= within_areas(commanded)
        if led := areas_of(user, Role.LEADER, Role.SUPERVISOR):
            which |= Q(within_areas(led), confidential=False)
        if not which:
            return self.none()
        own = set(org_ids_of(user))
        if user.organisation_id:
            own.add(user.organisation_id)
        return self.filter(which).exclude(accused_org_id__in=own)

    def locked(self) -> "OrderQuerySet":
        return self.select_for_update(of=("self",)).select_related("org", "parent__org")

    def open(self) -> "OrderQuerySet":
        return self.exclude(state__in=ENDED)

    def with_unit(self) -> "OrderQuerySet":
        """Those on which the unit's own clock runs."""
        return self.filter(state__in=WITH_UNIT)

    def with_next_due(self) -> "OrderQuerySet":
        """`next_due`: the deadline that matters now, empty where no clock runs. `urgent`: 2, 1 or 0."""
        return self.annotate(
            next_due=Case(
                When(state=OrderState.DISPATCHED, then=F("sign_due_at")),
                When(state=OrderState.SIGNED, held_at=None, then=F("due_at")),
                default=None,
                output_field=DateTimeField(),
            ),
            urgent=Case(
                When(urgency=Urgency.CRITICAL, then=Value(2)),
                When(urgency=Urgency.URGENT, then=Value(1)),
                default=Value(0),
                output_field=IntegerField(),
            ),
        )

    def overdue(self, *, at: datetime) -> "OrderQuerySet":
        return self.filter(
            Q(state=OrderState.DISPATCHED, sign_due_at__lt=at)
            | Q(state__in=WITH_UNIT, due_at__lt=at, held_at=None)
        )
